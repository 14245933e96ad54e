//! What the doctor finds about ways out, secrets, disks and the dashboard's door.

use std::os::unix::fs::PermissionsExt;

use daybook::book::FreeSpace;
use daybook::operate::doctor::disk_space::judge;

use super::{NOW, SETTINGS, after_a_night, complaints, told_of};
use crate::certificates::Authority;
use crate::http_server::{Act, Server};

#[tokio::test]
async fn an_outbox_that_cannot_be_written_is_an_error_before_the_first_report() {
    let (world, _app) = after_a_night(&format!(
        "{SETTINGS}\n[outbox]\ndirectory = \"papers/out\"\n"
    ))
    .await;
    let folder = world.path("papers/out").display().to_string();
    let told = told_of("outbox", &world, NOW).await;
    assert_eq!(
        told,
        [format!(
            "ok outbox: the first report creates the folder {folder}"
        )]
    );
    assert!(!world.path("papers").exists());
    world.write("papers", "a file where a folder should be");
    let file = world.path("papers").display().to_string();
    let expected = format!("error outbox: {folder} cannot hold reports: {file} is not a folder");
    assert_eq!(complaints(&world, NOW).await, [expected]);
}

#[tokio::test]
async fn webhooks_and_the_health_check_are_reached_and_asked_nothing() {
    let authority = Authority::new();
    let answer = || vec![Act::answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")];
    let good = Server::tls(authority.identity("localhost"), answer()).await;
    let expired = Server::tls(authority.until("localhost", 2001), answer()).await;
    let plain = Server::plain(answer()).await;
    let ways = format!(
        r#"
        [[webhooks]]
        name = "good"
        url = "https://localhost:{}/geheimnis"
        ca_file = "authority.pem"

        [[webhooks]]
        name = "expired"
        url = "https://localhost:{}/geheimnis"
        ca_file = "authority.pem"

        [[webhooks]]
        name = "muddled"
        url = "https://localhost:{}/geheimnis"
        ca_file = "authority.pem"

        [[webhooks]]
        name = "strange"
        url = "https://localhost:{}/geheimnis"

        [[webhooks]]
        name = "phone"
        format = "ntfy"
        url = "https://localhost:{}/geheimnis"
        ca_file = "authority.pem"

        [ping]
        url = "http://127.0.0.1:1/geheimnis"
        "#,
        good.port, expired.port, plain.port, good.port, good.port
    );
    let (world, _app) = after_a_night(&format!("{SETTINGS}{ways}")).await;
    world.write("authority.pem", authority.pem());
    let told = told_of("webhooks", &world, NOW).await;
    let port = good.port;
    assert_eq!(
        told,
        [
            format!("ok webhooks: webhook good: localhost:{port} can be reached, its certificate is valid until 2090-12-31 (23828 days)"),
            "error webhooks: webhook expired: no safe connection to localhost: its certificate has expired: renew it".to_owned(),
            told[2].clone(),
            "error webhooks: webhook strange: no safe connection to localhost: its certificate is signed by no authority that this machine trusts: set `ca_file` to the authority's certificate".to_owned(),
            format!("ok webhooks: webhook phone: localhost:{port} can be reached, its certificate is valid until 2090-12-31 (23828 days)"),
        ]
    );
    assert!(
        told[2].starts_with("error webhooks: webhook muddled: "),
        "{}",
        told[2]
    );
    let soon = told_of("webhooks", &world, "2090-12-20T00:00:00Z").await;
    assert!(
        soon[0].starts_with("warning ") && soon[0].ends_with("(11 days)"),
        "{}",
        soon[0]
    );
    let ping = told_of("ping", &world, NOW).await;
    assert!(
        ping[0].starts_with("error ping: the health check: cannot connect to 127.0.0.1:"),
        "{ping:?}"
    );
    let asked = [&good, &expired, &plain].map(|server| server.asked().len());
    // Where TLS was meant, its greeting is all that a plain server hears.
    assert!(asked[..2] == [0, 0], "{asked:?}");
    assert!(!format!("{told:?}{ping:?}").contains("geheimnis"));
}

#[tokio::test]
async fn secrets_that_others_could_read_are_warnings_wherever_they_stand() {
    let token = "a token of many letters";
    let (mut world, _app) =
        after_a_night(&format!("{SETTINGS}\n[serve]\ntoken = \"{token}\"\n")).await;
    world.write("password", "long enough to be one");
    std::fs::create_dir(world.path("credentials")).unwrap();
    world.write(
        "credentials/daybook_smtp_url",
        "smtp://ada:s3cretly@127.0.0.1:1?tls=none",
    );
    let credentials = world.path("credentials").display().to_string();
    world.set("DAYBOOK_SERVE_PASSWORD_FILE", "password");
    world.set("CREDENTIALS_DIRECTORY", &credentials);
    world.set("DAYBOOK_MAIL_FROM", "daybook@example.org");
    world.set(
        "DAYBOOK_APP_DATABASE_URL",
        "postgres://ada:s3cretly@127.0.0.1:1/app",
    );
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(world.path(name), PermissionsExt::from_mode(mode)).unwrap();
    };
    mode("daybook.toml", 0o644);
    mode("password", 0o640);
    let named = |name: &str| world.path(name).display().to_string();
    let expected = [
        "ok secrets: the variable DAYBOOK_APP_DATABASE_URL holds a database password".to_owned(),
        format!(
            "ok secrets: the credential {} holds a mail password",
            named("credentials/daybook_smtp_url")
        ),
        format!(
            "warning secrets: {} holds the dashboard's token, mode 0644",
            named("daybook.toml")
        ),
        format!(
            "warning secrets: {} holds the dashboard's password, mode 0640",
            named("password")
        ),
    ];
    assert_eq!(told_of("secrets", &world, NOW).await, expected);
    // Said once, not again as a warning of the settings.
    assert_eq!(told_of("settings", &world, NOW).await.len(), 1);
    mode("daybook.toml", 0o600);
    mode("password", 0o400);
    let told = told_of("secrets", &world, NOW).await;
    assert!(told.iter().all(|line| line.starts_with("ok ")), "{told:?}");
    assert_eq!(told.len(), 4);
}

#[tokio::test]
async fn a_dashboard_for_everybody_needs_a_guard() {
    let serving = |more: &str| format!("{SETTINGS}\n[serve]\nlisten = \"0.0.0.0:8321\"\n{more}\n");
    let (open, _app) = after_a_night(&serving("")).await;
    let expected = "error serve: the dashboard listens on 0.0.0.0:8321, without access control";
    assert_eq!(complaints(&open, NOW).await, [expected]);
    let (guarded, _app) = after_a_night(&serving("proxy_header = \"X-Forwarded-User\"")).await;
    assert_eq!(complaints(&guarded, NOW).await, [""; 0]);
}

#[test]
fn a_disk_that_fills_is_told_in_time() {
    let judged = |bytes: u64, files: Option<u64>, book: u64| {
        let finding = judge("the book", FreeSpace { bytes, files }, book);
        format!("{}: {}", finding.level.word(), finding.what)
    };
    const MB: u64 = 1_000_000;
    assert_eq!(
        judged(100 * MB, Some(1000), MB),
        "ok: 100.0 MB are left on the disk of the book"
    );
    assert_eq!(
        judged(100 * MB - 100_000, None, MB),
        "warning: 99.9 MB are left on the disk of the book"
    );
    assert_eq!(
        judged(190 * MB, None, 20 * MB),
        "warning: 190.0 MB are left on the disk of the book"
    );
    assert_eq!(
        judged(10 * MB, None, MB),
        "warning: 10.0 MB are left on the disk of the book"
    );
    assert_eq!(
        judged(9 * MB, None, MB),
        "error: 9.0 MB are left on the disk of the book"
    );
    assert_eq!(
        judged(500 * MB, Some(0), MB),
        "error: no more files fit on the disk of the book"
    );
    assert_eq!(
        judged(500 * MB, Some(999), MB),
        "warning: only 999 more files fit on the disk of the book"
    );
}
