//! Children of living parents, with and without declared keys, in SQLite.

use support::undeclared_keys::children_of_living_parents_are_counted;

use crate::world::App;

#[tokio::test]
async fn children_of_living_parents_are_counted_with_and_without_declared_keys() {
    let folder = tempfile::tempdir().unwrap();
    let apps =
        ["declared.db", "held.db", "broken.db"].map(|name| App::Sqlite(folder.path().join(name)));
    children_of_living_parents_are_counted(apps.each_ref()).await;
}
