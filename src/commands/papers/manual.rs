//! The man page's texts that the command line's definition lacks.

pub(super) const DESCRIPTION: &[&str] = &[
    "Daybook counts what happens in your application. It reads the application's database, never changes it, stores one row of numbers for each calendar day in a book of its own and mails what changed. The catalog in its configuration file says what is counted.",
    "Every night a scheduler runs `daybook collect --date yesterday --send-email`. Running it again does nothing: a complete day stays as it is. In between, look at `daybook serve` in a browser or `daybook top` in a terminal; monitoring systems read /metrics.",
    "Data goes to standard output, messages to standard error. Daybook refuses a password on the command line.",
];

pub(super) const LISTS: &[(&str, &[(&str, &str)])] = &[
    ("EXIT STATUS", EXIT_STATUS),
    ("ENVIRONMENT", ENVIRONMENT),
    ("FILES", FILES),
];

const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "Done."),
    (
        "1",
        "Failed; also if only some metrics failed and the others are stored, or if the doctor found an error.",
    ),
    ("2", "The command line or a date is wrong."),
    ("69", "A database is unavailable."),
    (
        "75",
        "Stored, but not everything was delivered; the next run with --send-email tries again.",
    ),
    ("78", "The configuration is wrong."),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "DAYBOOK_CONFIG",
        "The configuration file, unless --config names one.",
    ),
    (
        "DAYBOOK_APP_DATABASE_URL",
        "The application's database. Like every DAYBOOK_ and METRICS_ variable below, it overrides the configuration file, and can also be read from the file named by DAYBOOK_APP_DATABASE_URL_FILE or from a systemd credential of the same name in lower case.",
    ),
    (
        "DAYBOOK_APP_NAME_DATABASE_URL",
        "The app database that the configuration calls `name`.",
    ),
    (
        "DAYBOOK_BOOK_DATABASE_URL",
        "The book, such as sqlite:/var/lib/daybook/daybook.db.",
    ),
    (
        "DAYBOOK_TIME_ZONE",
        "The IANA time zone in which days begin and end.",
    ),
    (
        "DAYBOOK_RETRY_FOR",
        "How long to retry an unreachable database, such as 5m.",
    ),
    ("METRICS_RETENTION_DAYS", "How many days to keep."),
    (
        "METRICS_ALERT_THRESHOLD_WARNING, METRICS_ALERT_THRESHOLD_CRITICAL",
        "The changes that alert, in percent.",
    ),
    (
        "DAYBOOK_SMTP_URL, DAYBOOK_MAIL_FROM",
        "The mail server, whose URL may hold the password, and the sender.",
    ),
    (
        "DAYBOOK_REPORT_RECIPIENTS",
        "The recipients of the report, separated by commas.",
    ),
    (
        "DAYBOOK_PUBLIC_URL",
        "The dashboard's address for readers of the report.",
    ),
    (
        "DAYBOOK_WEBHOOK_NAME_URL, DAYBOOK_WEBHOOK_NAME_SECRET",
        "The webhook that the configuration calls `name`, and its secret: what signs its messages, or the service's token or key.",
    ),
    (
        "DAYBOOK_PING_URL",
        "A health check that alerts when it is not called.",
    ),
    (
        "DAYBOOK_SERVE_LISTEN, DAYBOOK_SERVE_TOKEN, DAYBOOK_SERVE_PASSWORD",
        "Where the dashboard listens, and who may read it.",
    ),
    (
        "DAYBOOK_LIVE_TOKEN_NAME",
        "The secret of the token for live events that the configuration calls `name`.",
    ),
    (
        "METRICS_DATABASE, METRICS_LOG_FILE, ENABLE_METRICS",
        "The file of live events, their log, and whether they are kept.",
    ),
    (
        "METRICS_REDIS_URL, REDIS_URL",
        "The Redis server where several processes meet. Without a URL: REDIS_HOST, REDIS_PORT, REDIS_PASSWORD, REDIS_DB.",
    ),
    (
        "REDIS_CONNECT_TIMEOUT, REDIS_RETRY_STRATEGY, REDIS_MAX_RETRIES_PER_REQUEST",
        "How long connecting may take in milliseconds, and how often it and a batch are tried until that is said.",
    ),
    (
        "REDIS_BATCH_WRITE_INTERVAL_MS, REDIS_METRICS_RETENTION_DAYS",
        "How long events wait at most before they are forwarded, and for how many days samples of hosts are kept there.",
    ),
    (
        "METRICS_REDIS_STREAM, METRICS_REDIS_STREAM_MAXLEN, METRICS_REDIS_STREAM_APPROX, METRICS_REDIS_PREFIX",
        "The stream of scans, how many events it keeps and whether roughly, and what the keys of scans begin with.",
    ),
    (
        "CREDENTIALS_DIRECTORY",
        "The folder with secrets as files; systemd sets it for LoadCredential=.",
    ),
    (
        "COLUMNS, NO_COLOR",
        "The width of the output; if not empty, no colours.",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "./daybook.toml, $XDG_CONFIG_HOME/daybook/daybook.toml, ~/.config/daybook/daybook.toml, /etc/daybook/daybook.toml",
        "The configuration: the first that exists. Paths in it are relative to its folder.",
    ),
    (
        "daybook.db",
        "The book, beside the configuration unless that says otherwise. While it is open, it includes files ending in -wal and -shm; its locks are beside it.",
    ),
    (
        "outbox/",
        "Reports as files, beside the configuration, if no mail server is set.",
    ),
];

pub(super) const SEE_ALSO: &[&str] =
    &["crontab(5), systemd.timer(5), systemd.exec(5), promtool(1)"];
