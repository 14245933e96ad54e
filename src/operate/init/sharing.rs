//! Which numbers are proposed if there are more than a report should have.

use crate::collect::schema::survey::Survey;
use crate::collect::schema::survey::rows::after_name;

use super::metric::Metric;
use super::metrics;
use super::tables::Subject;

/// A longer report would not be read.
const MOST_NUMBERS: usize = 60;

/// With more tables there would be nothing but totals.
const MOST_TABLES: usize = 40;

/// The most numbers of a table while another one with rows has none.
const MOST_OF_ONE_TABLE: usize = 9;

/// A table's next metric comes along with the first one of the table this many ranks below.
const HEAD_START: usize = 3;

pub struct Shared {
    /// The metrics of each table.
    pub parts: Vec<Vec<Metric>>,
    /// Tables and metrics for which there was no room.
    pub unused: Vec<String>,
}

struct Offer {
    /// The table's place, the most telling first.
    rank: usize,
    /// The metric's place in its table; first comes the total.
    place: usize,
    metric: Metric,
}

/// First the total of each table that has rows, then in turn what else there is to count; tables without rows last.
pub fn share(subjects: &[Subject<'_>], survey: &Survey) -> Shared {
    let is_empty = |rank: usize| subjects[rank].relation.rows.is_none();
    let ranks = 0..subjects.len();
    let mut offers: Vec<Offer> = ranks
        .clone()
        .flat_map(|rank| offers(rank, &subjects[rank], survey))
        .collect();
    offers.sort_by_key(|offer| {
        let turn = match offer.place {
            0 => 0,
            place => 1 + offer.rank + HEAD_START * (place - 1),
        };
        (is_empty(offer.rank), turn, offer.rank)
    });
    let most_of_one = match ranks.filter(|rank| !is_empty(*rank)).count() > MOST_TABLES {
        true => MOST_OF_ONE_TABLE,
        false => MOST_NUMBERS,
    };
    let mut parts: Vec<Vec<Metric>> = subjects.iter().map(|_| Vec::new()).collect();
    let (mut tables, mut all) = (0, 0);
    let (mut unused_tables, mut unused_metrics) = (Vec::new(), Vec::new());
    for Offer {
        rank,
        place,
        metric,
    } in offers
    {
        let relation = subjects[rank].relation;
        let numbers = metric.numbers();
        let own: usize = parts[rank].iter().map(Metric::numbers).sum();
        let has_room = all + numbers <= MOST_NUMBERS && own + numbers <= most_of_one;
        match place {
            0 if has_room && tables < MOST_TABLES => tables += 1,
            0 => {
                let rows = after_name(relation.rows);
                unused_tables.push(format!("the table {}{rows}", relation.name));
                continue;
            }
            _ if own == 0 => continue,
            _ if has_room => {}
            _ => {
                unused_metrics.push(format!("{} ({})", metric.label, relation.name));
                continue;
            }
        }
        all += numbers;
        parts[rank].push(metric);
    }
    let unused = [unused_tables, unused_metrics].concat();
    Shared { parts, unused }
}

fn offers(rank: usize, subject: &Subject<'_>, survey: &Survey) -> Vec<Offer> {
    let all = metrics::all(subject, survey).into_iter().enumerate();
    all.map(|(place, metric)| Offer {
        rank,
        place,
        metric,
    })
    .collect()
}
