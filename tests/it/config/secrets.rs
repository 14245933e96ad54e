//! A password never shows, whatever is wrong around it.

use std::path::Path;

use daybook::commands::without_passwords;
use daybook::config::{DatabaseUrl, show};
use proptest::prelude::*;
use proptest::sample::select;

use super::World;

const PASSWORD: &str = "hun:ter@2'";

#[test]
fn a_password_shows_in_no_listing_and_no_debug_output() {
    let url = format!("postgres://daybook:{PASSWORD}@db.example.org/app?sslmode=require");
    let config = World::with(
        "[apps.shop]\ndatabase_url = 'postgres://h/shop?user=u&password=hunter2&port=1'\n",
    )
    .set("DAYBOOK_APP_DATABASE_URL", &url)
    .set("DAYBOOK_APP_FORUM_DATABASE_URL", &url)
    .config();
    assert_eq!(config.app("").unwrap().url.expose(), url);
    let shown = serde_json::to_string(&show(&config)).unwrap();
    let everything = format!("{config:#?} {} {shown}", config.apps["forum"].url);
    assert!(everything.contains("postgres://daybook:***@db.example.org/app?sslmode=require"));
    assert!(everything.contains("postgres://h/shop?user=u&password=***&port=1"));
    assert!(!everything.contains("hunter2"));
    assert!(!everything.contains("ter@2"));
}

#[test]
fn a_password_shows_in_no_mistake() {
    let url = "postgres://daybook:hunter2@db/app";
    for wrong in [
        format!("[app]\ndatabase_ulr = '{url}'\n"),
        format!("[app]\nconnections = '{url}'\n"),
        format!("[app]\ndatabase_url = ['{url}']\n"),
        format!("[app]\ndatabase_url = '{url}\n"),
        format!("[app]\ndatabase_url = {url}\n"),
        format!(
            "[app]\ndatabase_url = '{}'\n",
            url.replace("postgres", "oracle")
        ),
        "[app]\ndatabase_url = 'oracle:u:hunter2@h'\n".to_owned(),
        format!("[app]\ndatabase_url = '{url}'\ndatabase_url_file = 'x'\n"),
        format!("[app]\ndatabase_url = '{url}'\ndatabase_url = '{url}'\n"),
        format!("app = {{ database_url = '{url}', conections = 2 }}\n"),
        format!("[collect]\ngrace = '{url}'\n"),
        format!("time_zone = '{url}'\n"),
    ] {
        let error = World::with(&wrong).load().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    for variable in [
        "DAYBOOK_TIME_ZONE",
        "METRICS_RETENTION_DAYS",
        "DAYBOOK_RETRY_FOR",
    ] {
        let error = World::with("").set(variable, url).load().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn the_caret_stands_right_behind_a_hidden_password() {
    let world = World::with(
        "app = { database_url = 'postgres://u:a-very-long-password@h/db', conections = 2 }\n",
    );
    assert_eq!(
        world.mistakes(),
        "\
daybook.toml:1:49: unknown key `conections`; did you mean `connections`?
  |
1 | app = { database_url = 'postgres://u:***@h/db', conections = 2 }
  |                                                 ^^^^^^^^^^"
    );
}

/// Every place of a URL where a password is meant to stand; `{}` is the password.
const PLACES: [&str; 20] = [
    "://u:{}@h/db",
    "://:{}@h:5432/db?sslmode=require",
    "://u:{}@h/db?application_name=me@here",
    "://h/db?password={}",
    "://u@h:5432/db?user=u&password={}&sslmode=require",
    "://h/db?PassWord={}",
    "://h/db?%70assword={}",
    "://h/db?pass%77ord={}&port=1",
    "://h/db?options[password]={}",
    "://h/db?sslmode=require&options[password]={}",
    "://h/db?options%5Bpassword%5D={}",
    "://h/db?options%5b%70assword%5d={}",
    "://h/db?options=-c%20password%3D{}",
    "://h/db?options=-c password={}",
    "://h/db?sslpassword={}",
    "://h/db?passwd={}",
    "://h/db?pwd={}#part",
    "://h/db?password%3D{}",
    "://h/db?secret={}&token={}",
    "://u:{}@h/db?password={}",
];

proptest! {
    #[test]
    fn no_password_of_any_url_shows_whatever_stands_around_it(
        place in select(&PLACES[..]),
        scheme in select(&["postgres", "postgresql", "mysql", "mariadb"][..]),
        middle in "[-a-z0-9 !$'\"()*,;:@/?#=%+~`\\[\\]ä]{0,12}",
    ) {
        let password = format!("Geheim{middle}nisvoll");
        let url = format!("{scheme}{}", place.replace("{}", &password));
        let parsed = DatabaseUrl::parse(&url, Path::new("/")).unwrap();
        let refused = without_passwords([format!("--to={url}")].into_iter());
        let config = World::with("").set("DAYBOOK_APP_DATABASE_URL", &url).config();
        let shown = serde_json::to_string(&show(&config)).unwrap();
        let mistake = World::with(&format!("[app]\ndatabase_ulr = '''{url}'''\n")).load();
        let shown = format!(
            "{parsed} {parsed:?} {} {shown} {config:?} {}",
            refused.unwrap_err(),
            mistake.unwrap_err()
        );
        prop_assert!(parsed.has_password());
        // Longer than a temporary folder's name, which may hold any few letters.
        prop_assert!(!shown.contains("Geheim") && !shown.contains("nisvoll"), "{}", shown);
    }
}

#[test]
fn a_url_without_a_password_shows_whole() {
    for url in [
        "postgres://u@h:5432/db?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgres:///db?host=/run/postgresql&user=u&application_name=compass",
        "postgres://h/db?options[search_path]=daybook&options=-c%20work_mem%3D4MB",
        "mysql://u@h/db?ssl-mode=REQUIRED&charset=utf8mb4",
        "sqlite:/srv/passes/app.db?mode=ro",
    ] {
        let parsed = DatabaseUrl::parse(url, Path::new("/")).unwrap();
        assert_eq!(parsed.to_string(), url);
        assert!(!parsed.has_password());
        assert!(without_passwords([url.to_owned()].into_iter()).is_ok());
    }
}

#[test]
fn a_url_with_a_line_break_or_a_tab_within_it_is_refused_and_not_repeated() {
    for url in [
        "postgres://u:hun\nter@h/db",
        "postgres://h/db?pass\tword=hunter",
        "mysql://u:hunter\r@h/",
    ] {
        let refused = DatabaseUrl::parse(url, Path::new("/")).unwrap_err();
        assert_eq!(
            refused,
            "a database URL has no line breaks, tabs or other control characters"
        );
    }
    let trimmed = DatabaseUrl::parse("postgres://u@h/db\n", Path::new("/")).unwrap();
    assert_eq!(trimmed.expose(), "postgres://u@h/db");
}

#[cfg(unix)]
#[test]
fn a_readable_file_with_a_password_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let with_mode = |mode: u32, url: &str| {
        let world = World::with(&format!("[app]\ndatabase_url = '{url}'\n"));
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(world.path("daybook.toml"), permissions).unwrap();
        world.config().warnings
    };
    let secret = "postgres://u:hunter2@h/db";
    assert_eq!(
        with_mode(0o644, secret),
        [
            "daybook.toml contains a database password, and other users can read it: run `chmod 600 daybook.toml`"
        ]
    );
    assert_eq!(with_mode(0o640, secret).len(), 1);
    assert!(with_mode(0o600, secret).is_empty());
    assert!(with_mode(0o644, "postgres://u@h/db").is_empty());
}
