//! All settings, section by section; each section's file has its types, checks, defaults and rows.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::catalog::{Document, KnownDay, Thresholds};
use crate::text::mistake::Mistake;
use crate::text::suggest::did_you_mean;

use super::find::Found;
use super::origin::Origin;
use super::settle::Settler;
use super::written::File;
use super::{
    AppDatabase, BookDatabase, CollectSettings, DatabaseUrl, MailSettings, Outbox, Ping,
    PrometheusSettings, ReportSettings, Request, Secret, ServeSettings, Webhook, alerts, apps,
    channels, collect, holidays, mail, report, serve,
};

pub struct Settled {
    pub name: String,
    pub time_zone: Tz,
    pub thresholds: Thresholds,
    pub holidays: Vec<KnownDay>,
    pub apps: BTreeMap<String, AppDatabase>,
    pub declared_apps: BTreeSet<String>,
    pub book: BookDatabase,
    pub collect: CollectSettings,
    pub retention_days: u32,
    pub report: ReportSettings,
    pub mail: Option<MailSettings>,
    pub outbox: Option<Outbox>,
    pub webhooks: Vec<Webhook>,
    pub ping: Option<Ping>,
    pub serve: ServeSettings,
    pub prometheus: PrometheusSettings,
    pub origins: BTreeMap<String, Origin>,
    pub mistakes: Vec<Mistake>,
    pub warnings: Vec<String>,
    pub secrets: Vec<Secret>,
}

/// All settings; a wrong one is a mistake and stands at its default.
pub fn settle(file: &File, document: &Document<'_>, found: &Found, request: &Request) -> Settled {
    let mut settler = Settler::new(document, found, request);
    let name = settler.value("name", None, file.name.clone(), sound_name);
    let time_zone = settler.value(
        "time_zone",
        Some("DAYBOOK_TIME_ZONE"),
        file.time_zone.clone(),
        known_zone,
    );
    if file.since.is_some() {
        settler.note("since");
    }
    let holidays = holidays::known_days(&file.holidays, found, &mut settler);
    let (apps, declared_apps) = apps::apps(&file.app, &file.apps, request, &mut settler);
    let book = apps::book(&file.book, &apps, &mut settler);
    let beside_the_file = || DatabaseUrl::sqlite(&found.directory.join("daybook.db"));
    let collect = collect::collect(&file.collect, &mut settler);
    let retention_days = collect::retention_days(&file.retention, &mut settler);
    let thresholds = alerts::thresholds(&file.alerts, &mut settler);
    let report = report::report(&file.report, &declared_apps, &mut settler);
    let mail = mail::mail(&file.mail, &mut settler);
    let outbox = channels::outbox(&file.outbox, mail.is_some(), &mut settler);
    let webhooks = channels::webhooks(&file.webhooks, &mut settler);
    let ping = channels::ping(&file.ping, &mut settler);
    let serve = serve::serve(&file.serve, &mut settler);
    let prometheus = serve::prometheus(&file.prometheus, &mut settler);
    Settled {
        name: name.unwrap_or_else(|| "Daybook".to_owned()),
        time_zone: time_zone.unwrap_or(Tz::Europe__Zurich),
        thresholds,
        holidays,
        apps,
        declared_apps,
        book: BookDatabase {
            url: book.unwrap_or_else(beside_the_file),
        },
        collect,
        retention_days,
        report,
        mail,
        outbox,
        webhooks,
        ping,
        serve,
        prometheus,
        origins: settler.origins,
        mistakes: settler.mistakes,
        warnings: settler.warnings,
        secrets: settler.secrets,
    }
}

fn sound_name(text: &str) -> Result<String, String> {
    let sound = !text.trim().is_empty()
        && text.chars().count() <= 100
        && !text.chars().any(char::is_control);
    if sound {
        Ok(text.to_owned())
    } else {
        Err("a name is 1 to 100 letters on one line".to_owned())
    }
}

fn known_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
        let city = format!("/{}", text.to_lowercase().replace(' ', "_"));
        let of_city = names().find(|name| name.to_lowercase().ends_with(&city));
        let hint = match of_city {
            Some(name) => format!("; did you mean `{name}`?"),
            None => did_you_mean(text, names()),
        };
        format!("no time zone `{text}`{hint}")
    })
}
