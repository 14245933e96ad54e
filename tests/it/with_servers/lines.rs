//! The line to a server: whose certificate is believed, and whose is not.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::commands::Ended;
use daybook::operate::doctor::{Level, examine};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::certificates::Authority;
use crate::world::{App, World, instant};
use crate::{mariadb, postgres};

const NOW: &str = "2025-10-04T06:00:00Z";

const SETTINGS: &str = r#"
    [tables.users]
    name = "users"
    created_at = "joined"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"
"#;

/// A server that shows a certificate for 127.0.0.1, and a folder with that of its authority and of another one.
struct Certified {
    server: App,
    folder: tempfile::TempDir,
}

impl Certified {
    async fn each() -> [Self; 2] {
        let authority = Authority::new();
        let identity = authority.identity("127.0.0.1");
        let all = [
            postgres::certified(&identity).await,
            mariadb::certified(&identity).await,
        ];
        let made = all.map(|server| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
            std::fs::write(folder.path().join("other.pem"), Authority::new().pem()).unwrap();
            Self { server, folder }
        });
        for one in &made {
            one.server
                .execute("CREATE TABLE users (joined timestamp NOT NULL); INSERT INTO users VALUES ('2025-10-01 08:00:00'), ('2025-10-03 08:00:00')")
                .await;
        }
        made
    }

    /// Reached by this name, believing who is signed by this authority.
    fn url(&self, host: &str, authority: &str) -> String {
        let url = self.server.url().replace("127.0.0.1", host);
        let authority = self.folder.path().join(authority);
        let authority = authority.display();
        match &self.server {
            App::Mysql(_) => format!("{url}?ssl-mode=VERIFY_IDENTITY&ssl-ca={authority}"),
            _ => format!("{url}?sslmode=verify-full&sslrootcert={authority}"),
        }
    }
}

fn world(app: &str, book: Option<&str>) -> World {
    let mut world = World::new(NOW, SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", app);
    if let Some(book) = book {
        world.set("DAYBOOK_BOOK_DATABASE_URL", book);
    }
    // Whoever is refused is told at once.
    world.set("DAYBOOK_RETRY_FOR", "1h");
    world
}

const COLLECT: [&str; 4] = ["collect", "--date", "2025-10-03", "--quiet"];

#[tokio::test]
async fn a_server_that_shows_who_it_is_keeps_the_app_and_the_book() {
    for certified in Certified::each().await {
        let url = certified.url("127.0.0.1", "ca.pem");
        let world = world(&url, Some(&url));
        assert_eq!(world.command(&COLLECT).await.unwrap(), Ended::Done);
        assert_eq!(world.value("2025-10-03", "users").await, json!(2));
        let findings = examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
        for line in [
            "the connection to the app database is encrypted",
            "the connection to the book is encrypted",
        ] {
            let found = findings.iter().find(|one| one.what == line);
            let found = found.unwrap_or_else(|| panic!("{findings:#?}"));
            assert_eq!(found.level, Level::Ok);
        }
    }
}

/// This machine too, but so written it is taken for another one.
#[tokio::test]
async fn a_far_server_that_need_not_prove_who_it_is_is_warned_of() {
    for certified in Certified::each().await {
        let url = certified.server.url().replace("127.0.0.1", "LOCALHOST");
        let (url, advice) = match &certified.server {
            App::Mysql(_) => (format!("{url}?ssl-mode=REQUIRED"), "VERIFY_IDENTITY"),
            _ => (format!("{url}?sslmode=require"), "verify-full"),
        };
        let world = world(&url, Some(&url));
        assert_eq!(world.command(&COLLECT).await.unwrap(), Ended::Done);
        let findings = examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
        for called in ["the app database", "the book"] {
            let line =
                format!("the connection to {called} is encrypted, but the server is not verified");
            let found = findings.iter().find(|one| one.what == line);
            let found = found.unwrap_or_else(|| panic!("{findings:#?}"));
            assert_eq!(found.level, Level::Warning);
            assert!(found.advice.contains(advice), "{found:?}");
        }
    }
}

#[tokio::test]
async fn whoever_is_signed_by_others_or_has_another_name_gets_nothing() {
    for certified in Certified::each().await {
        for (host, authority, why) in [
            (
                "127.0.0.1",
                "other.pem",
                "the server's certificate is not accepted (UnknownIssuer): ",
            ),
            (
                "localhost",
                "ca.pem",
                "the server's certificate is not accepted (certificate not valid for name \"localhost\"",
            ),
            ("127.0.0.1", "nobody.pem", "/nobody.pem, which `ssl"),
        ] {
            let bad = certified.url(host, authority);
            let good = certified.url("127.0.0.1", "ca.pem");
            for world in [world(&bad, None), world(&good, Some(&bad))] {
                let refused = world.command(&COLLECT).await.unwrap_err();
                assert_eq!(refused.exit_code(), 69, "{refused}");
                let told = refused.to_string();
                assert!(told.contains(why), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_asked_for() {
    let plain = postgres::database().await.url();
    let world = world(&format!("{plain}?sslmode=require"), None);
    let refused = world.command(&COLLECT).await.unwrap_err();
    assert_eq!(refused.exit_code(), 69);
    let told = refused.to_string();
    assert!(told.ends_with(": server does not support TLS"), "{told}");
}
