//! By which ways the report leaves, and how the settings of all of them are shown.

use std::time::Duration;

use chrono::NaiveTime;
use daybook::config::{Config, Format, OnAmbiguous, show};
use daybook::locale::Locale;
use secrecy::ExposeSecret;

use super::World;

fn shown(config: &Config, section: &str) -> Vec<String> {
    show(config)
        .into_iter()
        .filter(|row| row.setting.starts_with(section))
        .map(|row| format!("{} = {} ({})", row.setting, row.value, row.origin))
        .collect()
}

#[test]
fn without_any_of_these_settings_the_report_goes_to_the_outbox() {
    let world = World::with("");
    let config = world.config();
    let report = &config.report;
    assert_eq!(report.due, NaiveTime::from_hms_opt(6, 30, 0).unwrap());
    assert_eq!(report.locale, Locale::default());
    assert_eq!(report.public_url, None);
    assert_eq!(report.recipients, []);
    assert_eq!(report.recipients_query, None);
    assert_eq!(report.on_ambiguous, OnAmbiguous::Hold);
    assert_eq!(report.give_up, Duration::from_secs(259_200));
    assert!(config.mail.is_none() && config.webhooks.is_empty() && config.ping.is_none());
    assert_eq!(config.outbox.unwrap().directory, world.path("outbox"));
    assert!(config.warnings.is_empty());
}

#[test]
fn an_outbox_beside_a_mail_server_is_used_only_when_it_is_written() {
    let server = "[mail]\nsmtp_url = 'smtps://mail.example.org'\nfrom = 'a@example.org'\n";
    assert_eq!(World::with(server).config().outbox, None);
    let world = World::with(&format!("{server}[outbox]\ndirectory = 'out'\n"));
    assert_eq!(world.config().outbox.unwrap().directory, world.path("out"));
}

#[test]
fn the_environment_and_credentials_say_where_mail_webhooks_and_pings_go() {
    let config = World::with("[[webhooks]]\nname = 'ops'\nurl = 'https://old.example.org'\n")
        .file(
            "credentials/daybook_smtp_url",
            "smtps://u:hunter2@mail.example.org\n",
        )
        .file("secret", "hunter2\n")
        .set("CREDENTIALS_DIRECTORY", "{folder}/credentials")
        .set("DAYBOOK_MAIL_FROM", "Night <night@example.org>")
        .set("DAYBOOK_PUBLIC_URL", "https://metrics.example.org")
        .set("DAYBOOK_WEBHOOK_OPS_URL", "https://new.example.org/hunter2")
        .set("DAYBOOK_WEBHOOK_OPS_SECRET_FILE", "secret")
        .set(
            "DAYBOOK_WEBHOOK_CHAT_URL",
            "http://localhost:8065/hooks/hunter2",
        )
        .set("DAYBOOK_PING_URL", "https://hc.example.org/ping/hunter2/")
        .config();
    let mail = config.mail.as_ref().unwrap();
    assert_eq!(mail.server.port, 465);
    assert_eq!(mail.from.name.as_deref(), Some("Night"));
    assert_eq!(mail.timeout, Duration::from_secs(30));
    let link = config.report.public_url.as_ref().unwrap();
    assert_eq!(link.as_str(), "https://metrics.example.org/");
    let [ops, chat] = &config.webhooks[..] else {
        panic!("two webhooks");
    };
    assert_eq!(ops.name, "ops");
    assert_eq!(ops.url.expose_secret(), "https://new.example.org/hunter2");
    assert_eq!(ops.format.secret().unwrap().expose_secret(), "hunter2");
    assert_eq!(ops.timeout, Duration::from_secs(10));
    assert_eq!(chat.name, "chat");
    let ping = config.ping.as_ref().unwrap();
    let address = |step: &str| format!("https://hc.example.org/ping/hunter2/{step}");
    assert_eq!(
        ping.start.as_ref().unwrap().expose_secret(),
        address("start")
    );
    assert_eq!(ping.success.expose_secret(), address(""));
    assert_eq!(
        ping.failure.as_ref().unwrap().expose_secret(),
        address("fail")
    );
    let everything = format!("{config:#?} {:?}", show(&config));
    assert!(!everything.contains("hunter2"), "{everything}");
    assert_eq!(
        shown(&config, "webhooks."),
        [
            "webhooks.ops.url = https://new.example.org/*** (environment DAYBOOK_WEBHOOK_OPS_URL)",
            "webhooks.ops.format = daybook (default)",
            "webhooks.ops.secret = *** (environment DAYBOOK_WEBHOOK_OPS_SECRET_FILE)",
            "webhooks.ops.timeout = 10s (default)",
            "webhooks.ops.ca_file = not set (default)",
            "webhooks.chat.url = http://localhost:8065/*** (environment DAYBOOK_WEBHOOK_CHAT_URL)",
            "webhooks.chat.format = daybook (default)",
            "webhooks.chat.secret = not set (default)",
            "webhooks.chat.timeout = 10s (default)",
            "webhooks.chat.ca_file = not set (default)",
        ]
    );
    assert_eq!(
        shown(&config, "ping."),
        [
            "ping.url = https://hc.example.org/*** (environment DAYBOOK_PING_URL)",
            "ping.timeout = 10s (default)",
            "ping.ca_file = not set (default)",
        ]
    );
}

#[test]
fn settings_of_the_report_and_its_ways_are_shown_with_their_lines() {
    let config = World::with(
        "[report]
recipients = ['Ada <ada@example.org>', { address = 'bea@example.org', when = 'alerts' }]
numbers = 'de'
recipients_sql = 'SELECT email FROM users'
[mail]
smtp_url = 'smtp://daybook:hunter2@mail.example.org'
from = 'daybook@example.org'
ca_file = '/etc/ca.pem'
[outbox]
directory = '/var/outbox'
[[webhooks]]
name = 'ops'
secret = 'hunter2'
url = 'https://ops.example.org/hunter2'
[ping]
success = 'https://hc.example.org/hunter2'
",
    )
    .config();
    assert_eq!(
        shown(&config, "report.")[5..],
        [
            "report.give_up = 3d (default)",
            "report.recipients = Ada <ada@example.org> (en/de, daily), bea@example.org (en/de, alerts) (daybook.toml:2)",
            "report.recipients_sql = SELECT email FROM users (daybook.toml:4)",
        ]
    );
    assert_eq!(
        shown(&config, "mail."),
        [
            "mail.smtp_url = smtp://daybook:***@mail.example.org:587 (daybook.toml:6)",
            "mail.password_file = not set (default)",
            "mail.from = daybook@example.org (daybook.toml:7)",
            "mail.reply_to = not set (default)",
            "mail.unsubscribe = not set (default)",
            "mail.timeout = 30s (default)",
            "mail.ca_file = /etc/ca.pem (daybook.toml:8)",
        ]
    );
    assert_eq!(
        shown(&config, "outbox."),
        ["outbox.directory = /var/outbox (daybook.toml:10)"]
    );
    assert_eq!(
        shown(&config, "webhooks.")[..3],
        [
            "webhooks.ops.url = https://ops.example.org/*** (daybook.toml:14)",
            "webhooks.ops.format = daybook (default)",
            "webhooks.ops.secret = *** (daybook.toml:13)",
        ]
    );
    assert_eq!(
        shown(&config, "ping.")[..3],
        [
            "ping.start = not set (default)",
            "ping.success = https://hc.example.org/*** (daybook.toml:16)",
            "ping.failure = not set (default)",
        ]
    );
}

#[test]
fn a_webhook_of_a_service_is_shown_without_its_topic_and_its_token() {
    let config = World::with(
        "[[webhooks]]
name = 'phone'
format = 'ntfy'
url = 'https://ntfy.example.org/hunter2'
[[webhooks]]
name = 'on_call'
format = 'pagerduty'
url = 'https://events.pagerduty.com/v2/enqueue'
",
    )
    .set("DAYBOOK_WEBHOOK_PHONE_SECRET", "tk_hunter2")
    .set("DAYBOOK_WEBHOOK_ON_CALL_SECRET", "hunter2")
    .config();
    let [phone, on_call] = &config.webhooks[..] else {
        panic!("two webhooks");
    };
    let Format::Ntfy { topic, token } = &phone.format else {
        panic!("{phone:?}");
    };
    assert_eq!(phone.url.expose_secret(), "https://ntfy.example.org/");
    assert_eq!(topic.expose_secret(), "hunter2");
    assert_eq!(token.as_ref().unwrap().expose_secret(), "tk_hunter2");
    assert_eq!(on_call.format.secret().unwrap().expose_secret(), "hunter2");
    let shown = shown(&config, "webhooks.");
    assert_eq!(
        shown[..3],
        [
            "webhooks.phone.url = https://ntfy.example.org/*** (daybook.toml:4)",
            "webhooks.phone.format = ntfy (daybook.toml:3)",
            "webhooks.phone.secret = *** (environment DAYBOOK_WEBHOOK_PHONE_SECRET)",
        ]
    );
    assert!(!format!("{config:#?} {shown:?}").contains("hunter2"));
}

#[test]
fn a_secret_that_a_service_cannot_use_is_a_mistake_where_it_is_set() {
    let world = World::with("[[webhooks]]\nname = 'chat'\nformat = 'slack'\nurl = 'https://h/x'\n")
        .set("DAYBOOK_WEBHOOK_CHAT_SECRET", "hunter2");
    assert_eq!(
        world.mistakes(),
        "environment DAYBOOK_WEBHOOK_CHAT_SECRET: this format has no use for a secret, its address is one: remove `secret`"
    );
}

#[test]
fn a_webhook_without_an_address_stops_nothing_but_is_told() {
    let config = World::with("[[webhooks]]\nname = 'ops'\n").config();
    assert!(config.webhooks.is_empty());
    assert_eq!(
        config.warnings,
        [
            "daybook.toml:1: the webhook `ops` has no address: write `url` or `url_file`, or set DAYBOOK_WEBHOOK_OPS_URL"
        ]
    );
}
