//! `[[live.alerts]]`: what is watched between two nights.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::catalog::{Limit, limit};
use crate::kinds::figure::check_labels;
use crate::kinds::{Aggregate, Figure, Kind, Kinds, presets};
use crate::text::duration::{DAY, HOUR, MINUTE, within};
use crate::text::suggest::did_you_mean;

use super::environment::check_name;
use super::settle::Settler;

/// A number over the last while, against limits.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveAlert {
    pub key: String,
    pub label: String,
    pub watch: Watch,
    pub warning: Option<Limit>,
    pub critical: Option<Limit>,
    /// It is not told again sooner than this.
    pub again: Duration,
    /// Names of webhooks, and addresses.
    pub notify: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    pub figure: Figure,
    /// It counts as a percentage of this one.
    pub of: Option<Figure>,
    /// The rest of the percentage counts: 100 less it.
    pub rest: bool,
    pub over: Duration,
    /// Each group by itself.
    pub by: Vec<String>,
    /// Fewer events say nothing.
    pub least: u64,
}

impl Watch {
    /// Whether it is a number of events, which is known even if there are none.
    pub fn counts(&self) -> bool {
        self.of.is_none() && self.figure.aggregate.counts()
    }

    pub fn unit<'k>(&self, kind: &'k Kind) -> &'k str {
        match self.of {
            Some(_) => "%",
            None => self.figure.aggregate.unit(kind),
        }
    }
}

const OVER: Duration = Duration::from_secs(300);
const AGAIN: Duration = HOUR;

/// Those of the presets, then those of the file, which take a preset's place under its key.
///
/// `usual`: where those are sent that do not say it. `known`: the names of webhooks.
pub(super) fn alerts(
    presets: &[String],
    written: &[written::Alert],
    usual: &[String],
    kinds: &Kinds,
    known: &[String],
    settler: &mut Settler<'_>,
) -> Vec<LiveAlert> {
    recipients(usual, "live.notify", known, settler);
    let mut all: Vec<LiveAlert> = Vec::new();
    for toml in presets.iter().filter_map(|name| presets::find(name).ok()) {
        for preset in of_preset(toml) {
            // A test holds them sound; a kind that was declared anew may lack what they watch.
            all.extend(check(&preset, kinds, usual, &mut |_, _| ()));
        }
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, alert) in written.iter().enumerate() {
        let place = format!("live.alerts.{at}");
        if seen.insert(&alert.key, at).is_some() {
            let message = format!(
                "there are two alerts `{}`: give this one another key",
                alert.key.escape_debug()
            );
            settler.wrong(&format!("{place}.key"), message);
        }
        if let Some(notify) = &alert.notify {
            recipients(notify, &format!("{place}.notify"), known, settler);
        }
        all.retain(|other| other.key != alert.key);
        if alert.off {
            continue;
        }
        let mut wrong = |field: &str, message: String| match field {
            "" => settler.wrong(&place, message),
            field => settler.wrong(&format!("{place}.{field}"), message),
        };
        all.extend(check(alert, kinds, usual, &mut wrong));
    }
    all
}

/// Each is a webhook that there is, or an address.
fn recipients(notify: &[String], setting: &str, known: &[String], settler: &mut Settler<'_>) {
    for (at, name) in notify.iter().enumerate() {
        if !name.contains('@') && !known.contains(name) {
            let hint = match did_you_mean(name, known.iter().map(String::as_str)) {
                none if none.is_empty() => ": name one of `[[webhooks]]`, or an address".to_owned(),
                hint => hint,
            };
            let message = format!("no webhook `{}`{hint}", name.escape_debug());
            settler.wrong(&format!("{setting}.{at}"), message);
        }
    }
}

/// The alerts that come with a preset.
pub fn of_preset(toml: &str) -> Vec<written::Alert> {
    #[derive(Deserialize)]
    struct Preset {
        #[serde(default)]
        alerts: Vec<written::Alert>,
    }
    let preset: Preset = toml::from_str(toml).unwrap_or_else(|error| panic!("{error}"));
    preset.alerts
}

/// `None` after a mistake, which is said with its field.
pub fn check(
    written: &written::Alert,
    kinds: &Kinds,
    usual: &[String],
    wrong: &mut dyn FnMut(&str, String),
) -> Option<LiveAlert> {
    let is_known = check_name(&written.key, "an alert").map_err(|message| wrong("key", message));
    let Some(watched) = &written.watch else {
        let missing = "missing key `watch`: say which number, such as `watch = { kind = \"task\", value = \"count\" }`";
        wrong("", missing.to_owned());
        return None;
    };
    let watch = watch(watched, kinds, wrong);
    let kind = kinds.get(&watched.kind)?;
    let unit = watch.as_ref().map_or("", |watch| watch.unit(kind));
    let mut level = |field: &str, text: &Option<String>| {
        let text = text.as_ref()?;
        limit(text, unit)
            .map_err(|message| wrong(field, message))
            .ok()
    };
    let warning = level("warning", &written.warning);
    let critical = level("critical", &written.critical);
    if written.warning.is_none() && written.critical.is_none() {
        wrong(
            "",
            "it has no level: set `warning`, `critical` or both".to_owned(),
        );
    }
    if let Some((warning, critical)) = warning.zip(critical) {
        let message = match (warning.over, critical.over) {
            (true, true) if critical.bound < warning.bound => {
                "below `warning`, which would never be seen"
            }
            (false, false) if critical.bound > warning.bound => {
                "above `warning`, which would never be seen"
            }
            (one, other) if one != other => "the other way round than `warning`",
            _ => "",
        };
        if !message.is_empty() {
            wrong("critical", format!("`{critical}` is {message}"));
        }
    }
    let again = time(&written.again, AGAIN, 7 * DAY).map_err(|message| wrong("again", message));
    is_known.ok()?;
    Some(LiveAlert {
        key: written.key.clone(),
        label: written
            .label
            .clone()
            .unwrap_or_else(|| written.key.replace('_', " ")),
        watch: watch?,
        warning,
        critical,
        again: again.ok()?,
        notify: written.notify.clone().unwrap_or_else(|| usual.to_vec()),
    })
}

fn time(text: &Option<String>, otherwise: Duration, most: Duration) -> Result<Duration, String> {
    match text {
        Some(text) => within(MINUTE..=most)(text),
        None => Ok(otherwise),
    }
}

fn watch(
    written: &written::Watch,
    kinds: &Kinds,
    wrong: &mut dyn FnMut(&str, String),
) -> Option<Watch> {
    let own = figure(&written.kind, &written.value, &written.labels, kinds)
        .map_err(|(field, message)| wrong(&format!("watch.{field}"), message));
    let of = match &written.of {
        None => Ok(None),
        Some(of) => figure(&of.kind, &of.value, &of.labels, kinds)
            .map(Some)
            .map_err(|(field, message)| wrong(&format!("watch.of.{field}"), message)),
    };
    let over = time(&written.over, OVER, 30 * DAY).map_err(|message| wrong("watch.over", message));
    if written.rest && written.of.is_none() {
        wrong(
            "watch.rest",
            "there is a rest only of a percentage: set `of`".to_owned(),
        );
    }
    let (figure, of) = (own.ok()?, of.ok()?);
    let mut of_kinds = vec![&kinds[&figure.kind]];
    of_kinds.extend(of.as_ref().map(|of| &kinds[&of.kind]));
    for label in &written.by {
        for kind in &of_kinds {
            if kind.label(label).is_none() {
                let names = kind.labels.iter().map(|label| label.name.as_str());
                let hint = did_you_mean(label, names);
                wrong(
                    "watch.by",
                    format!(
                        "`{}` has no label `{}`{hint}",
                        kind.name,
                        label.escape_debug()
                    ),
                );
            }
        }
    }
    Some(Watch {
        figure,
        of,
        rest: written.rest,
        over: over.ok()?,
        by: written.by.clone(),
        least: written.least.unwrap_or(1).max(1),
    })
}

fn figure(
    kind: &str,
    value: &str,
    labels: &BTreeMap<String, String>,
    kinds: &Kinds,
) -> Result<Figure, (String, String)> {
    let Some(known) = kinds.get(kind) else {
        let hint = did_you_mean(kind, kinds.keys().map(String::as_str));
        return Err((
            "kind".to_owned(),
            format!("no kind `{}`{hint}", kind.escape_debug()),
        ));
    };
    let aggregate = Aggregate::parse(value).and_then(|aggregate| {
        aggregate.check(known)?;
        Ok(aggregate)
    });
    if let Some((label, message)) = check_labels(labels, known).into_iter().next() {
        return Err((format!("labels.{label}"), message));
    }
    Ok(Figure {
        kind: kind.to_owned(),
        aggregate: aggregate.map_err(|message| ("value".to_owned(), message))?,
        labels: labels
            .iter()
            .map(|(name, text)| (name.clone(), text.clone()))
            .collect(),
    })
}

/// An alert as people write it.
pub mod written {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::Deserialize;

    #[derive(Debug, Clone, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[schemars(rename = "LiveAlert")]
    pub struct Alert {
        /// Small letters, digits and `_`. A preset's alert with the same key is replaced.
        pub key: String,
        /// What it is called in messages; the key when left out.
        pub label: Option<String>,
        /// Needed, but by one that is off.
        pub watch: Option<Watch>,
        /// `> 2000`, `>= 5`, `< 95` or `<= 0`.
        pub warning: Option<String>,
        pub critical: Option<String>,
        /// It is not told again sooner than after this time; `1h` when left out.
        #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
        pub again: Option<String>,
        /// Names of webhooks and addresses; those of `[live] notify` when left out.
        pub notify: Option<Vec<String>>,
        /// Nothing is watched: switches off a preset's alert, whose key is all else that it needs.
        #[serde(default)]
        pub off: bool,
    }

    /// Which number.
    #[derive(Debug, Clone, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Watch {
        pub kind: String,
        /// `count`, `succeeded`, `failed`, `success_pct`, or `sum`, `avg`, `min`, `max`, `last` or `p95` `of` a value.
        pub value: String,
        /// Only events with these labels.
        #[serde(default)]
        pub labels: BTreeMap<String, String>,
        /// It counts as a percentage of this one.
        pub of: Option<Of>,
        /// Of that percentage the rest counts: 100 less it.
        #[serde(default)]
        pub rest: bool,
        /// How long the time is that is looked at; `5m` when left out.
        #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
        pub over: Option<String>,
        /// Each value of these labels by itself.
        #[serde(default)]
        pub by: Vec<String>,
        /// Fewer events than this say nothing; 1 when left out.
        pub least: Option<u64>,
    }

    #[derive(Debug, Clone, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[schemars(rename = "WatchOf")]
    pub struct Of {
        pub kind: String,
        pub value: String,
        #[serde(default)]
        pub labels: BTreeMap<String, String>,
    }
}
