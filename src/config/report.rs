//! The section `[report]`: its recipients, language and delivery.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveTime;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::locale::Locale;
use crate::text::suggest::did_you_mean;

use super::mail::web_address;
use super::recipient::{self, without_duplicates};
use super::rows::{Row, named, or_not_set, section};
use super::settle::Settler;
use crate::text::duration::{DAY, HOUR, spoken, within};

#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// The local time by which the next report is expected; the report says so.
    pub due: NaiveTime,
    /// For readers without one of their own.
    pub locale: Locale,
    /// The dashboard, for a link.
    pub public_url: Option<Url>,
    /// Without duplicates: of addresses that differ by upper and lower case only the first is kept.
    pub recipients: Vec<Recipient>,
    /// Unusable addresses in the settings, with the reason. The others get their report.
    pub bad_addresses: Vec<(String, String)>,
    pub recipients_query: Option<RecipientsQuery>,
    pub on_ambiguous: OnAmbiguous,
    /// An undelivered report is not tried any more after this time.
    pub give_up: Duration,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            due: NaiveTime::from_hms_opt(6, 30, 0).unwrap_or_default(),
            locale: Locale::default(),
            public_url: None,
            recipients: Vec::new(),
            bad_addresses: Vec::new(),
            recipients_query: None,
            on_ambiguous: OnAmbiguous::Hold,
            give_up: Duration::from_secs(3 * 86_400),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// `ada@example.org`, checked: no control characters, one `@`, ASCII.
    pub address: String,
    pub name: Option<String>,
    pub locale: Locale,
    pub when: When,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Every day.
    #[default]
    Daily,
    /// Only on days with alerts or failed metrics, and once a week as a sign of life.
    Alerts,
    /// Only when an alert is new, worse or over, and once a week as a sign of life.
    Changes,
}

/// A query on an app database. Its columns: address and optionally name, language, numbers and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientsQuery {
    /// Empty for the unnamed one.
    pub database: String,
    pub sql: String,
    /// For rows that name none.
    pub locale: Locale,
}

/// What to do with a message that may have arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnAmbiguous {
    /// Leave it to the operator.
    #[default]
    Hold,
    /// Send it again.
    Resend,
}

impl When {
    const ALL: [Self; 3] = [Self::Daily, Self::Alerts, Self::Changes];

    pub fn word(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Alerts => "alerts",
            Self::Changes => "changes",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|when| when.word() == word)
    }
}

pub fn report(
    written: &written::Report,
    declared_apps: &BTreeSet<String>,
    settler: &mut Settler<'_>,
) -> ReportSettings {
    let default = ReportSettings::default();
    let due = settler.value("report.due", &written.due, time_of_day);
    let public_url = settler.value_or_variable(
        "report.public_url",
        "DAYBOOK_PUBLIC_URL",
        &written.public_url,
        link,
    );
    let range = HOUR..=31 * DAY;
    let give_up = settler.value("report.give_up", &written.give_up, within(range));
    for (setting, is_written) in [
        ("report.language", written.language.is_some()),
        ("report.numbers", written.numbers.is_some()),
        ("report.on_ambiguous", written.on_ambiguous.is_some()),
    ] {
        if is_written {
            settler.note(setting);
        }
    }
    let locale = Locale {
        language: written.language.unwrap_or_default(),
        numbers: written.numbers.unwrap_or_default(),
    };
    let mut bad_addresses = Vec::new();
    let all = recipients(written, locale, settler);
    let good = all.into_iter().filter_map(|(setting, read)| match read {
        Ok(recipient) => Some(recipient),
        Err((text, why)) => {
            let text = recipient::shown(&text);
            settler.warn(&setting, &format!("skipping recipient `{text}`: {why}"));
            bad_addresses.push((text, why));
            None
        }
    });
    let recipients = without_duplicates(good);
    ReportSettings {
        due: due.unwrap_or(default.due),
        locale,
        public_url,
        recipients,
        bad_addresses,
        recipients_query: recipients_query(written, locale, declared_apps, settler),
        on_ambiguous: written.on_ambiguous.unwrap_or_default(),
        give_up: give_up.unwrap_or(default.give_up),
    }
}

type Read = Result<Recipient, (String, String)>;

/// Those of the environment, else those of the file, each with its setting.
fn recipients(
    written: &written::Report,
    locale: Locale,
    settler: &mut Settler<'_>,
) -> Vec<(String, Read)> {
    let setting = "report.recipients";
    let plain = |text: &str| -> Read {
        let (name, address) = parsed(text)?;
        Ok(Recipient {
            address,
            name,
            locale,
            when: When::Daily,
        })
    };
    let outside = settler.value_or_variable(
        setting,
        "DAYBOOK_REPORT_RECIPIENTS",
        &None::<String>,
        |text| Ok(recipient::listed(text)),
    );
    if let Some(all) = outside {
        let all = all.iter().map(|text| (setting.to_owned(), plain(text)));
        return all.collect();
    }
    let Some(all) = &written.recipients else {
        return Vec::new();
    };
    settler.note(setting);
    let read = |one: &written::Recipient| match one {
        written::Recipient::Address(text) => plain(text),
        written::Recipient::Wishes(wishes) => with_wishes(wishes, locale),
    };
    all.iter()
        .enumerate()
        .map(|(at, one)| (format!("{setting}.{at}"), read(one)))
        .collect()
}

fn with_wishes(wishes: &written::Wishes, locale: Locale) -> Read {
    let (name, address) = parsed(&wishes.address)?;
    Ok(Recipient {
        address,
        name,
        locale: Locale {
            language: wishes.language.unwrap_or(locale.language),
            numbers: wishes.numbers.unwrap_or(locale.numbers),
        },
        when: wishes.when.unwrap_or_default(),
    })
}

fn parsed(text: &str) -> Result<(Option<String>, String), (String, String)> {
    recipient::parse(text).map_err(|why| (text.to_owned(), why))
}

fn recipients_query(
    written: &written::Report,
    locale: Locale,
    declared_apps: &BTreeSet<String>,
    settler: &mut Settler<'_>,
) -> Option<RecipientsQuery> {
    let known = |name: &str| {
        if name.is_empty() || declared_apps.contains(name) {
            return Ok(name.to_owned());
        }
        let hint = did_you_mean(name, declared_apps.iter().map(String::as_str));
        Err(format!("no app database `{name}`{hint}"))
    };
    let not_empty = |text: &str| match text.trim().is_empty() {
        true => Err("the query is empty: leave it out".to_owned()),
        false => Ok(text.to_owned()),
    };
    let database = &written.recipients_database;
    let database = settler.value("report.recipients_database", database, known);
    let sql = settler.value("report.recipients_sql", &written.recipients_sql, not_empty)?;
    Some(RecipientsQuery {
        database: database.unwrap_or_default(),
        sql,
        locale,
    })
}

fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok();
    time.filter(|_| text.len() == 5)
        .ok_or_else(|| format!("`{text}` is not a time of day like 06:30"))
}

/// Everybody who gets the report sees it.
fn link(text: &str) -> Result<Url, String> {
    let url = web_address(text)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("every reader sees this link: remove user and password".to_owned());
    }
    Ok(url)
}

impl ReportSettings {
    pub(super) fn rows(&self) -> Vec<Row> {
        let query = self.recipients_query.as_ref();
        let recipients: Vec<String> = self.recipients.iter().map(recipient).collect();
        let on_ambiguous = match self.on_ambiguous {
            OnAmbiguous::Hold => "hold",
            OnAmbiguous::Resend => "resend",
        };
        let rows = [
            ("due", self.due.format("%H:%M").to_string()),
            ("language", self.locale.language.code().to_owned()),
            ("numbers", self.locale.numbers.code().to_owned()),
            ("public_url", or_not_set(self.public_url.as_ref())),
            ("on_ambiguous", on_ambiguous.to_owned()),
            ("give_up", spoken(self.give_up)),
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

/// The section as people write it.
pub mod written {
    use std::fmt;

    use schemars::JsonSchema;
    use serde::de::value::MapAccessDeserializer;
    use serde::de::{MapAccess, Visitor};
    use serde::{Deserialize, Deserializer};

    use crate::locale::{Language, Numbers};

    use super::{OnAmbiguous, When};

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Report {
        /// The local time by which readers expect the report; `06:30` when left out. The report says when the next one is due.
        #[schemars(regex(pattern = r"^[0-9]{2}:[0-9]{2}$"))]
        pub due: Option<String>,
        /// The language of the fixed words; `en` when left out.
        pub language: Option<Language>,
        /// How numbers are written, by country; the language's own when left out, which is `ch` for both.
        pub numbers: Option<Numbers>,
        /// The dashboard's address, for a link in the report: `https://metrics.example.org`.
        pub public_url: Option<String>,
        /// What to do with a message that may have arrived; `hold` when left out.
        pub on_ambiguous: Option<OnAmbiguous>,
        /// An undelivered report is not tried any more after this time; `3d` when left out.
        #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
        pub give_up: Option<String>,
        /// Who gets the report by mail: addresses, or tables with an address and wishes.
        pub recipients: Option<Vec<Recipient>>,
        /// A query on an app database that returns more recipients. Its columns: address and optionally name, language, numbers and when.
        pub recipients_sql: Option<String>,
        /// The name of the app database for `recipients_sql`; the unnamed one when left out.
        pub recipients_database: Option<String>,
    }

    #[derive(Debug, JsonSchema)]
    #[schemars(untagged)]
    pub enum Recipient {
        /// `ada@example.org` or `Ada <ada@example.org>`.
        Address(String),
        Wishes(Wishes),
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Wishes {
        /// `ada@example.org` or `Ada <ada@example.org>`.
        pub address: String,
        /// The report's language when left out.
        pub language: Option<Language>,
        /// The report's way of writing numbers when left out.
        pub numbers: Option<Numbers>,
        /// On which days: all, those with alerts, or those on which an alert is new, worse or over; `daily` when left out. The latter two get a report once a week in any case.
        pub when: Option<When>,
    }

    /// By hand, so that a wrong key in a recipient's table is still pointed at.
    impl<'de> Deserialize<'de> for Recipient {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Either;
            impl<'de> Visitor<'de> for Either {
                type Value = Recipient;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an address in quotes, or a table with an address")
                }

                fn visit_str<E>(self, text: &str) -> Result<Recipient, E> {
                    Ok(Recipient::Address(text.to_owned()))
                }

                fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Recipient, A::Error> {
                    Wishes::deserialize(MapAccessDeserializer::new(map)).map(Recipient::Wishes)
                }
            }
            deserializer.deserialize_any(Either)
        }
    }
}
