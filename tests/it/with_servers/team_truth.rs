//! Another application's numbers on PostgreSQL and MariaDB are what plain SQL says they are.

use crate::{mariadb, postgres, team};

#[tokio::test]
async fn money_measures_and_odd_windows_are_right_on_half_hour_clocks() {
    team::of_nights(&postgres::database().await).await;
    team::of_nights(&mariadb::database().await).await;
}

#[tokio::test]
async fn rows_that_ended_and_their_parents_are_recounted_day_by_day() {
    team::of_the_past(&postgres::database().await).await;
    team::of_the_past(&mariadb::database().await).await;
}
