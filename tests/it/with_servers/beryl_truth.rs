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
