//! Where the file is found, and what the environment changes.

use std::path::PathBuf;
use std::time::Duration;

use daybook::config::show;
use daybook::engine::Engine;

use super::{SMALLEST, World};

#[test]
fn what_is_left_out_has_its_default() {
    let world = World::with("");
    let config = world.config();
    assert_eq!(config.name, "Daybook");
    assert_eq!(config.time_zone, chrono_tz::Europe::Zurich);
    assert_eq!(config.retention_days, 365);
    assert_eq!(config.collect.grace, Duration::from_secs(86_400));
    assert_eq!(config.collect.catch_up_days, 31);
    assert_eq!(config.collect.retry_for, None);
    assert_eq!(config.collect.max_duration, None);
    assert_eq!(config.collect.statement_timeout, Duration::from_secs(600));
    assert_eq!(config.collect.lock_timeout, Duration::from_secs(10));
    assert_eq!(config.book.url.engine(), Engine::Sqlite);
    assert_eq!(
        config.book.url.sqlite_path(),
        Some(world.path("daybook.db"))
    );
    let thresholds = config.catalog.thresholds;
    assert_eq!((thresholds.warning, thresholds.critical), (10.0, 25.0));
    assert_eq!((thresholds.min_base, thresholds.min_change), (20.0, 5.0));
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = World::with(
        "time_zone = 'UTC'\n[retention]\ndays = 30\n[collect]\nretry_for = '1m'\n[alerts]\nwarning = 5\ncritical = 50\n",
    )
    .set("DAYBOOK_TIME_ZONE", "Australia/Lord_Howe")
    .set("METRICS_RETENTION_DAYS", "90")
    .set("METRICS_ALERT_THRESHOLD_WARNING", "7.5")
    .set("METRICS_ALERT_THRESHOLD_CRITICAL", "40")
    .set("DAYBOOK_RETRY_FOR", "90s")
    .config();
    assert_eq!(config.time_zone, chrono_tz::Australia::Lord_Howe);
    assert_eq!(config.retention_days, 90);
    assert_eq!(config.catalog.thresholds.warning, 7.5);
    assert_eq!(config.catalog.thresholds.critical, 40.0);
    assert_eq!(config.collect.retry_for, Some(Duration::from_secs(90)));
}

#[test]
fn a_threshold_left_at_its_default_gives_way() {
    let thresholds = |variable, value| {
        let config = World::with("").set(variable, value).config();
        let thresholds = config.catalog.thresholds;
        (thresholds.warning, thresholds.critical)
    };
    assert_eq!(
        thresholds("METRICS_ALERT_THRESHOLD_WARNING", "40"),
        (40.0, 40.0)
    );
    assert_eq!(
        thresholds("METRICS_ALERT_THRESHOLD_CRITICAL", "5"),
        (5.0, 5.0)
    );
    assert_eq!(
        thresholds("METRICS_ALERT_THRESHOLD_CRITICAL", "0"),
        (10.0, 0.0)
    );
}

#[test]
fn a_value_may_stand_in_a_file_or_a_credential() {
    let config = World::with("[apps.shop]\n")
        .file("secret", "sqlite:from-file.db\n")
        .file("credentials/metrics_retention_days", "17\n")
        .file(
            "credentials/daybook_app_stock_database_url",
            "sqlite:stock.db",
        )
        .set("DAYBOOK_APP_SHOP_DATABASE_URL_FILE", "secret")
        .set("METRICS_RETENTION_DAYS", "18")
        .set("CREDENTIALS_DIRECTORY", "{folder}/credentials")
        .config();
    let path = |name: &str| config.app(name).unwrap().url.sqlite_path().unwrap();
    assert_eq!(path("shop"), config.directory.join("from-file.db"));
    assert_eq!(path("stock"), config.directory.join("stock.db"));
    assert_eq!(config.retention_days, 17);
}

#[test]
fn malformed_values_name_their_variable_and_come_with_the_file_s_mistakes() {
    let world = World::with("nmae = 'Beryl'\n")
        .file("empty", "\n")
        .set("METRICS_RETENTION_DAYS", "a year")
        .set("METRICS_ALERT_THRESHOLD_WARNING", "-1")
        .set("METRICS_ALERT_THRESHOLD_CRITICAL", "NaN")
        .set("DAYBOOK_RETRY_FOR", "5 minutes")
        .set("DAYBOOK_TIME_ZONE", "Zurich")
        .set("DAYBOOK_APP_DATABASE_URL", "oracle://root:hunter2@db/app")
        .set("DAYBOOK_APP_SHOP_DATABASE_URL", "")
        .set("DAYBOOK_BOOK_DATABASE_URL", "sqlite:a.db")
        .set("DAYBOOK_BOOK_DATABASE_URL_FILE", "b")
        .set("DAYBOOK_APP_STOCK_DATABASE_URL_FILE", "missing");
    assert_eq!(
        world.mistakes(),
        "\
daybook.toml:1:1: unknown key `nmae`; did you mean `name`?
  |
1 | nmae = 'Beryl'
  | ^^^^

environment DAYBOOK_TIME_ZONE: no time zone `Zurich`; did you mean `Europe/Zurich`?

environment DAYBOOK_APP_DATABASE_URL: `oracle` is not supported: a database URL is `sqlite:FILE`, or `postgres` or `mysql` with `://USER@HOST:PORT/DATABASE`

environment DAYBOOK_APP_SHOP_DATABASE_URL: set, but empty: give it a value or unset it

environment DAYBOOK_APP_STOCK_DATABASE_URL_FILE: cannot read `{folder}/missing`: No such file or directory (os error 2)

environment DAYBOOK_BOOK_DATABASE_URL_FILE: DAYBOOK_BOOK_DATABASE_URL and DAYBOOK_BOOK_DATABASE_URL_FILE are both set: keep one of them

environment DAYBOOK_RETRY_FOR: `5 minutes` is not a duration: write a whole number with its unit, such as `90s`, `5m`, `24h` or `2d`

environment METRICS_RETENTION_DAYS: `a year` is not a whole number from 1 to 36525

environment METRICS_ALERT_THRESHOLD_WARNING: `-1` is not a number of 0 or more

environment METRICS_ALERT_THRESHOLD_CRITICAL: `NaN` is not a number of 0 or more

10 errors in the configuration"
    );
}

#[test]
fn relative_paths_begin_at_the_file_or_in_the_environment_at_the_working_directory() {
    let world = World::empty()
        .file(
            "etc/daybook.toml",
            &format!("[app]\ndatabase_url = 'sqlite:app.db'\n{SMALLEST}"),
        )
        .asked_for("etc/daybook.toml");
    let config = world.config();
    assert_eq!(config.directory, world.path("etc"));
    assert_eq!(config.file, world.path("etc/daybook.toml"));
    let app = config.app("").unwrap();
    assert_eq!(app.url.sqlite_path(), Some(world.path("etc/app.db")));
    assert_eq!(app.connections, 2);
    let world = world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:app.db");
    let app = world.config().app("").unwrap().clone();
    assert_eq!(app.url.sqlite_path(), Some(world.path("app.db")));
}

#[test]
fn every_form_of_a_database_url_is_understood() {
    let path = |url: &str| {
        let world = World::with("").set("DAYBOOK_APP_DATABASE_URL", url);
        let config = world.config();
        let url = &config.app("").unwrap().url;
        let relative = url
            .sqlite_path()
            .map(|path| match path.strip_prefix(world.path("")) {
                Ok(relative) => relative.to_owned(),
                Err(_) => path.clone(),
            });
        (url.engine(), relative)
    };
    let sqlite = |name: &str| (Engine::Sqlite, Some(PathBuf::from(name)));
    assert_eq!(path("sqlite:app.db"), sqlite("app.db"));
    assert_eq!(path("sqlite://app.db"), sqlite("app.db"));
    assert_eq!(path("sqlite:///srv/app.db"), sqlite("/srv/app.db"));
    assert_eq!(path("sqlite:/srv/app.db"), sqlite("/srv/app.db"));
    assert_eq!(path("sqlite:data/app.db?mode=ro"), sqlite("data/app.db"));
    assert_eq!(path("postgres://u@h/db"), (Engine::Postgres, None));
    assert_eq!(path("postgresql://u@h/db"), (Engine::Postgres, None));
    assert_eq!(path("mysql://u@h/db"), (Engine::Mysql, None));
    assert_eq!(path("mariadb://u@h/db"), (Engine::Mysql, None));
}

#[test]
fn the_file_asked_for_wins_then_the_variable_then_the_nearest() {
    let named = |name: &str| format!("name = '{name}'\n{SMALLEST}");
    let world = World::empty()
        .file("home/.config/daybook/daybook.toml", &named("home"))
        .set("HOME", "{folder}/home");
    assert_eq!(world.config().name, "home");
    let world = world
        .file("xdg/daybook/daybook.toml", &named("xdg"))
        .set("XDG_CONFIG_HOME", "{folder}/xdg");
    assert_eq!(world.config().name, "xdg");
    let world = world.file("daybook.toml", &named("here"));
    assert_eq!(world.config().name, "here");
    let world = world
        .file("other.toml", &named("variable"))
        .set("DAYBOOK_CONFIG", "other.toml");
    assert_eq!(world.config().name, "variable");
    let world = world
        .file("asked.toml", &named("asked"))
        .asked_for("asked.toml");
    assert_eq!(world.config().name, "asked");
}

#[test]
fn without_a_file_all_tried_paths_are_named() {
    let world = World::empty().set("HOME", "/nowhere");
    assert_eq!(
        world.mistakes(),
        "\
daybook.toml: no configuration file; tried
  {folder}/daybook.toml
  /nowhere/.config/daybook/daybook.toml
  /etc/daybook/daybook.toml
name one with --config or DAYBOOK_CONFIG, create one from your database's tables with `daybook init`, or an example with `daybook demo`"
    );
    assert_eq!(
        world.asked_for("absent.toml").mistakes(),
        "absent.toml: cannot read the configuration file: No such file or directory (os error 2)"
    );
}

#[test]
fn an_app_without_a_url_is_an_error_only_when_it_is_needed() {
    let config = World::with("[apps.shop]\n").config();
    let told = |name: &str| config.app(name).unwrap_err().mistakes[0].message.clone();
    assert_eq!(
        told(""),
        "the app database has no URL: set `database_url` or `database_url_file` under `[app]`, or DAYBOOK_APP_DATABASE_URL in the environment"
    );
    assert_eq!(
        told("shop"),
        "the app database `shop` has no URL: set `database_url` or `database_url_file` under `[apps.shop]`, or DAYBOOK_APP_SHOP_DATABASE_URL in the environment"
    );
}

#[test]
fn a_database_that_only_the_environment_names_can_be_used() {
    let world = World::empty()
        .file("daybook.toml", "[tables.orders]\nname = 'orders'\ndatabase = 'shop'\n[[metrics]]\nkey = 'orders'\ntable = 'orders'\ncount = '*'\n");
    assert!(world.mistakes().contains("no app database `shop`"));
    let config = world
        .set("DAYBOOK_APP_SHOP_DATABASE_URL", "postgres://u@h/shop")
        .config();
    assert_eq!(config.app("shop").unwrap().url.engine(), Engine::Postgres);
}

#[test]
fn included_files_add_to_the_catalog_in_their_order() {
    let metric = |key: &str| format!("[[metrics]]\nkey = '{key}'\ntable = 'users'\ncount = '*'\n");
    let world = World::with("include = ['b.toml', 'more/a.toml']\n")
        .file("b.toml", &metric("second"))
        .file("more/a.toml", &metric("third"));
    let config = world.config();
    let keys: Vec<&str> = config
        .catalog
        .metrics
        .iter()
        .map(|metric| metric.key.as_str())
        .collect();
    assert_eq!(keys, ["users", "second", "third"]);
}

#[test]
fn the_catalog_s_hash_changes_with_the_catalog_only() {
    let hash = |text: &str| {
        World::empty()
            .file("daybook.toml", text)
            .config()
            .catalog_hash
    };
    let plain = hash(SMALLEST);
    assert_eq!(plain.len(), 16);
    assert_eq!(
        plain,
        hash(&format!("# a comment\nname = 'Beryl'\n{SMALLEST}"))
    );
    assert_eq!(plain, hash(&SMALLEST.replace(" = ", "  =  ")));
    assert_ne!(
        plain,
        hash(&SMALLEST.replace("name = 'users'", "name = 'people'"))
    );
    assert_ne!(plain, hash(&format!("{SMALLEST}where = 'x'\n")));
}

#[test]
fn every_setting_tells_where_it_was_set() {
    let config = World::with("name = 'Beryl'\nsince = '2025-01-01'\n\n[apps.shop]\nconnections = 3\ndatabase_url = 'postgres://u:hunter2@h/shop'\n[collect]\ngrace = '2d'\n")
        .file("book-url", "sqlite:book.db\n")
        .set("METRICS_RETENTION_DAYS", "90")
        .set("DAYBOOK_BOOK_DATABASE_URL_FILE", "book-url")
        .config();
    let shown: Vec<String> = show(&config)
        .into_iter()
        .map(|row| format!("{} = {} ({})", row.setting, row.value, row.origin))
        .collect();
    assert_eq!(
        shown,
        [
            "name = Beryl (daybook.toml:1)",
            "time_zone = Europe/Zurich (default)",
            "since = 2025-01-01 (daybook.toml:2)",
            "holidays = not set (default)",
            "app.database_url = not set (default)",
            "apps.shop.database_url = postgres://u:***@h/shop (daybook.toml:6)",
            "apps.shop.connections = 3 (daybook.toml:5)",
            "book.database_url = sqlite:book.db (environment DAYBOOK_BOOK_DATABASE_URL_FILE)",
            "collect.grace = 2d (daybook.toml:8)",
            "collect.catch_up_days = 31 (default)",
            "collect.retry_for = 5m, on a terminal 0s (default)",
            "collect.max_duration = no limit (default)",
            "collect.statement_timeout = 10m (default)",
            "collect.lock_timeout = 10s (default)",
            "retention.days = 90 (environment METRICS_RETENTION_DAYS)",
            "alerts.warning = 10 (default)",
            "alerts.critical = 25 (default)",
            "alerts.min_base = 20 (default)",
            "alerts.min_change = 5 (default)",
            "alerts.judge = usual (default)",
            "report.due = 06:30 (default)",
            "report.language = en (default)",
            "report.numbers = ch (default)",
            "report.public_url = not set (default)",
            "report.on_ambiguous = hold (default)",
            "report.give_up = 3d (default)",
            "report.recipients = not set (default)",
            "report.recipients_sql = not set (default)",
            "mail.smtp_url = not set (default)",
            &format!(
                "outbox.directory = {}/outbox (default)",
                config.directory.display()
            ),
            "ping.url = not set (default)",
            "serve.listen = 127.0.0.1:8321 (default)",
            "serve.token = not set (default)",
            "serve.user = admin (default)",
            "serve.password = not set (default)",
            "serve.proxy_header = not set (default)",
            "serve.address_header = not set (default)",
            "serve.proxies = 127.0.0.1, ::1 (default)",
            "serve.hosts = not set (default)",
            "prometheus.prefix = daybook (default)",
        ]
    );
}
