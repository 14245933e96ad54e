//! Beryl's numbers on PostgreSQL and MariaDB are what plain SQL says they are.

use crate::truth;
use crate::{mariadb, postgres};

#[tokio::test]
async fn every_number_of_four_hard_days_is_what_plain_sql_says() {
    truth::of_nights(&postgres::database().await).await;
    truth::of_nights(&mariadb::database().await).await;
}

#[tokio::test]
async fn past_days_are_recounted_as_plain_sql_does_and_what_is_gone_says_so() {
    truth::of_the_past(&postgres::database().await).await;
    truth::of_the_past(&mariadb::database().await).await;
}

#[tokio::test]
async fn rows_born_after_midnight_change_no_number_of_the_day_before() {
    truth::of_rows_born_later(&postgres::database().await).await;
    truth::of_rows_born_later(&mariadb::database().await).await;
}

#[tokio::test]
async fn the_report_goes_to_active_superusers_with_an_address() {
    truth::of_readers(&postgres::database().await).await;
    truth::of_readers(&mariadb::database().await).await;
}
