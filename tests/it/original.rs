//! A table with a row a day, by its mapping: what it got right is imported, what it got wrong is left out and said.

use daybook::commands::Ended;
use serde_json::json;

use support::original::{
    SETTINGS, import, the_originals_table_is_taken_over_without_what_it_got_wrong,
};

use crate::world::{App, World};

#[tokio::test]
async fn the_originals_table_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    the_originals_table_is_taken_over_without_what_it_got_wrong(sqlite(&folder)).await;
}

fn sqlite(folder: &tempfile::TempDir) -> App {
    App::Sqlite(folder.path().join("app.db"))
}

#[tokio::test]
async fn a_table_that_only_has_dates_is_of_whole_days_and_its_columns_may_have_other_names() {
    let folder = tempfile::tempdir().unwrap();
    let app = sqlite(&folder);
    app.execute(
        "CREATE TABLE stats (day TEXT, people int, parts TEXT);
         INSERT INTO stats VALUES ('2025-10-03', 400, '[{\"key\":\"a\",\"label\":\"A\",\"count\":3}]'),
                                  ('2025-10-26', 500, NULL), ('2025-11-01', 600, NULL)",
    )
    .await;
    let mut world = World::new("2025-11-01T06:00:00Z", SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let mapping = "table = 'stats'\ndate = 'day'\n\
                   [columns]\npeople = 'new_users_24h'\nparts = 'storage_by_type'\n";
    world.write("mapping.toml", mapping);
    let imported = world.command(&["import", "--mapping", "mapping.toml"]);
    assert!(matches!(imported.await, Ok(Ended::Done)));
    // The third day is not over yet.
    let days = "SELECT collection_date FROM daily_metrics ORDER BY 1";
    let expected = ["2025-10-03", "2025-10-26"].map(|date| [Some(date.to_owned())]);
    assert_eq!(world.book(days).await, expected);
    assert_eq!(world.value("2025-10-03", "new_users_24h").await, json!(400));
    assert_eq!(world.value("2025-10-26", "new_users_24h").await, json!(500));
    assert_eq!(
        world.value("2025-10-03", "storage_by_type").await,
        json!([{ "key": "a", "label": "A", "count": 3 }])
    );
    assert_eq!(
        world.provenance("2025-10-03", "new_users_24h").await,
        json!({ "kind": "imported" })
    );
}

#[tokio::test]
async fn mistakes_in_a_mapping_are_shown_where_they_stand() {
    let world = World::new("2025-11-01T06:00:00Z", SETTINGS);
    let mapping = "tabel = 'stats'\ndate = 'day'\nrolling_windows = true\n\
                   [columns]\npeople = 'total_user'\n";
    world.write("mapping.toml", mapping);
    let (code, said) = import(&world, "mapping.toml");
    assert_eq!(code, Some(78), "{said}");
    for expected in [
        "mapping.toml:1:1: unknown key `tabel`; did you mean `table`?",
        "missing key `table`",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    world.write("mapping.toml", &mapping.replace("tabel", "table"));
    let (code, said) = import(&world, "mapping.toml");
    assert_eq!(code, Some(78), "{said}");
    for expected in [
        "mapping.toml:3:19: `rolling_windows` needs `counted_at`",
        "mapping.toml:5:10: no metric is called `total_user`; did you mean `total_users`?",
        "5 | people = 'total_user'",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[tokio::test]
async fn the_option_that_mappings_replace_says_so() {
    let world = World::new("2025-11-01T06:00:00Z", SETTINGS);
    let output = world.binary(&["import", "--table", "web_dailymetrics"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("examples/beryl/import.toml"), "{said}");
}
