//! Texts that try to be markup, to mention everybody, or to be too long.

use daybook::locale::Language;
use daybook::notice::{Level, Notice, Service};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::{SERVICES, alert};

fn of(text: &str) -> Notice {
    Notice {
        title: text.to_owned(),
        lines: vec![text.to_owned(); 30],
        facts: vec![(text.to_owned(), text.to_owned()); 30],
        source: text.to_owned(),
        key: text.to_owned(),
        ..alert()
    }
}

/// Every text of a body, however deep.
fn texts(body: &Value) -> Vec<&str> {
    match body {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn nobody_is_mentioned_and_nothing_is_markup() {
    let text =
        "<!channel> @everyone <@42> **b** [x](https://evil.example) `c` ~~d~~ ||e|| # f\n> g\n- h";
    let [slack, teams, discord, mattermost, ntfy, pager_duty] =
        SERVICES.map(|one| of(text).body(one));
    let plain =
        "<!channel> @everyone <@42> **b** [x](https://evil.example) `c` ~~d~~ ||e|| # f > g - h";
    let entities = plain.replace('<', "&lt;").replace('>', "&gt;");
    assert_eq!(slack["text"], entities);
    let runs = &teams["attachments"][0]["content"]["body"][1]["inlines"];
    assert_eq!(runs[0]["text"], plain);
    let markdown = "<\u{200b}!channel\\> @\u{200b}everyone <\u{200b}@\u{200b}42\\> \\*\\*b\\*\\* \\[x\\](https://evil.example) \\`c\\` \\~\\~d\\~\\~ \\|\\|e\\|\\| \\# f \\> g \\- h";
    let first = |text: &Value| text.as_str().unwrap().lines().next().unwrap().to_owned();
    assert_eq!(first(&discord["embeds"][0]["description"]), markdown);
    assert_eq!(first(&mattermost["attachments"][0]["text"]), markdown);
    assert_eq!(ntfy["title"], plain);
    assert_eq!(pager_duty["payload"]["summary"], plain);
    for body in [&discord, &mattermost] {
        for text in texts(body) {
            assert!(
                !text.contains("@e") && !text.contains("<@") && !text.contains("<!"),
                "{text}"
            );
        }
    }
    for text in texts(&slack) {
        assert!(!text.contains("<!") && !text.contains("<@"), "{text}");
    }
}

#[test]
fn a_long_text_ends_with_an_ellipsis_and_lines_that_do_not_fit_are_counted() {
    let title = "x".repeat(148);
    let notice = of(&format!("{title}😀😀"));
    assert_eq!(notice.body(Service::Slack)["text"], format!("{title}…"));
    let notice = of(&format!("{title}😀"));
    assert_eq!(notice.body(Service::Slack)["text"], format!("{title}😀"));
    // An entity is not torn.
    let notice = of(&format!("{title}&"));
    assert_eq!(notice.body(Service::Slack)["text"], format!("{title}…"));
    let last = |notice: &Notice| {
        let body = notice.body(Service::Discord);
        let text = body["embeds"][0]["description"]
            .as_str()
            .unwrap()
            .to_owned();
        text.lines().last().unwrap().to_owned()
    };
    assert_eq!(last(&of("short")), "… and 10 more");
    // 2 lines of 1,000 letters fit into 3,000 with what is said of the others.
    let long = of(&"x".repeat(10_000));
    assert_eq!(last(&long), "… and 28 more");
    let german = Notice {
        language: Language::German,
        ..long
    };
    assert_eq!(last(&german), "… und 28 weitere");
}

#[test]
fn a_link_that_is_no_plain_address_is_left_out() {
    for link in [
        "javascript:alert(1)",
        "https://beryl.example/a b",
        "https://beryl.example/\u{202e}",
        &format!("https://beryl.example/{}", "x".repeat(500)),
    ] {
        let notice = Notice {
            link: Some(link.to_owned()),
            ..alert()
        };
        for service in SERVICES {
            assert!(
                !notice.body(service).to_string().contains("beryl.example"),
                "{service:?}"
            );
        }
    }
}

#[test]
fn the_letters_that_take_most_room_keep_within_the_limits_too() {
    for letter in ["語", "😀", "&", "<", "\\", "\"", "a\n"] {
        let notice = of(&letter.repeat(10_000));
        let short = Notice {
            lines: vec![letter.repeat(60); 100],
            ..notice.clone()
        };
        for service in SERVICES {
            keeps_within_limits(service, &notice.body(service));
            keeps_within_limits(service, &short.body(service));
        }
    }
}

proptest! {
    #[test]
    fn every_body_keeps_within_the_limits_of_its_service(
        texts in prop::collection::vec(hostile(), 0..30),
        facts in prop::collection::vec((hostile(), hostile()), 0..30),
        title in hostile(),
        level in select(vec![Level::Critical, Level::Warning, Level::Fine]),
    ) {
        let notice = Notice { title: title.clone(), lines: texts, facts, source: title.clone(), key: title, level, ..alert() };
        for service in SERVICES {
            keeps_within_limits(service, &notice.body(service));
        }
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "<!channel>",
        "@everyone",
        "&",
        "*",
        "\\",
        "`",
        "\n",
        "\u{202e}",
        "\u{0}",
        " ",
        "a",
        "\"",
        "語",
        "😀",
        "👩‍👩‍👧",
    ]);
    (
        prop::collection::vec(pieces, 0..30),
        select(vec![1, 2, 400]),
    )
        .prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

/// In UTF-16, which counts at least as many letters as a service does.
fn length(text: &Value) -> usize {
    text.as_str().unwrap_or_default().encode_utf16().count()
}

fn all(list: &Value) -> &Vec<Value> {
    list.as_array().unwrap()
}

fn keeps_within_limits(service: Service<'_>, body: &Value) {
    for text in texts(body) {
        assert!(!text.is_empty() && !text.chars().any(|one| one.is_control() && one != '\n'));
    }
    match service {
        Service::Slack => {
            let blocks = all(&body["blocks"]);
            assert!(blocks.len() <= 50 && length(&blocks[0]["text"]["text"]) <= 150);
            for block in blocks {
                let text = block["text"].get("text").map_or(0, length);
                let fields = block.get("fields").map_or(&[][..], |fields| all(fields));
                assert!(text <= 3_000 && fields.len() <= 10);
                assert!(fields.iter().all(|field| length(&field["text"]) <= 2_000));
            }
        }
        Service::Teams => assert!(body.to_string().len() <= 28 * 1_024),
        Service::Discord => {
            let embed = &body["embeds"][0];
            let fields = all(&embed["fields"]);
            let each = |key: &str| {
                fields
                    .iter()
                    .map(|field| length(&field[key]))
                    .collect::<Vec<_>>()
            };
            let (names, values) = (each("name"), each("value"));
            let parts = [
                &embed["title"],
                &embed["description"],
                &embed["footer"]["text"],
            ]
            .map(length);
            assert!(
                parts[0] <= 256 && parts[1] <= 4_096 && parts[2] <= 2_048 && fields.len() <= 25
            );
            assert!(
                names.iter().all(|name| *name <= 256) && values.iter().all(|value| *value <= 1_024)
            );
            let total: usize = parts.iter().chain(&names).chain(&values).sum();
            assert!(total <= 6_000);
        }
        // A post has 16,383 letters.
        Service::Mattermost => assert!(body.to_string().encode_utf16().count() <= 16_383),
        Service::Ntfy { .. } => assert!(body["message"].as_str().unwrap().len() <= 4_096),
        Service::PagerDuty { .. } => {
            assert!(
                length(&body["payload"]["summary"]) <= 1_024 && length(&body["dedup_key"]) <= 255
            );
            assert!(body.to_string().len() <= 512 * 1_024);
        }
    }
}
