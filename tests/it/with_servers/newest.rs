//! The age of the newest row on servers.

use crate::{mariadb, postgres};
use support::newest::rows_have_their_age_at_the_days_end;

#[tokio::test]
async fn in_postgresql_rows_have_their_age_at_the_days_end() {
    rows_have_their_age_at_the_days_end(&postgres::database().await).await;
}

#[tokio::test]
async fn in_mariadb_rows_have_their_age_at_the_days_end() {
    rows_have_their_age_at_the_days_end(&mariadb::database().await).await;
}
