//! Measured columns must hold numbers: a database gladly says which time is the latest.

use crate::catalog::Catalog;
use crate::collect::schema;
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::engine::Engine;
use crate::plan::Facts;
use crate::plan::time::is_text_type;

use super::Fault;
use super::needs::{MeasuredColumn, measured};
use super::times::begins_with_a_date;

/// A fault for each metric whose column holds times, or texts where a text is what it would be.
pub(super) async fn no_numbers(
    database: &str,
    catalog: &Catalog,
    snapshot: &mut Snapshot,
    keys: &[String],
    facts: &Facts,
    limits: &Limits,
) -> Result<Vec<Fault>, DatabaseError> {
    let engine = snapshot.engine();
    let mut faults = Vec::new();
    for one in measured(catalog, keys) {
        let place = (database.to_owned(), one.table.clone());
        let table = facts.tables.get(&place);
        let Some(declared) = table.and_then(|table| table.types.get(&one.column)) else {
            continue;
        };
        let why = match engine {
            Engine::Sqlite => {
                let columns = [(one.table.clone(), one.column.clone())];
                let mut sampled = Facts::default();
                let asked = schema::sample(snapshot, &columns, database, limits, &mut sampled);
                schema::forgiven(asked.await)?;
                let sampled = sampled.tables.get(&place);
                sampled
                    .and_then(|table| table.samples.get(&one.column))
                    .and_then(|sample| of_sample(&one, sample))
            }
            Engine::Postgres | Engine::Mysql => of_type(&one, declared),
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

fn of_type(one: &MeasuredColumn, declared: &str) -> Option<String> {
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

/// SQLite's types bind nobody; one value shows what is held.
fn of_sample(one: &MeasuredColumn, sample: &str) -> Option<String> {
    match begins_with_a_date(sample) {
        true => Some(
            "holds times, and a time is not a number: `newest` measures the age of the newest"
                .to_owned(),
        ),
        false if one.as_it_is => Some("holds texts, and a text is not a number".to_owned()),
        false => None,
    }
}
