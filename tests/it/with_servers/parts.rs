//! Rows without a value in distributions on servers.

use crate::{mariadb, postgres};
use support::parts::{nothing_beyond_the_largest_parts_is_lost, rows_without_a_value_are_a_part};

#[tokio::test]
async fn rows_without_a_value_are_a_part_in_postgresql() {
    rows_without_a_value_are_a_part(&postgres::database().await).await;
}

#[tokio::test]
async fn rows_without_a_value_are_a_part_in_mariadb() {
    rows_without_a_value_are_a_part(&mariadb::database().await).await;
}

#[tokio::test]
async fn nothing_beyond_the_largest_thousand_parts_is_lost_in_postgresql() {
    nothing_beyond_the_largest_parts_is_lost(&postgres::database().await).await;
}

#[tokio::test]
async fn nothing_beyond_the_largest_thousand_parts_is_lost_in_mariadb() {
    nothing_beyond_the_largest_parts_is_lost(&mariadb::database().await).await;
}
