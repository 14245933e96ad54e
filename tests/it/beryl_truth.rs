//! Beryl's numbers on SQLite are what plain SQL says they are.

use crate::truth;
use crate::world::App;

fn app(folder: &tempfile::TempDir) -> App {
    App::Sqlite(folder.path().join("beryl.db"))
}

#[tokio::test]
async fn every_number_of_four_hard_days_is_what_plain_sql_says() {
    let folder = tempfile::tempdir().expect("a folder");
    truth::of_nights(&app(&folder)).await;
}

#[tokio::test]
async fn past_days_are_recounted_as_plain_sql_does_and_what_is_gone_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    truth::of_the_past(&app(&folder)).await;
}

#[tokio::test]
async fn rows_born_after_midnight_change_no_number_of_the_day_before() {
    let folder = tempfile::tempdir().expect("a folder");
    truth::of_rows_born_later(&app(&folder)).await;
}

#[tokio::test]
async fn the_report_goes_to_active_superusers_with_an_address() {
    let folder = tempfile::tempdir().expect("a folder");
    truth::of_readers(&app(&folder)).await;
}
