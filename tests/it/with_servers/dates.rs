//! Dates without times on servers.

use crate::{mariadb, postgres};
use support::dates_alone::are_days_of_the_reports_zone;

#[tokio::test]
async fn dates_are_days_of_the_reports_zone_in_postgresql() {
    are_days_of_the_reports_zone(&postgres::database().await).await;
}

#[tokio::test]
async fn dates_are_days_of_the_reports_zone_in_mariadb() {
    are_days_of_the_reports_zone(&mariadb::database().await).await;
}
