//! Checks that measured columns hold numbers: a database also finds the maximum of times.

use crate::collect::schema::{Probe, optional};
use crate::database::{DatabaseError, Snapshot};
use crate::engine::Engine;
use crate::plan::Facts;
use crate::plan::time::is_text_type;

use super::needs::{MeasuredColumn, measured};
use super::times::begins_with_a_date;
use super::{Examination, Fault};

/// A fault for each metric whose column holds times, or texts that would be its value.
pub(super) async fn no_numbers(
    snapshot: &mut Snapshot,
    examination: &Examination<'_>,
) -> Result<Vec<Fault>, DatabaseError> {
    let engine = snapshot.engine();
    let mut faults = Vec::new();
    for one in measured(examination.catalog, examination.keys) {
        let table = examination.table(&one.table);
        let Some(declared) = table.and_then(|table| table.types.get(&one.column)) else {
            continue;
        };
        let why = match engine {
            Engine::Sqlite => {
                let columns = [(one.table.clone(), one.column.clone())];
                let mut probe = Probe {
                    snapshot,
                    database: "",
                    limits: examination.limits,
                    facts: Facts::default(),
                };
                optional(probe.sample(&columns).await)?;
                let samples = &probe.facts.table_mut("", &one.table).samples;
                let sample = samples.get(&one.column);
                sample.and_then(|sample| wrong_sample(&one, sample))
            }
            Engine::Postgres | Engine::Mysql => wrong_type(&one, declared),
        };
        if let Some(why) = why {
            faults.push(Fault {
                what: format!("{}.{} {why}", one.table, one.column),
                metrics: vec![one.metric],
            });
        }
    }
    Ok(faults)
}

fn wrong_type(one: &MeasuredColumn, declared: &str) -> Option<String> {
    let is_time = ["timestamp", "date", "time", "interval"]
        .iter()
        .any(|kind| declared.starts_with(kind));
    match () {
        () if is_time => Some(format!(
            "is of the type {declared}, and a time is not a number: `newest` measures the age of the newest"
        )),
        () if one.as_it_is && is_text_type(declared) => Some(format!(
            "is of the type {declared}, and a text is not a number"
        )),
        () => None,
    }
}

/// SQLite does not enforce types, so one value shows what the column holds.
fn wrong_sample(one: &MeasuredColumn, sample: &str) -> Option<String> {
    match begins_with_a_date(sample) {
        true => Some(
            "holds times, and a time is not a number: `newest` measures the age of the newest"
                .to_owned(),
        ),
        false if one.as_it_is => Some("holds texts, and a text is not a number".to_owned()),
        false => None,
    }
}
