//! The values in rows that a split does not count.

use crate::calendar::AsOf;
use crate::catalog::{Catalog, Counted, Distribution, Metric, Parts, Shape};

use super::night::{one_pass, ranked};
use super::rows::counted_of;
use super::{KnownDatabases, Statement};

/// The largest values among the rows that a split does not list, as a distribution.
pub fn unlisted_values(
    catalog: &Catalog,
    metric: &Metric,
    as_of: &AsOf,
    known: KnownDatabases<'_>,
) -> Option<Statement> {
    let counted = counted_of(metric)?;
    let Parts::Rest { column, values } = &counted.parts else {
        return None;
    };
    let context = known.context(catalog, metric)?;
    let parts = Parts::By(Distribution {
        column: column.clone(),
        except: values.clone(),
        top: usize::MAX,
        label: None,
    });
    let distribution = Metric {
        shape: Shape::Counted(Counted {
            parts,
            ..counted.clone()
        }),
        ..metric.clone()
    };
    let pass = one_pass(context, &[&distribution], as_of);
    Some(ranked(pass, context.engine))
}
