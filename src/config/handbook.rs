//! The configuration as a page for people: metrics, commands, recipients and the dashboard.

use std::fmt::Write;

use crate::catalog::{handbook, series};

use super::Config;

/// The whole page in Markdown. Addresses of readers, users and passwords stay out.
pub fn page(config: &Config) -> String {
    [
        overview(config),
        handbook::metrics(&config.catalog),
        RUNNING.to_owned(),
        reports(config),
        dashboard(config),
        monitoring(config),
    ]
    .concat()
}

fn overview(config: &Config) -> String {
    let catalog = &config.catalog;
    format!(
        "\
# {name}: daily metrics

This page is made from the configuration by `daybook config metrics`. Change the configuration, not this page.

## Overview

Every night Daybook reads the database of {name} and stores one row for the day that has ended: {metrics} metrics in
{sections} sections. Days begin at midnight in {zone} and are kept for {days} days. Each day is compared with those of
1, 7 and 30 days before, and the report says what changed.
",
        name = config.name,
        metrics = catalog.shown().count(),
        sections = catalog.sections().len(),
        zone = config.time_zone.name(),
        days = config.retention_days,
    )
}

const RUNNING: &str = "
## Running manually

Once a night, from cron or a timer:

    daybook collect --date yesterday --send-email   # count the day, store it, send its report
    daybook collect --catch-up --send-email         # whatever is missing, days and reports alike

By hand:

    daybook collect                                 # today so far, as of now
    daybook collect --date 2026-11-20 --force       # count a stored day again
    daybook collect --from 2026-01-01 --to yesterday
    daybook show                                    # the newest complete day
    daybook explain KEY                             # how a metric is counted
    daybook verify --date yesterday                 # recount metric by metric and compare
    daybook doctor                                  # what is wrong, what it means, what to do
";

fn reports(config: &Config) -> String {
    let report = &config.report;
    let mut text = "\n## Email reports\n".to_owned();
    let listed = match report.recipients.len() {
        0 => None,
        1 => Some("the address in `recipients` under `[report]`".to_owned()),
        many => Some(format!(
            "the {many} addresses in `recipients` under `[report]`"
        )),
    };
    let found = report
        .recipients_query
        .as_ref()
        .map(|_| "the addresses this query on the application's database returns:".to_owned());
    let readers: Vec<String> = listed.into_iter().chain(found).collect();
    let readers = match readers.is_empty() {
        true => "nobody yet: set `recipients` or `recipients_sql` under `[report]`.".to_owned(),
        false => readers.join(" and "),
    };
    let end = if readers.ends_with([':', '.']) {
        ""
    } else {
        "."
    };
    writeln!(text, "\nThe report goes to {readers}{end}").expect(TAKES_ALL);
    if let Some(query) = &report.recipients_query {
        let lines = query.sql.trim().lines();
        let lines: Vec<String> = lines.map(|line| format!("    {line}\n")).collect();
        write!(text, "\n{}", lines.concat()).expect(TAKES_ALL);
    }
    let sending = match &config.mail {
        Some(mail) => format!(
            "It is sent from {} through {}:{}.",
            mail.from.address, mail.server.host, mail.server.port
        ),
        None => "No mail server is set: reports are written to `outbox/`, or to `directory` under `[outbox]`. To send them, \
                 set `smtp_url` and `from` under `[mail]`."
            .to_owned(),
    };
    let due = report.due.format("%H:%M");
    write!(
        text,
        "\n{sending} The report is due by {due}.

    daybook report --format html --output report.html   # the newest report, to look at
    daybook send --test --to ada@example.org            # send a short test message
    daybook deliveries                                  # deliveries and the server's responses
    daybook send --date 2026-11-20 --to ada@example.org # send a report again
"
    )
    .expect(TAKES_ALL);
    text
}

fn dashboard(config: &Config) -> String {
    let address = match &config.report.public_url {
        Some(url) => format!("<{url}>"),
        None => format!(
            "<http://{}/sys/metrics>; `?date=2026-11-20` shows a day",
            config.serve.listen
        ),
    };
    format!(
        "
## Dashboard

    daybook serve

shows the days at {address}. `daybook top` shows them in a terminal.
"
    )
}

fn monitoring(config: &Config) -> String {
    let prefix = &config.prometheus.prefix;
    let mut text = format!(
        "
## Prometheus and Grafana

`daybook serve` exports the newest day at `/metrics` and `/sys/metrics/prometheus`; without it
`daybook export --format prometheus --output FILE.prom` writes a file for node_exporter. An unknown number is absent
there, never 0. Names of Daybook's own series, such as the age of the numbers and the severity of alerts, begin
with `{prefix}_`.

    daybook grafana > dashboard.json   # a dashboard made of this catalog
    daybook grafana --api              # the same for Grafana's HTTP API, `POST /api/dashboards/db`

| Metric | Series |
|---|---|
"
    );
    for metric in config.catalog.shown() {
        let name = series::name(metric, prefix);
        writeln!(text, "| `{}` | `{name}` |", metric.key).expect(TAKES_ALL);
    }
    text
}

const TAKES_ALL: &str = "a String takes everything";
