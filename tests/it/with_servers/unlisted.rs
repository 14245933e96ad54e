//! Splits that leave rows out, on servers.

use crate::unlisted::rows_that_a_split_does_not_list_are_told;
use crate::{mariadb, postgres};

#[tokio::test]
async fn rows_that_a_split_does_not_list_are_told_in_postgresql() {
    rows_that_a_split_does_not_list_are_told(&postgres::database().await).await;
}

#[tokio::test]
async fn rows_that_a_split_does_not_list_are_told_in_mariadb() {
    rows_that_a_split_does_not_list_are_told(&mariadb::database().await).await;
}
