//! The doctor names an index that a night would use, until it is there.

use daybook::operate::doctor::{Level, examine};
use tokio_util::sync::CancellationToken;

use crate::world::{App, World, instant};

const NOW: &str = "2025-10-04T06:00:00Z";

const SETTINGS: &str = r#"
    [tables.visits]
    name = "order"
    created_at = "when"

    [tables.few]
    name = "few"
    created_at = "at"

    [[metrics]]
    key = "visits"
    table = "visits"
    count = "*"
    within = { column = "when", days = [1, 7] }

    [[metrics]]
    key = "few"
    table = "few"
    count = "*"
    within = { column = "at", days = [1] }
"#;

/// A hundred and fifty thousand visits of half a year, and a few of something else, no index anywhere. All that an
/// engine can make difficult: names that are words of its language, and on MySQL times as texts.
fn tables(app: &App) -> &'static str {
    match app {
        App::Sqlite(_) => {
            r#"CREATE TABLE "order" ("when" TEXT NOT NULL, page TEXT NOT NULL); CREATE TABLE few (at TEXT NOT NULL);
             WITH RECURSIVE each(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < 150000)
             INSERT INTO "order" SELECT datetime('2025-10-04', '-' || (n * 100) || ' seconds'), printf('%0200d', n) FROM each;
             INSERT INTO few SELECT "when" FROM "order" LIMIT 10"#
        }
        App::Postgres(_) => {
            r#"CREATE TABLE "order" ("when" timestamp NOT NULL, page text NOT NULL); CREATE TABLE few (at timestamp NOT NULL);
             INSERT INTO "order" SELECT timestamp '2025-10-04' - n * interval '100 seconds', lpad(n::text, 200, '0')
                 FROM generate_series(1, 150000) AS n;
             INSERT INTO few SELECT "when" FROM "order" LIMIT 10; ANALYZE "order"; ANALYZE few"#
        }
        App::Mysql(_) => {
            "CREATE TABLE `order` (`when` text NOT NULL, page varchar(250) NOT NULL); CREATE TABLE few (at datetime NOT NULL);
             SET SESSION /*M! max_recursive_iterations */ /*!80000 cte_max_recursion_depth */ = 150000;
             INSERT INTO `order` SELECT '2025-10-04 00:00:00' - INTERVAL seq * 100 SECOND, lpad(seq, 200, '0')
                 FROM (WITH RECURSIVE each_row AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM each_row WHERE seq < 150000)
                       SELECT seq FROM each_row) AS numbers;
             INSERT INTO few SELECT `when` FROM `order` LIMIT 10; ANALYZE TABLE `order`, few"
        }
    }
}

pub async fn is_named_until_it_is_there(app: &App) {
    app.execute(tables(app)).await;
    let said = lacking(app).await;
    let [(level, what, advice)] = said.as_slice() else {
        panic!("{said:?}");
    };
    assert_eq!(*level, Level::Warning);
    assert_eq!(
        what,
        "the app database has no index on order that begins with when, which visits_24h, visits_7d would use"
    );
    let (_, statement) = advice.split_once("CREATE INDEX").unwrap_or_default();
    let (statement, _) = statement.split_once('.').unwrap_or_default();
    app.execute(&format!("CREATE INDEX{statement}")).await;
    assert_eq!(lacking(app).await, []);
}

pub async fn lacking(app: &App) -> Vec<(Level, String, String)> {
    let mut world = World::new(NOW, SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    said_of(&world).await
}

pub async fn said_of(world: &World) -> Vec<(Level, String, String)> {
    let findings = examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
    let about = findings
        .into_iter()
        .filter(|one| one.what.contains("index"));
    about.map(|one| (one.level, one.what, one.advice)).collect()
}
