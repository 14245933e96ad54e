//! What a split does not list, in SQLite.

use support::unlisted::rows_that_a_split_does_not_list_are_told;

use crate::world::App;

#[tokio::test]
async fn rows_that_a_split_does_not_list_are_told_with_their_values() {
    let folder = tempfile::tempdir().expect("a folder");
    rows_that_a_split_does_not_list_are_told(&App::Sqlite(folder.path().join("app.db"))).await;
}
