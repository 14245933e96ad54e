//! Another application's numbers on SQLite are what plain SQL says they are.

use crate::team;
use crate::world::App;

fn app(folder: &tempfile::TempDir) -> App {
    App::Sqlite(folder.path().join("team.db"))
}

#[tokio::test]
async fn money_measures_and_odd_windows_are_right_on_half_hour_clocks() {
    let folder = tempfile::tempdir().expect("a folder");
    team::of_nights(&app(&folder)).await;
}

#[tokio::test]
async fn rows_that_ended_and_their_parents_are_recounted_day_by_day() {
    let folder = tempfile::tempdir().expect("a folder");
    team::of_the_past(&app(&folder)).await;
}
