//! Beryl's numbers on PostgreSQL are what plain SQL says they are.

use crate::postgres::database;
use crate::truth;

#[tokio::test]
async fn every_number_of_four_hard_days_is_what_plain_sql_says() {
    truth::of_nights(&database().await).await;
}

#[tokio::test]
async fn past_days_are_recounted_as_plain_sql_does_and_what_is_gone_says_so() {
    truth::of_the_past(&database().await).await;
}
