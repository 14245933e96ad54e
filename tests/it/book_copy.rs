//! `daybook book copy`: a book in another engine says the same, or there is none.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::book::{self, Book};
use daybook::commands::{CommandError, Ended};
use daybook::config::DatabaseUrl;
use daybook::nightly::Which;
use serde_json::Value as Json;

use crate::delivering;
use crate::smtp_server::Script;
use crate::world::{App, World, book_url, date};

/// A world whose book has nights, a ledger and a mute.
pub(crate) async fn told() -> World {
    let reply = "250 2.0.0 Ok: \"quoted\", ünïcödé";
    let script = Script::accepting().rcpt("bea@example.org", "550 5.1.1 No such user");
    let script = script.say(crate::smtp_server::Step::Dot, reply);
    let (mut world, _app, _server) =
        delivering::with_mail(r#""ada@example.org", "bea@example.org""#, script).await;
    for day in 1..=3 {
        world.at(&format!("2025-10-0{}T04:00:00.123456Z", day + 1));
        let day = date(&format!("2025-10-0{day}"));
        world.morning(Which::One(day), false).await;
    }
    let why = "it's \\ \"known\"";
    let muting = [
        "alerts",
        "mute",
        "errors_24h",
        "--until",
        "2025-10-09",
        "--because",
        why,
    ];
    let muted = world.command(&muting);
    assert_eq!(muted.await.unwrap(), Ended::Done);
    world
}

/// Everything that people and programs are shown of a book.
pub(crate) fn shown(world: &World) -> Vec<String> {
    [
        &["export", "--format", "jsonl"][..],
        &["show", "--json"],
        &["runs", "--json"],
        &["deliveries", "--json"],
        &["alerts", "list", "--json"],
        &["report", "--format", "html"],
    ]
    .iter()
    .map(|args| {
        let output = world.binary(args);
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(
            !told.is_empty(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        told
    })
    .collect()
}

pub(crate) async fn copy(world: &World, to: &DatabaseUrl) -> Result<Ended, CommandError> {
    world.command(&["book", "copy", "--to", to.expose()]).await
}

#[tokio::test]
async fn a_copy_on_another_engine_and_back_shows_the_same_and_goes_on_numbering() {
    let mut world = told().await;
    let before = shown(&world);
    let folder = tempfile::tempdir().unwrap();
    let there = book_url(&folder.path().join("there.db"));
    let file = DatabaseUrl::sqlite(&folder.path().join("copy.db"));
    let back = book_url(&folder.path().join("back.db"));
    let original = world.book_url();
    for to in [&there, &file, &back] {
        assert_eq!(copy(&world, to).await.unwrap(), Ended::Done);
        assert_eq!(shown(&world), before, "the original");
        world.set("DAYBOOK_BOOK_DATABASE_URL", to.expose());
        assert_eq!(shown(&world), before, "{to}");
    }
    let known = |url: &DatabaseUrl| {
        let url = url.clone();
        async move {
            let book = Book::open_to_read(&url).await.unwrap();
            let all = book::entries(&book, chrono::NaiveDate::MIN..=chrono::NaiveDate::MAX).await;
            (
                all.unwrap(),
                book::deliveries(&book, &book::Filter::default())
                    .await
                    .unwrap(),
            )
        }
    };
    assert_eq!(known(&back).await, known(&original).await);
    world.at("2025-10-05T04:00:00Z");
    world.morning(Which::One(date("2025-10-04")), false).await;
    let runs = "SELECT count(*), count(DISTINCT id), max(id) FROM runs";
    let numbered = ["4"; 3].map(|text| Some(text.to_owned()));
    assert_eq!(world.book(runs).await, [numbered]);
    let view = App::new(&world.book_url())
        .number("SELECT count(*) FROM daily_metrics_columns WHERE errors_24h = 1")
        .await;
    assert_eq!(view, Some(3.into()));
}

#[tokio::test]
async fn rows_and_sums_of_each_table_are_told_and_what_to_write_next() {
    let mut world = told().await;
    let to = book_url(&world.path("there.db"));
    world.set("DAYBOOK_BOOK_COPY_DATABASE_URL", to.expose());
    let output = world.binary(&["book", "copy", "--json"]);
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    let rows = |name: &str| {
        let tables = told["tables"].as_array().unwrap();
        let table = tables.iter().find(|table| table["table"] == name).unwrap();
        assert_eq!(table["sha256"].as_str().unwrap().len(), 64);
        table["rows"].clone()
    };
    assert_eq!(rows("daily_metrics"), 3);
    assert_eq!(rows("runs"), 3);
    assert_eq!(rows("deliveries"), 6);
    assert_eq!(rows("reports"), 3);
    assert_eq!(rows("mutes"), 1);
    let again = world.binary(&["book", "copy", "--to", "sqlite:other.db"]);
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(
        said.contains("Write `database_url = \"sqlite:other.db\"` under [book]"),
        "{said}"
    );
    let told = String::from_utf8(again.stdout).unwrap();
    assert!(
        told.contains("deliveries             6 rows, the same in both"),
        "{told}"
    );
}

#[tokio::test]
async fn a_place_that_is_taken_is_left_alone() {
    let (one, other) = (told().await, told().await);
    let before = shown(&other);
    let error = copy(&one, &other.book_url()).await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    let told = error.to_string();
    assert!(
        told.contains("already holds a book, with 3 rows in `daily_metrics`"),
        "{told}"
    );
    assert_eq!(shown(&other), before);
    let itself = copy(&one, &one.book_url()).await.unwrap_err();
    assert_eq!(itself.exit_code(), 2);
    let nowhere = one.command(&["book", "copy"]).await.unwrap_err();
    assert_eq!(nowhere.exit_code(), 2);
    assert!(
        nowhere
            .to_string()
            .contains("DAYBOOK_BOOK_COPY_DATABASE_URL")
    );
    let shown = one.binary(&["book", "copy", "--to", "postgres://a:hunter2@127.0.0.1/b"]);
    assert_eq!(shown.status.code(), Some(2));
    assert!(!String::from_utf8(shown.stderr).unwrap().contains("hunter2"));
}

#[tokio::test]
async fn what_goes_wrong_half_way_leaves_the_other_place_without_a_row() {
    let world = told().await;
    let folder = tempfile::tempdir().unwrap();
    let to = DatabaseUrl::sqlite(&folder.path().join("copy.db"));
    Book::open(&to, std::time::Duration::ZERO)
        .await
        .unwrap()
        .close()
        .await;
    let app = App::new(&to);
    app.execute(
        "CREATE TRIGGER full BEFORE INSERT ON deliveries BEGIN SELECT raise(ABORT, 'no'); END",
    )
    .await;
    let error = copy(&world, &to).await.unwrap_err();
    assert!(
        error.to_string().contains("cannot write the copy"),
        "{error}"
    );
    for table in ["daily_metrics", "runs", "reports", "deliveries"] {
        let count = app.number(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(count, Some(0.into()), "{table}");
    }
    app.execute("DROP TRIGGER full").await;
    assert_eq!(copy(&world, &to).await.unwrap(), Ended::Done);
}
