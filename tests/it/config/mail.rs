//! The mail server's address and password: what is understood, what is refused, and that nothing of them shows.

use daybook::config::{MailSettings, Tls};
use secrecy::ExposeSecret;

use super::World;

const FROM: &str = "[mail]\nfrom = 'Daybook <daybook@example.org>'\n";

fn mail(url: &str) -> MailSettings {
    let config = World::with(FROM).set("DAYBOOK_SMTP_URL", url).config();
    config.mail.expect("a mail server is set")
}

fn mail_mistake(url: &str) -> String {
    let world = World::with(FROM).set("DAYBOOK_SMTP_URL", url);
    let told = world.mistakes();
    let told = told.strip_prefix("environment DAYBOOK_SMTP_URL: ");
    told.expect("the variable is named").to_owned()
}

#[test]
fn every_form_of_a_mail_server_s_url_is_understood() {
    let server = |url: &str| {
        let server = mail(url).server;
        let password = server.password.map(|text| text.expose_secret().to_owned());
        (server.host, server.port, server.tls, server.user, password)
    };
    let plain = |host: &str, port, tls| (host.to_owned(), port, tls, None, None);
    assert_eq!(
        server("smtp://mail.example.org"),
        plain("mail.example.org", 587, Tls::StartTls)
    );
    assert_eq!(
        server("smtps://Mail.Example.org/"),
        plain("mail.example.org", 465, Tls::Implicit)
    );
    assert_eq!(
        server("smtp://mail.example.org:25"),
        plain("mail.example.org", 25, Tls::StartTls)
    );
    for (url, host, port) in [
        ("smtp://localhost?tls=none", "localhost", 25),
        ("smtp://127.0.0.1:1025?tls=none", "127.0.0.1", 1025),
        ("smtp://[::1]:1025/?tls=none", "::1", 1025),
    ] {
        assert_eq!(server(url), plain(host, port, Tls::None));
    }
    assert_eq!(
        server("smtp://ada%40example.org:p%40s%3As%2Fw%25%C3%BC@mail.example.org:587"),
        (
            "mail.example.org".to_owned(),
            587,
            Tls::StartTls,
            Some("ada@example.org".to_owned()),
            Some("p@s:s/w%ü".to_owned())
        )
    );
}

#[test]
fn a_wrong_mail_server_s_url_is_refused_without_a_word_of_it() {
    let form =
        "a mail server's URL is `smtp://USER@HOST:587`, or `smtps:` where TLS begins at once";
    let encoded = "in user and password an at sign is written `%40`, `/` is `%2F`, `#` is `%23`, `?` is `%3F` and `%` is `%25`";
    for (url, told) in [
        ("hunter2", format!("not the URL of a mail server: {form}")),
        (
            "smtp:hunter2",
            format!("not the URL of a mail server: {form}"),
        ),
        (
            "imap://u:hunter2@h",
            format!("`imap` is not supported: {form}"),
        ),
        (
            "smtp://",
            format!("the server's name is missing: {form}; {encoded}"),
        ),
        (
            "smtp://u:hunter2@",
            format!("empty host: {form}; {encoded}"),
        ),
        (
            "smtp://u:hunter2@h:port",
            format!("invalid port number: {form}; {encoded}"),
        ),
        (
            "smtp://u:hunt#er2@h",
            format!("invalid port number: {form}; {encoded}"),
        ),
        (
            "smtp://h/hunter2",
            format!("unexpected text after the server's name: {form}; {encoded}"),
        ),
        (
            "smtp://h#hunter2",
            format!("unexpected text after the server's name: {form}; {encoded}"),
        ),
        (
            "smtp://h?hunter2",
            format!("after the `?` only `tls=none` is known: {form}; {encoded}"),
        ),
        (
            "smtp://u:hunter2%zz@h",
            format!("a `%` stands alone: {encoded}"),
        ),
        (
            "smtp://u:hunter2%0A@h",
            "a control character in user or password".to_owned(),
        ),
        (
            "smtp://u:hunter2%ff@h",
            "user or password is not UTF-8 when `%` is resolved".to_owned(),
        ),
        (
            "smtp://u:hunter 2@h",
            format!("a space or line break in it: {form}"),
        ),
        (
            "smtp://:hunter2@h",
            format!("a password without a user: {form}"),
        ),
    ] {
        assert_eq!(mail_mistake(url), told, "{url}");
    }
}

#[test]
fn a_connection_without_tls_never_leaves_this_machine() {
    let here = "`tls=none` is only for a mail server on this machine (localhost, 127.0.0.1, ::1): leave it out, and the connection is encrypted by STARTTLS";
    for (url, told) in [
        (
            "smtps://localhost?tls=none",
            "`smtps` with `tls=none` contradicts itself: write `smtp`".to_owned(),
        ),
        ("smtp://u:hunter2@h?tls=none", here.to_owned()),
        ("smtp://localhost.example.org?tls=none", here.to_owned()),
    ] {
        assert_eq!(mail_mistake(url), told, "{url}");
    }
}

#[test]
fn the_password_may_stand_in_a_file_of_its_own() {
    let settings = |url: &str| format!("{FROM}smtp_url = '{url}'\npassword_file = 'password'\n");
    let password = |world: World| {
        let server = world.config().mail.unwrap().server;
        server.password.map(|text| text.expose_secret().to_owned())
    };
    let world = || World::with(&settings("smtp://ada@h")).file("password", "p@ss:word %\n");
    assert_eq!(password(world()), Some("p@ss:word %".to_owned()));
    let world = || world().set("DAYBOOK_SMTP_URL", "smtp://bea:own@h");
    assert_eq!(password(world()), Some("own".to_owned()));
    let elsewhere = world().set("DAYBOOK_SMTP_URL", "smtp://localhost:1025?tls=none");
    assert_eq!(password(elsewhere), None);
    let without = World::with(FROM).set("DAYBOOK_SMTP_URL", "smtp://ada@h");
    assert_eq!(
        without.config().warnings,
        [
            "environment DAYBOOK_SMTP_URL: the user `ada` has no password: set DAYBOOK_SMTP_URL with it, or write `password_file` under [mail]"
        ]
    );
}

#[cfg(unix)]
#[test]
fn a_readable_file_with_a_mail_password_or_a_secret_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let warnings = |settings: &str| {
        let world = World::with(settings).file("password", "hunter2\n");
        for name in ["daybook.toml", "password"] {
            let permissions = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(world.path(name), permissions).unwrap();
        }
        world.config().warnings
    };
    let told = |name: &str, held: &str| {
        vec![format!(
            "{name} contains {held}, and other users can read it: run `chmod 600 {name}`"
        )]
    };
    assert_eq!(
        warnings(&format!("{FROM}smtp_url = 'smtp://u:hunter2@h'\n")),
        told("daybook.toml", "a mail password")
    );
    assert_eq!(
        warnings(&format!(
            "{FROM}smtp_url = 'smtp://u@h'\npassword_file = 'password'\n"
        )),
        told("password", "a mail password")
    );
    assert_eq!(
        warnings("[[webhooks]]\nname = 'ops'\nurl = 'https://h'\nsecret = 'hunter2'\n"),
        told("daybook.toml", "a webhook's secret")
    );
    let chat = "[[webhooks]]\nname = 'chat'\nurl = 'https://h/hunter2'\nformat = ";
    assert_eq!(
        warnings(&format!("{chat}'discord'\n")),
        told("daybook.toml", "a webhook's address")
    );
    assert!(warnings(&format!("{chat}'daybook'\n")).is_empty());
    assert!(warnings(&format!("{FROM}smtp_url = 'smtp://h'\n")).is_empty());
}

#[test]
fn no_secret_shows_in_a_mistake() {
    for wrong in [
        "mail = 'smtp://u:hunter2@h'\n",
        "[mail]\nsmtp_ulr = 'smtp://u:hunter2@h'\n",
        "[mail]\nsmtp_url = 'smtp://u:hunter2@h\n",
        "[mail]\nsmtp_url = ['smtp://u:hunter2@h']\n",
        "[mail]\npassword = 'hunter2'\n",
        "[mail]\npasword = 'hunter2'\n",
        "ping = 'https://h/hunter2'\n",
        "[ping]\nurl = ['https://h/hunter2']\n",
        "[ping]\nurl = 'h/hunter2'\n",
        "[ping]\nurl = 'http://h?hunter2'\n",
        "webhooks = [{ name = 'ops', secret = 'hunter2', no = 1 }]\n",
        "webhooks = [{ name = 'ops', secret = hunter2 }]\n",
        "[[webhooks]]\nname = 'ops'\nsecret = 'hunter2\n",
        "[[webhooks]]\nname = 'ops'\nsecret = ['hunter2']\n",
        "[[webhooks]]\nname = 'ops'\n\"secret\" = [\"hunter2\"]\n",
        "[[webhooks]]\nname = 'ops'\nurl = 'https:///hunter2 '\n",
    ] {
        let error = World::with(wrong).load().unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hunter2"), "{wrong}: {told}");
    }
    for variable in [
        "DAYBOOK_SMTP_URL",
        "DAYBOOK_MAIL_FROM",
        "DAYBOOK_PUBLIC_URL",
        "DAYBOOK_PING_URL",
        "DAYBOOK_WEBHOOK_OPS_URL",
    ] {
        for value in ["hunter2", "ftp://h/hunter2", "http://h /hunter2"] {
            let error = World::with("").set(variable, value).load().unwrap_err();
            assert!(
                !format!("{error:?}").contains("hunter2"),
                "{variable}: {error}"
            );
        }
    }
}
