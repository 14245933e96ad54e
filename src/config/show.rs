//! Every setting with its value and where it was set, for people and as JSON. Passwords stay hidden.

use serde::Serialize;

use crate::catalog::Judge;

use super::channels::without_secrets;
use super::duration::spoken;
use super::{Config, OnAmbiguous, Origin, Recipient, Sender};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The setting's path in the file: `collect.grace`.
    pub setting: String,
    pub value: String,
    /// `daybook.toml:12`, `environment METRICS_RETENTION_DAYS`, `default`.
    pub origin: String,
}

/// One row for each setting, in the order of the example file.
pub fn show(config: &Config) -> Vec<Shown> {
    let origin = |setting: &str| {
        let origin = config.origins.get(setting).unwrap_or(&Origin::Default);
        origin.to_string()
    };
    rows(config)
        .into_iter()
        .map(|(setting, value)| Shown {
            origin: origin(&setting),
            setting,
            value,
        })
        .collect()
}

fn rows(config: &Config) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |setting: &str, value: String| rows.push((setting.to_owned(), value));
    row("name", config.name.clone());
    row("time_zone", config.time_zone.name().to_owned());
    let since = config.catalog.since;
    row(
        "since",
        since.map_or_else(|| "not set".to_owned(), |date| date.to_string()),
    );
    row(
        "holidays",
        match &config.holidays[..] {
            [] => "not set".to_owned(),
            names => names.join(", "),
        },
    );
    let unnamed = std::iter::once(String::new());
    for name in unnamed.chain(config.declared_apps.iter().cloned()) {
        let section = match name.as_str() {
            "" => "app".to_owned(),
            _ => format!("apps.{name}"),
        };
        let app = config.apps.get(&name);
        let url = app.map_or_else(|| "not set".to_owned(), |app| app.url.to_string());
        row(&format!("{section}.database_url"), url);
        if let Some(app) = app {
            row(
                &format!("{section}.connections"),
                app.connections.to_string(),
            );
        }
    }
    row("book.database_url", config.book.url.to_string());
    let collect = &config.collect;
    row("collect.grace", spoken(collect.grace));
    row("collect.catch_up_days", collect.catch_up_days.to_string());
    row(
        "collect.retry_for",
        collect
            .retry_for
            .map_or_else(|| "5m, on a terminal 0s".to_owned(), spoken),
    );
    row(
        "collect.max_duration",
        collect
            .max_duration
            .map_or_else(|| "no limit".to_owned(), spoken),
    );
    row(
        "collect.statement_timeout",
        spoken(collect.statement_timeout),
    );
    row("collect.lock_timeout", spoken(collect.lock_timeout));
    row("retention.days", config.retention_days.to_string());
    let thresholds = &config.catalog.thresholds;
    row("alerts.warning", thresholds.warning.to_string());
    row("alerts.critical", thresholds.critical.to_string());
    row("alerts.min_base", thresholds.min_base.to_string());
    row("alerts.min_change", thresholds.min_change.to_string());
    let judge = match thresholds.judge {
        Judge::Usual => "usual",
        Judge::Thresholds => "thresholds",
    };
    row("alerts.judge", judge.to_owned());
    rows.extend(report(config));
    rows.extend(mail(config));
    rows.extend(channels(config));
    rows.extend(serve(config));
    rows
}

fn report(config: &Config) -> Vec<(String, String)> {
    let report = &config.report;
    let query = report.recipients_query.as_ref();
    let recipients: Vec<String> = report.recipients.iter().map(recipient).collect();
    let on_ambiguous = match report.on_ambiguous {
        OnAmbiguous::Hold => "hold",
        OnAmbiguous::Resend => "resend",
    };
    let rows = [
        ("due", report.due.format("%H:%M").to_string()),
        ("language", report.locale.language.code().to_owned()),
        ("numbers", report.locale.numbers.code().to_owned()),
        ("public_url", or_not_set(report.public_url.as_ref())),
        ("on_ambiguous", on_ambiguous.to_owned()),
        ("give_up", spoken(report.give_up)),
        (
            "recipients",
            or_not_set(Some(recipients.join(", ")).filter(|all| !all.is_empty())),
        ),
        ("recipients_sql", or_not_set(query.map(|query| &query.sql))),
    ];
    let database = query.map(|query| ("recipients_database", query.database.clone()));
    let named = database.filter(|(_, name)| !name.is_empty());
    section("report", rows.into_iter().chain(named))
}

fn mail(config: &Config) -> Vec<(String, String)> {
    let Some(mail) = &config.mail else {
        return section("mail", [("smtp_url", or_not_set(None::<String>))]);
    };
    let password_file = config.origins.get("mail.password_file");
    let ca_file = mail.server.ca_file.as_ref();
    let rows = [
        ("smtp_url", mail.server.to_string()),
        ("password_file", or_not_set(password_file.map(|_| "***"))),
        ("from", sender(&mail.from)),
        ("reply_to", or_not_set(mail.reply_to.as_ref().map(sender))),
        ("unsubscribe", or_not_set(mail.unsubscribe.as_ref())),
        ("timeout", spoken(mail.timeout)),
        ("ca_file", or_not_set(ca_file.map(|path| path.display()))),
    ];
    section("mail", rows)
}

fn channels(config: &Config) -> Vec<(String, String)> {
    let outbox = config.outbox.as_ref();
    let directory = outbox.map(|outbox| outbox.directory.display());
    let mut rows = section("outbox", [("directory", or_not_set(directory))]);
    for webhook in &config.webhooks {
        let ca_file = webhook.ca_file.as_ref();
        let written = [
            ("url", without_secrets(&webhook.url)),
            ("secret", or_not_set(webhook.secret.as_ref().map(|_| "***"))),
            ("timeout", spoken(webhook.timeout)),
            ("ca_file", or_not_set(ca_file.map(|path| path.display()))),
        ];
        rows.extend(section(&format!("webhooks.{}", webhook.name), written));
    }
    let Some(ping) = &config.ping else {
        rows.extend(section("ping", [("url", or_not_set(None::<String>))]));
        return rows;
    };
    let mut addresses = vec![("url", without_secrets(&ping.success))];
    if !config.origins.contains_key("ping.url") {
        addresses = vec![
            (
                "start",
                or_not_set(ping.start.as_ref().map(without_secrets)),
            ),
            ("success", without_secrets(&ping.success)),
            (
                "failure",
                or_not_set(ping.failure.as_ref().map(without_secrets)),
            ),
        ];
    }
    let ca_file = ping.ca_file.as_ref().map(|path| path.display());
    let rest = [
        ("timeout", spoken(ping.timeout)),
        ("ca_file", or_not_set(ca_file)),
    ];
    rows.extend(section("ping", addresses.into_iter().chain(rest)));
    rows
}

fn serve(config: &Config) -> Vec<(String, String)> {
    let serve = &config.serve;
    let proxies: Vec<String> = serve.proxies.iter().map(ToString::to_string).collect();
    let hosts = Some(serve.hosts.join(", ")).filter(|all| !all.is_empty());
    let rows = [
        ("listen", serve.listen.to_string()),
        ("token", or_not_set(serve.token.as_ref().map(|_| "***"))),
        ("user", serve.user.clone()),
        (
            "password",
            or_not_set(serve.password.as_ref().map(|_| "***")),
        ),
        ("proxy_header", or_not_set(serve.proxy_header.as_ref())),
        ("address_header", or_not_set(serve.address_header.as_ref())),
        ("proxies", proxies.join(", ")),
        ("hosts", or_not_set(hosts)),
    ];
    let prefix = (
        "prometheus.prefix".to_owned(),
        config.prometheus.prefix.clone(),
    );
    let mut rows = section("serve", rows);
    rows.push(prefix);
    rows
}

fn section<'a>(
    name: &str,
    rows: impl IntoIterator<Item = (&'a str, String)>,
) -> Vec<(String, String)> {
    rows.into_iter()
        .map(|(key, value)| (format!("{name}.{key}"), value))
        .collect()
}

fn or_not_set(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "not set".to_owned(), |value| value.to_string())
}

fn recipient(one: &Recipient) -> String {
    let locale = format!(
        "{}/{}",
        one.locale.language.code(),
        one.locale.numbers.code()
    );
    let when = one.when.word();
    let address = named(one.name.as_deref(), &one.address);
    format!("{address} ({locale}, {when})")
}

fn sender(sender: &Sender) -> String {
    named(sender.name.as_deref(), &sender.address)
}

fn named(name: Option<&str>, address: &str) -> String {
    match name {
        Some(name) => format!("{name} <{address}>"),
        None => address.to_owned(),
    }
}
