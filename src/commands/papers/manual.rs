//! What the man page says beyond the command line's definition.

pub(super) const DESCRIPTION: &[&str] = &[
    "Daybook reads an application's database, which it never changes, writes one row of numbers for each calendar day into a book of its own, and mails what changed. What is counted stands in its configuration file, the catalog.",
    "Every night a scheduler runs `daybook collect --date yesterday --send-email`; running it again does nothing, because a complete day stays as it is. In between people look: `daybook serve` in a browser, `daybook top` in a terminal, and monitoring systems at /metrics.",
    "Data goes to standard output, words to standard error. A password never belongs on the command line: it is refused there.",
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
        "Failed; also when only some metrics did and the others are stored, and when the doctor found what must be mended.",
    ),
    ("2", "The command line is wrong."),
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
        "The configuration file, where --config names none.",
    ),
    (
        "DAYBOOK_APP_DATABASE_URL",
        "The application's database. Like each DAYBOOK_ and METRICS_ variable below it wins over the configuration file, and can come from a file, which DAYBOOK_APP_DATABASE_URL_FILE names, or from a systemd credential of the same name in lower case.",
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
        "The IANA zone that decides when a day begins.",
    ),
    (
        "DAYBOOK_RETRY_FOR",
        "How long an unreachable database is tried again, such as 5m.",
    ),
    (
        "METRICS_RETENTION_DAYS",
        "How many days of entries are kept.",
    ),
    (
        "METRICS_ALERT_THRESHOLD_WARNING, METRICS_ALERT_THRESHOLD_CRITICAL",
        "From which change on a metric deserves attention, in percent.",
    ),
    (
        "DAYBOOK_SMTP_URL, DAYBOOK_MAIL_FROM",
        "The mail server, whose URL may hold the password, and the sender.",
    ),
    (
        "DAYBOOK_REPORT_RECIPIENTS",
        "Who gets the report, with commas between addresses.",
    ),
    (
        "DAYBOOK_PUBLIC_URL",
        "Where readers of the report find the dashboard.",
    ),
    (
        "DAYBOOK_WEBHOOK_NAME_URL, DAYBOOK_WEBHOOK_NAME_SECRET",
        "The webhook that the configuration calls `name`, and what signs its messages.",
    ),
    (
        "DAYBOOK_PING_URL",
        "A health check that raises the alarm when it hears nothing.",
    ),
    (
        "DAYBOOK_SERVE_LISTEN, DAYBOOK_SERVE_TOKEN, DAYBOOK_SERVE_PASSWORD",
        "Where the dashboard listens, and who may read it.",
    ),
    (
        "CREDENTIALS_DIRECTORY",
        "Where secrets lie as files, as systemd sets it for LoadCredential=.",
    ),
    (
        "COLUMNS, NO_COLOR",
        "The width to write for; not empty: no colours.",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "./daybook.toml, $XDG_CONFIG_HOME/daybook/daybook.toml, ~/.config/daybook/daybook.toml, /etc/daybook/daybook.toml",
        "The configuration: the first that exists. Paths inside it are relative to it.",
    ),
    (
        "daybook.db",
        "The book, beside the configuration unless that says otherwise. While it is open, files ending in -wal and -shm belong to it; its locks lie beside it.",
    ),
    (
        "outbox/",
        "Reports as files, beside the configuration, where no mail server is set.",
    ),
];

pub(super) const SEE_ALSO: &[&str] =
    &["crontab(5), systemd.timer(5), systemd.exec(5), promtool(1)"];
