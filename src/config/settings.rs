//! All settings, section by section; each section's file has its types, checks, defaults and rows.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::catalog::{Catalog, Document};
use crate::text::mistake::Mistake;
use crate::text::suggest::did_you_mean;

use super::find::Found;
use super::settle::Settler;
use super::written::File;
use super::{
    BookDatabase, Config, DatabaseUrl, Request, alerts, apps, channels, collect, holidays, live,
    mail, report, serve,
};

/// All settings, over a catalog of nothing but thresholds and holidays; a wrong setting is a mistake and keeps its default.
pub fn settle(
    file: &File,
    document: &Document<'_>,
    found: &Found,
    request: &Request,
) -> (Config, Vec<Mistake>) {
    let mut settler = Settler::new(document, found, request);
    let name = settler.value("name", &file.name, sound_name);
    let time_zone = settler.value_or_variable(
        "time_zone",
        "DAYBOOK_TIME_ZONE",
        &file.time_zone,
        known_zone,
    );
    if file.since.is_some() {
        settler.note("since");
    }
    let known_days = holidays::known_days(&file.holidays, found, &mut settler);
    let (apps, declared_apps) = apps::apps(&file.app, &file.apps, request, &mut settler);
    let book = apps::book(&file.book, &apps, &mut settler);
    let beside_the_file = || DatabaseUrl::sqlite(&found.directory.join("daybook.db"));
    let collect = collect::collect(&file.collect, &mut settler);
    let retention_days = collect::retention_days(&file.retention, &mut settler);
    let thresholds = alerts::thresholds(&file.alerts, &mut settler);
    let report = report::report(&file.report, &declared_apps, &mut settler);
    let mail = mail::mail(&file.mail, &mut settler);
    let webhooks = channels::webhooks(&file.webhooks, &mut settler);
    let named = file.webhooks.iter().map(|webhook| webhook.name.clone());
    let webhook_names: Vec<String> = named
        .chain(webhooks.iter().map(|webhook| webhook.name.clone()))
        .collect();
    let config = Config {
        file: found.path.clone(),
        directory: found.directory.clone(),
        name: name.unwrap_or_else(|| "Daybook".to_owned()),
        time_zone: time_zone.unwrap_or(Tz::Europe__Zurich),
        catalog: Catalog {
            thresholds,
            known_days,
            ..Catalog::default()
        },
        holidays: file.holidays.clone(),
        catalog_hash: String::new(),
        collect,
        retention_days,
        report,
        apps,
        declared_apps,
        book: BookDatabase {
            url: book.unwrap_or_else(beside_the_file),
        },
        outbox: channels::outbox(&file.outbox, mail.is_some(), &mut settler),
        mail,
        webhooks,
        ping: channels::ping(&file.ping, &mut settler),
        serve: serve::serve(&file.serve, &mut settler),
        prometheus: serve::prometheus(&file.prometheus, &mut settler),
        live: live::live(file.live.as_ref(), &webhook_names, &mut settler),
        origins: settler.origins,
        warnings: settler.warnings,
        secrets: settler.secrets,
    };
    (config, settler.mistakes)
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
