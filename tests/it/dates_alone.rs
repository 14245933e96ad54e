//! Dates without times in SQLite.

use support::dates_alone::are_days_of_the_reports_zone;

use crate::world::App;

#[tokio::test]
async fn in_sqlite_dates_are_texts() {
    let folder = tempfile::tempdir().unwrap();
    are_days_of_the_reports_zone(&App::Sqlite(folder.path().join("app.db"))).await;
}
