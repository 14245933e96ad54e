//! Whatever database the application has, its numbers reach a book on this server as plain SQL says they are.

use daybook::commands::Ended;
use daybook::config::DatabaseUrl;

use crate::world::App;
use crate::{book_copy, mariadb, postgres, team, truth};

async fn apps(folder: &tempfile::TempDir, name: &str) -> [App; 3] {
    [
        App::Sqlite(folder.path().join(name)),
        postgres::database().await,
        mariadb::database().await,
    ]
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn four_hard_days_of_every_kind_of_app() {
    let folder = tempfile::tempdir().expect("a folder");
    for app in apps(&folder, "beryl.db").await {
        truth::of_nights(&app).await;
    }
}

// The longest of all tests: each kind by itself, so that they can run side by side.

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn past_days_of_an_app_in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    truth::of_the_past(&App::Sqlite(folder.path().join("beryl.db"))).await;
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn past_days_of_an_app_in_postgresql() {
    truth::of_the_past(&postgres::database().await).await;
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn past_days_of_an_app_in_mariadb() {
    truth::of_the_past(&mariadb::database().await).await;
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn money_and_measures_of_every_kind_of_app() {
    let folder = tempfile::tempdir().expect("a folder");
    for app in apps(&folder, "team.db").await {
        team::of_nights(&app).await;
    }
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn a_book_on_this_server_moves_to_every_kind_of_place() {
    let mut world = book_copy::told().await;
    let before = book_copy::shown(&world);
    let home = world.book_url();
    let folder = tempfile::tempdir().expect("a folder");
    for place in apps(&folder, "book.db").await {
        let url = DatabaseUrl::parse(&place.url(), folder.path()).expect("a URL");
        world.set("DAYBOOK_BOOK_DATABASE_URL", home.expose());
        let copied = book_copy::copy(&world, &url).await;
        assert_eq!(copied.expect("a copy"), Ended::Done);
        world.set("DAYBOOK_BOOK_DATABASE_URL", url.expose());
        assert_eq!(book_copy::shown(&world), before, "{url}");
    }
}
