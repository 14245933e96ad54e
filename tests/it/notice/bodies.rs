//! The whole body of each service for one alert, and what changes with the level.

use daybook::locale::Language;
use daybook::notice::{Level, Notice, Service};
use serde_json::{Value, json};

use super::{SERVICES, alert};

#[test]
fn slack_gets_plain_text_in_blocks() {
    let expected = json!({
        "text": "[1 critical] R&amp;D [Beryl]: errors 12",
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": "[1 critical] R&amp;D [Beryl]: errors 12", "emoji": false } },
            { "type": "section", "text": {
                "type": "plain_text",
                "text": "critical: *Errors* &lt;5 min&gt;: 12 (limit 10)\n@ada looks",
                "emoji": false,
            } },
            { "type": "section", "fields": [{ "type": "plain_text", "text": "host\nweb_1", "emoji": false }] },
            { "type": "context", "elements": [
                { "type": "plain_text", "text": "Critical · R&amp;D", "emoji": false },
                { "type": "mrkdwn", "text": "<https://beryl.example/day?a=1&amp;b=2%7C3|Open the dashboard>" },
            ] },
        ],
        "unfurl_links": false,
        "unfurl_media": false,
    });
    assert_eq!(alert().body(Service::Slack), expected);
}

#[test]
fn teams_gets_a_card_of_text_runs() {
    let run = |text: &str| json!({ "type": "TextRun", "text": text });
    let bold = |text: &str| json!({ "type": "TextRun", "text": text, "weight": "Bolder" });
    let expected = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": [
                    { "type": "Container", "style": "attention", "bleed": true, "items": [
                        { "type": "RichTextBlock", "inlines": [bold("[1 critical] R&D [Beryl]: errors 12")] },
                        { "type": "RichTextBlock", "inlines": [run("Critical · R&D")] },
                    ] },
                    { "type": "RichTextBlock", "inlines": [run("critical: *Errors* <5 min>: 12 (limit 10)")] },
                    { "type": "RichTextBlock", "inlines": [run("@ada looks")] },
                    { "type": "RichTextBlock", "inlines": [bold("host: "), run("web_1")] },
                ],
                "actions": [{
                    "type": "Action.OpenUrl",
                    "title": "Open the dashboard",
                    "url": "https://beryl.example/day?a=1&b=2|3",
                }],
            },
        }],
    });
    assert_eq!(alert().body(Service::Teams), expected);
}

#[test]
fn discord_gets_an_embed_that_mentions_nobody() {
    let expected = json!({
        "embeds": [{
            "title": "\\[1 critical\\] R&D \\[Beryl\\]: errors 12",
            "url": "https://beryl.example/day?a=1&b=2|3",
            "description": "critical: \\*Errors\\* <\u{200b}5 min\\>: 12 (limit 10)\n@\u{200b}ada looks",
            "color": 0xc62828,
            "fields": [{ "name": "host", "value": "web\\_1", "inline": true }],
            "footer": { "text": "Critical · R&D" },
            "timestamp": "2025-10-03T22:00:00Z",
        }],
        "allowed_mentions": { "parse": [] },
    });
    assert_eq!(alert().body(Service::Discord), expected);
}

#[test]
fn mattermost_gets_an_attachment_without_a_text_beside_it() {
    let mut expected = json!({
        "attachments": [{
            "fallback": "[1 critical] R&D [Beryl]: errors 12",
            "color": "#c62828",
            "title": "[1 critical] R&D [Beryl]: errors 12",
            "title_link": "https://beryl.example/day?a=1&b=2|3",
            "text": "critical: \\*Errors\\* <\u{200b}5 min\\>: 12 (limit 10)\n@\u{200b}ada looks",
            "fields": [{ "title": "host", "value": "web\\_1", "short": true }],
            "footer": "Critical · R&D",
        }],
    });
    assert_eq!(alert().body(Service::Mattermost), expected);
    // Without a link, a title is Markdown.
    let attachment = expected["attachments"][0].as_object_mut().unwrap();
    attachment.remove("title_link");
    attachment["title"] = json!("\\[1 critical\\] R&D \\[Beryl\\]: errors 12");
    let bare = Notice {
        link: None,
        ..alert()
    };
    assert_eq!(bare.body(Service::Mattermost), expected);
}

#[test]
fn ntfy_gets_one_message() {
    let expected = json!({
        "topic": "beryl",
        "title": "[1 critical] R&D [Beryl]: errors 12",
        "message": "critical: *Errors* <5 min>: 12 (limit 10)\n@ada looks\nhost: web_1\nCritical · R&D",
        "priority": 5,
        "tags": ["rotating_light"],
        "click": "https://beryl.example/day?a=1&b=2|3",
    });
    assert_eq!(alert().body(Service::Ntfy { topic: "beryl" }), expected);
}

#[test]
fn pager_duty_gets_an_event_and_a_fine_one_ends_the_incident() {
    let pager_duty = Service::PagerDuty { routing_key: "key" };
    let mut expected = json!({
        "routing_key": "key",
        "event_action": "trigger",
        "dedup_key": "daybook/R&D/errors",
        "client": "Daybook",
        "payload": {
            "summary": "[1 critical] R&D [Beryl]: errors 12",
            "source": "R&D",
            "severity": "critical",
            "timestamp": "2025-10-03T22:00:00Z",
            "custom_details": {
                "message": "critical: *Errors* <5 min>: 12 (limit 10)\n@ada looks",
                "facts": { "host": "web_1" },
            },
        },
        "links": [{ "href": "https://beryl.example/day?a=1&b=2|3", "text": "Open the dashboard" }],
    });
    assert_eq!(alert().body(pager_duty), expected);
    let fine = Notice {
        level: Level::Fine,
        ..alert()
    };
    expected["event_action"] = json!("resolve");
    expected["payload"]["severity"] = json!("info");
    assert_eq!(fine.body(pager_duty), expected);
}

#[test]
fn every_level_has_a_word_wherever_it_has_a_colour() {
    let cases = [
        (Level::Critical, Language::English, "Critical"),
        (Level::Warning, Language::English, "Warning"),
        (Level::Fine, Language::English, "OK"),
        (Level::Critical, Language::German, "Kritisch"),
        (Level::Warning, Language::German, "Warnung"),
        (Level::Fine, Language::German, "OK"),
    ];
    for (level, language, word) in cases {
        let notice = Notice {
            level,
            language,
            ..alert()
        };
        for service in &SERVICES[..5] {
            let body = notice.body(*service).to_string();
            assert!(body.contains(&format!("{word} · R")), "{service:?} {body}");
        }
    }
    let looks = |level: Level| {
        let notice = Notice { level, ..alert() };
        let [_, teams, discord, mattermost, ntfy, pager_duty] =
            SERVICES.map(|one| notice.body(one));
        json!([
            teams["attachments"][0]["content"]["body"][0]["style"],
            discord["embeds"][0]["color"],
            mattermost["attachments"][0]["color"],
            ntfy["priority"],
            ntfy["tags"][0],
            pager_duty["event_action"],
            pager_duty["payload"]["severity"],
        ])
    };
    let warning = json!([
        "warning", 0xb26a00, "#b26a00", 4, "warning", "trigger", "warning"
    ]);
    assert_eq!(looks(Level::Warning), warning);
    let fine = json!([
        "good",
        0x2e7d32,
        "#2e7d32",
        2,
        "white_check_mark",
        "resolve",
        "info"
    ]);
    assert_eq!(looks(Level::Fine), fine);
}

#[test]
fn a_notice_of_a_title_alone_has_no_empty_parts() {
    let bare = Notice {
        lines: Vec::new(),
        facts: Vec::new(),
        link: None,
        ..alert()
    };
    let [slack, teams, discord, mattermost, ntfy, pager_duty] = SERVICES.map(|one| bare.body(one));
    assert_eq!(slack["blocks"].as_array().unwrap().len(), 2);
    let card = &teams["attachments"][0]["content"];
    assert_eq!(card["body"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&card["actions"], &pager_duty["links"]),
        (&json!([]), &json!([]))
    );
    let absent: [&Value; 3] = [
        &discord["embeds"][0]["url"],
        &mattermost["attachments"][0]["title_link"],
        &ntfy["click"],
    ];
    assert_eq!(absent, [&Value::Null; 3]);
    assert_eq!(ntfy["message"], "Critical · R&D");
}
