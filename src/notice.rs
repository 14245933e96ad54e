//! A message to people, in the bodies of the services that can show it.

mod markup;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::locale::Language;
use crate::text::plain::printable;

use markup::{MARKDOWN, Markup, NO_MENTIONS, PLAIN, SLACK, units};

/// Its texts may come from anywhere and have any length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub title: String,
    pub level: Level,
    pub lines: Vec<String>,
    /// Names with values.
    pub facts: Vec<(String, String)>,
    /// A web page.
    pub link: Option<String>,
    /// The application's name.
    pub source: String,
    /// What it is about, in at most 255 letters: notices of one key continue one incident, and a fine one ends it.
    pub key: String,
    pub at: DateTime<Utc>,
    /// Of the few words that are added.
    pub language: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Critical,
    Warning,
    Fine,
}

/// A service, with what its body needs besides the notice.
#[derive(Debug, Clone, Copy)]
pub enum Service<'a> {
    Slack,
    Teams,
    Discord,
    Mattermost,
    Ntfy { topic: &'a str },
    PagerDuty { routing_key: &'a str },
}

/// Slack's limit for a header, the tightest of all.
const TITLE: usize = 150;
/// Of all lines together: Slack's limit for a section.
const TEXT: usize = 3_000;
/// The same for ntfy, which makes a file of a message of more than 4,096 bytes.
const NTFY_TEXT: usize = 1_300;
const LINE: usize = 1_000;
const LINES: usize = 20;
/// Of the line that says how many are left out.
const MORE: usize = 30;
const FACTS: usize = 10;
const NAME: usize = 50;
const VALUE: usize = 100;
const SOURCE: usize = 60;
const KEY: usize = 255;
/// Fits into Slack's context even if all of it is written as entities.
const LINK: usize = 500;

/// How a level looks, service by service.
struct Looks {
    words: [&'static str; 2],
    color: u32,
    /// The style of a container in an Adaptive Card.
    style: &'static str,
    /// From 1 to 5.
    priority: u8,
    tag: &'static str,
    severity: &'static str,
}

impl Level {
    fn looks(self) -> Looks {
        match self {
            Self::Critical => Looks {
                words: ["Critical", "Kritisch"],
                color: 0xc62828,
                style: "attention",
                priority: 5,
                tag: "rotating_light",
                severity: "critical",
            },
            Self::Warning => Looks {
                words: ["Warning", "Warnung"],
                color: 0xb26a00,
                style: "warning",
                priority: 4,
                tag: "warning",
                severity: "warning",
            },
            Self::Fine => Looks {
                words: ["OK", "OK"],
                color: 0x2e7d32,
                style: "good",
                priority: 2,
                tag: "white_check_mark",
                severity: "info",
            },
        }
    }
}

impl Notice {
    /// What is posted to the service.
    pub fn body(&self, service: Service<'_>) -> Value {
        match service {
            Service::Slack => self.slack(),
            Service::Teams => self.teams(),
            Service::Discord => self.discord(),
            Service::Mattermost => self.mattermost(),
            Service::Ntfy { topic } => self.ntfy(topic),
            Service::PagerDuty { routing_key } => self.pager_duty(routing_key),
        }
    }

    fn slack(&self) -> Value {
        let plain = |text: String| json!({ "type": "plain_text", "text": text, "emoji": false });
        let title = self.title(SLACK);
        let mut blocks = vec![json!({ "type": "header", "text": plain(title.clone()) })];
        let text = self.text(SLACK).map(plain);
        blocks.extend(text.map(|text| json!({ "type": "section", "text": text })));
        if !self.facts.is_empty() {
            let fields = self
                .facts(SLACK)
                .map(|(name, value)| plain(format!("{name}\n{value}")));
            blocks.push(json!({ "type": "section", "fields": fields.collect::<Vec<_>>() }));
        }
        let mut context = vec![plain(self.footer(SLACK))];
        context.extend(self.link().map(|link| {
            let link = SLACK.line(&link.replace('|', "%7C"), TEXT);
            json!({ "type": "mrkdwn", "text": format!("<{link}|{}>", self.link_words()) })
        }));
        blocks.push(json!({ "type": "context", "elements": context }));
        json!({ "text": title, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
    }

    /// Text runs, since Markdown is markup in every other text of a card.
    fn teams(&self) -> Value {
        let run = |text: &str| json!({ "type": "TextRun", "text": text });
        let bold = |text: &str| json!({ "type": "TextRun", "text": text, "weight": "Bolder" });
        let block = |runs: Vec<Value>| json!({ "type": "RichTextBlock", "inlines": runs });
        let head = json!({
            "type": "Container",
            "style": self.level.looks().style,
            "bleed": true,
            "items": [block(vec![bold(&self.title(PLAIN))]), block(vec![run(&self.footer(PLAIN))])],
        });
        let lines = self.lines(PLAIN).into_iter();
        let lines = lines.map(|line| block(vec![run(&line)]));
        let facts = self.facts(PLAIN);
        let facts = facts.map(|(name, value)| block(vec![bold(&format!("{name}: ")), run(&value)]));
        let body: Vec<Value> = [head].into_iter().chain(lines).chain(facts).collect();
        let open =
            |link| json!({ "type": "Action.OpenUrl", "title": self.link_words(), "url": link });
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "msteams": { "width": "Full" },
                    "body": body,
                    "actions": self.link().map(open).into_iter().collect::<Vec<_>>(),
                },
            }],
        })
    }

    fn discord(&self) -> Value {
        let field = |(name, value)| json!({ "name": name, "value": value, "inline": true });
        let embed = json!({
            "title": self.title(MARKDOWN),
            "url": self.link(),
            "description": self.text(MARKDOWN),
            "color": self.level.looks().color,
            "fields": self.facts(MARKDOWN).map(field).collect::<Vec<_>>(),
            "footer": { "text": self.footer(NO_MENTIONS) },
            "timestamp": self.at,
        });
        json!({ "embeds": [without_nulls(embed)], "allowed_mentions": { "parse": [] } })
    }

    /// Without a `text`, from which mentions would be read first.
    fn mattermost(&self) -> Value {
        let field = |(name, value)| json!({ "title": name, "value": value, "short": true });
        // A title that is a link is shown as it is written.
        let title = match self.link() {
            Some(_) => NO_MENTIONS,
            None => MARKDOWN,
        };
        let attachment = json!({
            "fallback": self.title(NO_MENTIONS),
            "color": format!("#{:06x}", self.level.looks().color),
            "title": self.title(title),
            "title_link": self.link(),
            "text": self.text(MARKDOWN),
            "fields": self.facts(MARKDOWN).map(field).collect::<Vec<_>>(),
            "footer": self.footer(NO_MENTIONS),
        });
        json!({ "attachments": [without_nulls(attachment)] })
    }

    fn ntfy(&self, topic: &str) -> Value {
        let facts = self
            .facts
            .iter()
            .map(|(name, value)| format!("{name}: {value}"));
        let all: Vec<String> = self.lines.iter().cloned().chain(facts).collect();
        let mut lines = fitting(&all, PLAIN, NTFY_TEXT, self.language);
        lines.push(self.footer(PLAIN));
        let looks = self.level.looks();
        without_nulls(json!({
            "topic": topic,
            "title": self.title(PLAIN),
            "message": lines.join("\n"),
            "priority": looks.priority,
            "tags": [looks.tag],
            "click": self.link(),
        }))
    }

    fn pager_duty(&self, routing_key: &str) -> Value {
        let action = match self.level {
            Level::Critical | Level::Warning => "trigger",
            Level::Fine => "resolve",
        };
        let facts = self
            .facts(PLAIN)
            .map(|(name, value)| (name, Value::from(value)));
        let details = json!({ "message": self.text(PLAIN), "facts": facts.collect::<Map<_, _>>() });
        let link = |link| json!({ "href": link, "text": self.link_words() });
        json!({
            "routing_key": routing_key,
            "event_action": action,
            "dedup_key": PLAIN.line(&self.key, KEY),
            "client": "Daybook",
            "payload": {
                "summary": self.title(PLAIN),
                "source": PLAIN.line(&self.source, SOURCE),
                "severity": self.level.looks().severity,
                "timestamp": self.at,
                "custom_details": without_nulls(details),
            },
            "links": self.link().map(link).into_iter().collect::<Vec<_>>(),
        })
    }

    fn title(&self, markup: Markup) -> String {
        markup.line(&self.title, TITLE)
    }

    fn lines(&self, markup: Markup) -> Vec<String> {
        fitting(&self.lines, markup, TEXT, self.language)
    }

    fn text(&self, markup: Markup) -> Option<String> {
        let lines = self.lines(markup);
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn facts(&self, markup: Markup) -> impl Iterator<Item = (String, String)> {
        let facts = self.facts.iter().take(FACTS);
        facts.map(move |(name, value)| (markup.line(name, NAME), markup.line(value, VALUE)))
    }

    /// `Critical · Beryl`: the level in a word, since not everybody sees its colour.
    fn footer(&self, markup: Markup) -> String {
        let word = in_language(self.level.looks().words, self.language);
        format!("{word} · {}", markup.line(&self.source, SOURCE))
    }

    fn link(&self) -> Option<&str> {
        let is_page = |link: &&str| link.starts_with("https://") || link.starts_with("http://");
        let is_plain =
            |link: &&str| link.len() <= LINK && !link.contains(' ') && printable(link) == **link;
        self.link.as_deref().filter(is_page).filter(is_plain)
    }

    fn link_words(&self) -> &'static str {
        in_language(["Open the dashboard", "Zum Dashboard"], self.language)
    }
}

/// The first lines, of at most so many units, and how many more there are.
fn fitting(all: &[String], markup: Markup, most: usize, language: Language) -> Vec<String> {
    let mut room = most - MORE;
    let lines = all.iter().take(LINES).map(|line| markup.line(line, LINE));
    let mut lines: Vec<String> = lines
        .map_while(|line| {
            room = room.checked_sub(units(&line) + 1)?;
            Some(line)
        })
        .collect();
    let more = all.len() - lines.len();
    if more > 0 {
        let words = [
            format!("… and {more} more"),
            format!("… und {more} weitere"),
        ];
        lines.push(in_language(words, language));
    }
    lines
}

fn in_language<T>([english, german]: [T; 2], language: Language) -> T {
    match language {
        Language::English => english,
        Language::German => german,
    }
}

fn without_nulls(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    object
}
