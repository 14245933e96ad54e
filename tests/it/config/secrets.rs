//! A password never shows, whatever is wrong around it.

use daybook::config::show;

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
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hunter2"), "{told}");
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
        ["daybook.toml holds a database password and others can read it: `chmod 600 daybook.toml`"]
    );
    assert_eq!(with_mode(0o640, secret).len(), 1);
    assert!(with_mode(0o600, secret).is_empty());
    assert!(with_mode(0o644, "postgres://u@h/db").is_empty());
}
