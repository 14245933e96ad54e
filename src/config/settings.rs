//! Every setting with its default, its range and the variable that overrides it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::catalog::{Document, KnownDay, Thresholds, holidays};
use crate::text::mistake::Mistake;
use crate::text::suggest::did_you_mean;

use super::duration;
use super::duration::{DAY, HOUR, MINUTE, SECOND, within};
use super::environment::is_sound_word;
use super::environment::names_between;
use super::find::Found;
use super::origin::Origin;
use super::settle::Settler;
use super::written::{Alerts, App, Collect, File};
use super::{
    AppDatabase, BookDatabase, CollectSettings, DatabaseUrl, MailSettings, Outbox, Ping,
    PrometheusSettings, ReportSettings, Request, Secret, ServeSettings, Webhook, channels, mail,
    serve,
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
    let holidays = holidays(&file.holidays, found, &mut settler);
    let (apps, declared_apps) = apps(file, request, &mut settler);
    let book = settler.database_url(
        "book",
        "DAYBOOK_BOOK_DATABASE_URL",
        file.book.database_url.as_ref(),
        file.book.database_url_file.as_ref(),
    );
    let book = book.filter(|url| {
        let mistake = misplaced(url, &apps);
        if let Some(message) = mistake {
            settler.wrong_at_origin("book.database_url", message.to_owned());
        }
        mistake.is_none()
    });
    let beside_the_file = || DatabaseUrl::sqlite(&found.directory.join("daybook.db"));
    let collect = collect(&file.collect, &mut settler);
    let retention_days = settler.value(
        "retention.days",
        Some("METRICS_RETENTION_DAYS"),
        file.retention.days.map(|days| days.to_string()),
        whole(1..=36_525),
    );
    let thresholds = thresholds(&file.alerts, &mut settler);
    let report = mail::report(&file.report, &declared_apps, &mut settler);
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
        retention_days: retention_days.unwrap_or(365),
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

/// The days that these names include. A user's own files come first, so that they can name a country's days anew.
fn holidays(written: &[String], found: &Found, settler: &mut Settler<'_>) -> Vec<KnownDay> {
    if written.is_empty() {
        return Vec::new();
    }
    settler.note("holidays");
    let mut files = Vec::new();
    let is_path = |name: &str| name.contains(['.', '/']);
    for (at, path) in written.iter().enumerate().filter(|(_, name)| is_path(name)) {
        match found.source_beside(path) {
            Ok(source) => files.push(holidays::read(&source, Some(path), &mut settler.mistakes)),
            Err(message) => settler.wrong_at(&["holidays", &at.to_string()], message),
        }
    }
    files.extend(holidays::of_countries(&mut settler.mistakes));
    let names = files.iter().flat_map(|file| &file.names);
    let known: Vec<&str> = names
        .map(String::as_str)
        .filter(|name| !is_path(name))
        .collect();
    for (at, name) in written.iter().enumerate() {
        if !is_path(name) && !known.contains(&name.as_str()) {
            let message = format!("no holidays are called `{name}`{}", nearest(name, &known));
            settler.wrong_at(&["holidays", &at.to_string()], message);
        }
    }
    files
        .iter()
        .flat_map(|file| file.days_of(written))
        .collect()
}

/// Who writes `zh` means `CH-ZH`; other names are too short for one to be near another.
fn nearest(name: &str, known: &[&str]) -> String {
    let region = format!("-{}", name.to_uppercase());
    let is_meant = |known: &&&str| known.eq_ignore_ascii_case(name) || known.ends_with(&region);
    match known.iter().find(is_meant) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => format!(
            "; known are {}, and files such as `holidays/company.toml`",
            known.join(", ")
        ),
    }
}

/// The variable that holds the URL of this app database; `""` is the unnamed one.
pub fn app_variable(name: &str) -> String {
    match name {
        "" => "DAYBOOK_APP_DATABASE_URL".to_owned(),
        _ => format!("DAYBOOK_APP_{}_DATABASE_URL", name.to_uppercase()),
    }
}

/// Why the book cannot be kept there. On a server it may stand beside the application's tables.
fn misplaced(url: &DatabaseUrl, apps: &BTreeMap<String, AppDatabase>) -> Option<&'static str> {
    let file = |url: &DatabaseUrl| {
        url.sqlite_path()
            .map(|path| path.canonicalize().unwrap_or(path))
    };
    let book = file(url)?;
    let shared = apps
        .values()
        .any(|app| file(&app.url).as_ref() == Some(&book));
    shared.then_some("this is the application's database, which Daybook only reads: give the book a file of its own")
}

fn apps(
    file: &File,
    request: &Request,
    settler: &mut Settler<'_>,
) -> (BTreeMap<String, AppDatabase>, BTreeSet<String>) {
    let mut apps = BTreeMap::new();
    apps.extend(app("", &file.app, settler).map(|app| (String::new(), app)));
    let mut declared: BTreeSet<String> = file.apps.keys().cloned().collect();
    declared.extend(names_between(
        "DAYBOOK_APP_",
        "_DATABASE_URL",
        &request.environment,
    ));
    let unwritten = App::default();
    for name in &declared {
        let written = file.apps.get(name);
        if is_sound_word(name) {
            let app = app(name, written.unwrap_or(&unwritten), settler);
            apps.extend(app.map(|app| (name.clone(), app)));
            continue;
        }
        let message = format!(
            "`{}` cannot name an app database: a name begins with a letter a-z and goes on with letters a-z, digits and `_`",
            name.escape_debug()
        );
        match written {
            Some(_) => settler.wrong_at(&["apps", name], message),
            None => settler.mistakes.push(Mistake::elsewhere(
                Origin::Environment(app_variable(name)).to_string(),
                message,
            )),
        }
    }
    (apps, declared)
}

fn app(name: &str, written: &App, settler: &mut Settler<'_>) -> Option<AppDatabase> {
    let section = match name {
        "" => "app".to_owned(),
        _ => format!("apps.{name}"),
    };
    let connections = settler.value(
        &format!("{section}.connections"),
        None,
        written.connections.map(|count| count.to_string()),
        whole(1..=16),
    );
    let url = settler.database_url(
        &section,
        &app_variable(name),
        written.database_url.as_ref(),
        written.database_url_file.as_ref(),
    )?;
    Some(AppDatabase {
        url,
        connections: connections.unwrap_or(2),
    })
}

fn collect(written: &Collect, settler: &mut Settler<'_>) -> CollectSettings {
    let mut time = |key: &str, variable, text: &Option<String>, range| {
        let setting = format!("collect.{key}");
        settler.value(&setting, variable, text.clone(), within(range))
    };
    let grace = time("grace", None, &written.grace, Duration::ZERO..=7 * DAY);
    let retry_for = time(
        "retry_for",
        Some("DAYBOOK_RETRY_FOR"),
        &written.retry_for,
        Duration::ZERO..=DAY,
    );
    let max_duration = time("max_duration", None, &written.max_duration, SECOND..=DAY);
    let statement_timeout = time(
        "statement_timeout",
        None,
        &written.statement_timeout,
        SECOND..=DAY,
    );
    let lock_timeout = time("lock_timeout", None, &written.lock_timeout, SECOND..=HOUR);
    let catch_up_days = settler.value(
        "collect.catch_up_days",
        None,
        written.catch_up_days.map(|days| days.to_string()),
        whole(0..=366),
    );
    for (key, time) in [
        ("retry_for", retry_for),
        ("statement_timeout", statement_timeout),
    ] {
        if let (Some(whole), Some(time)) = (max_duration, time)
            && whole <= time
        {
            let message = format!(
                "counting ends after `max_duration` ({}), before `{key}` ({}) is over: make it longer",
                duration::spoken(whole),
                duration::spoken(time)
            );
            settler.wrong("collect.max_duration", message);
        }
    }
    CollectSettings {
        grace: grace.unwrap_or(DAY),
        catch_up_days: catch_up_days.unwrap_or(31),
        retry_for,
        max_duration,
        statement_timeout: statement_timeout.unwrap_or(10 * MINUTE),
        lock_timeout: lock_timeout.unwrap_or(10 * SECOND),
    }
}

/// Of two levels that contradict each other, the one left at its default gives way; 0 is never reached.
fn thresholds(written: &Alerts, settler: &mut Settler<'_>) -> Thresholds {
    let mut number = |key: &str, variable, number: Option<f64>| {
        let setting = format!("alerts.{key}");
        let text = number.map(|number| number.to_string());
        settler.value(&setting, variable, text, not_negative)
    };
    let warning = number(
        "warning",
        Some("METRICS_ALERT_THRESHOLD_WARNING"),
        written.warning,
    );
    let critical = number(
        "critical",
        Some("METRICS_ALERT_THRESHOLD_CRITICAL"),
        written.critical,
    );
    let min_base = number("min_base", None, written.min_base);
    let min_change = number("min_change", None, written.min_change);
    let default = Thresholds::default();
    let (warning, critical) = match (warning, critical) {
        (None, None) => (default.warning, default.critical),
        (Some(warning), None) => (warning, default.critical.max(warning)),
        (None, Some(0.0)) => (default.warning, 0.0),
        (None, Some(critical)) => (default.warning.min(critical), critical),
        (Some(warning), Some(critical)) => {
            if critical > 0.0 && critical < warning {
                let message = format!(
                    "critical ({critical} %) is below warning ({warning} %): a critical change is the larger one"
                );
                settler.wrong_at_origin("alerts.critical", message);
            }
            (warning, critical)
        }
    };
    Thresholds {
        warning,
        critical,
        min_base: min_base.unwrap_or(default.min_base),
        min_change: min_change.unwrap_or(default.min_change),
        judge: written.judge.unwrap_or_default(),
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

pub fn whole(range: RangeInclusive<u32>) -> impl Fn(&str) -> Result<u32, String> {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        number.ok_or_else(|| format!("`{text}` is not a whole number from {least} to {most}"))
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| format!("`{text}` is not a number of 0 or more"))
}
