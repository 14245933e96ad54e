//! Splits that leave rows out, on servers.

use crate::{mariadb, postgres};
use support::unlisted::rows_that_a_split_does_not_list_are_told;

#[tokio::test]
async fn rows_that_a_split_does_not_list_are_told_in_postgresql() {
    rows_that_a_split_does_not_list_are_told(&postgres::database().await).await;
}

#[tokio::test]
async fn rows_that_a_split_does_not_list_are_told_in_mariadb() {
    rows_that_a_split_does_not_list_are_told(&mariadb::database().await).await;
}
