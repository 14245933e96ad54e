//! The real program among hostile data: in labels, parts, addresses, errors and answers of servers.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::process::Output;

use mail_parser::{MessageParser, MimeHeaders};
use serde_json::Value as Json;

use crate::read_page;
use crate::smtp_server::{Accepted, Script, Server, Step};
use crate::world::World;

/// Everything at once: markup, quotes, directions, line ends, NUL, an escape, a formula, emoji.
const EVIL: &str = "=<script>alert(\"1\")</script>&amp;'\u{202e}x\u{200f}\r\nBcc: eve@example.org\r\n\r\nz\0\u{1b}[2J\u{2028}🎉";

/// The same as TOML and as SQL write it.
const EVIL_TOML: &str = "\"=<script>alert(\\\"1\\\")</script>&amp;'\\u202Ex\\u200F\\r\\nBcc: eve@example.org\\r\\n\\r\\nz\\u0000\\u001B[2J\\u2028🎉\"";

fn evil_sql() -> String {
    let hex: Vec<String> = EVIL.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("CAST(x'{}' AS TEXT)", hex.concat())
}

fn settings(more: &str) -> String {
    let long = "x".repeat(10_000);
    format!(
        r#"
        name = "Be\"ryl' <script>alert(1)</script> \u202E&amp;"

        [app]
        database_url = "sqlite:app.db"

        [collect]
        retry_for = "0s"

        [tables.things]
        name = "things"
        created_at = "at"

        [[metrics]]
        key = "things"
        label = {EVIL_TOML}
        section = {EVIL_TOML}
        unit = {EVIL_TOML}
        table = "things"
        count = "*"
        history = "event"
        alert = {{ critical = "> 0" }}

        [[metrics]]
        key = "long"
        label = "{long}"
        section = "{long}"
        unit = "{long}"
        table = "things"
        count = "*"
        history = "event"

        [[metrics]]
        key = "kinds"
        table = "things"
        count = "*"
        history = "event"
        by = {{ column = "kind", label = {{ table = "kinds", column = "name" }} }}

        [[metrics]]
        key = "words"
        table = "things"
        count = "*"
        history = "event"
        by = {{ column = "word" }}

        [[metrics]]
        key = "echo"
        sql = "SELECT json_extract('{{}}', word) FROM things"

        [[metrics]]
        key = "no_table"
        sql = "SELECT count(*) FROM [<script>alert('1')</script>]"

        [[metrics]]
        key = "no_column"
        table = "things"
        sum = "<b>&amp;'col"
        {more}
        "#
    )
}

/// The machine's own yesterday, for which all rows are there.
async fn world(more: &str) -> World {
    let world = World::new("2025-10-04T04:00:00Z", &settings(more));
    let (app, evil) = (world.sqlite("app.db").await, evil_sql());
    let long = "y".repeat(10_240);
    app.execute(&format!(
        "CREATE TABLE things (at TEXT NOT NULL, kind INTEGER, word TEXT);
         CREATE TABLE kinds (id INTEGER PRIMARY KEY, name TEXT);
         INSERT INTO kinds VALUES (1, {evil}), (2, '{long}'), (3, ''), (4, '@SUM(1)');
         INSERT INTO things VALUES
             ('2025-01-01 10:00:00', 1, {evil}), ('2025-01-01 10:00:00', 1, {evil}),
             ('2025-01-01 10:00:00', 2, '{long}'), ('2025-01-01 10:00:00', 3, ''),
             ('2025-01-01 10:00:00', 4, NULL), ('2025-01-01 10:00:00', NULL, '-1+1');"
    ))
    .await;
    world
}

const READERS: &str = r#"
    [report]
    recipients = ["Ada 'the boss' <ada@example.org>"]
"#;

/// Good, doubled, empty and evil addresses; names over which a careless mailer stumbles.
async fn readers(world: &World) {
    let evil = evil_sql();
    let long = "N".repeat(5_000);
    world
        .sqlite("app.db")
        .await
        .execute(&format!(
            "CREATE TABLE readers (email TEXT, name TEXT);
             INSERT INTO readers VALUES
                 ('ADA@example.org', 'Twice'), ('', 'Nobody'), (NULL, NULL),
                 ('bea@example.org', {evil}), ('carl@example.org', '{long}'),
                 ('Dan \"D, (x); \\\\\" <dan@example.org>', NULL),
                 ('emil@example.org', 'Emil' || char(13, 10) || 'Bcc: eve@example.org'),
                 ('fay@example.org', '🎉 ' || char(0x202e) || ' yaF =?utf-8?B?Qg==?='),
                 ('gus@example.org' || char(13, 10) || 'Bcc: eve@example.org', 'Gus'),
                 ({evil}, 'Eve'), ('{long}@example.org', 'Long'),
                 ('refused@example.org', ''), ('endless@example.org', ''), ('FAY@EXAMPLE.ORG', 'Twice')"
        ))
        .await;
}

#[tokio::test]
async fn a_night_among_hostile_data_harms_nobody() {
    let more = format!("{READERS}recipients_sql = \"SELECT email, name FROM readers\"");
    let mut world = world(&more).await;
    readers(&world).await;
    let html = "550-5.1.1 <html><body onload=\"x\">\n550 5.1.1 \u{1b}]0;title\u{7}\u{202e}gone\0</body></html>";
    let script = Script::accepting().rcpt("refused@example.org", html).rcpt(
        "endless@example.org",
        &format!("550 {}", "<i>".repeat(33_000)),
    );
    let server = Server::start(script).await;
    world.set("DAYBOOK_SMTP_URL", &server.url());
    world.set("DAYBOOK_MAIL_FROM", "Day \"book\" <daybook@example.org>");
    let collected = world.binary(&["collect", "--date", "yesterday", "--send-email"]);
    let told = on_a_terminal(&collected);
    assert_eq!(collected.status.code(), Some(1), "{told}");
    assert!(told.contains("refused@example.org: 550 5.1.1 <html><body onload=\"x\"> 5.1.1 ]0;title gone </body></html>"), "{told}");

    let mut to: Vec<String> = server.accepted().into_iter().map(|mail| mail.to).collect();
    to.sort();
    let mailed = ["ada", "bea", "carl", "dan", "emil", "fay"];
    assert_eq!(to, mailed.map(|name| format!("{name}@example.org")));
    for mail in server.accepted() {
        message(&mail);
    }
    for line in [
        &["deliveries"][..],
        &["show"],
        &["report"],
        &["alerts", "list"],
        &["runs"],
        &["doctor"],
        &["config", "check"],
        &["config", "metrics"],
        &["explain"],
        &["collect", "--date", "yesterday", "--force", "--verbose"],
        &["collect", "--date", "yesterday", "--force", "--dry-run"],
    ] {
        let output = world.binary(line);
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty());
        on_a_terminal(&output);
    }
    for line in [
        &["deliveries", "--json"][..],
        &["show", "--json"],
        &["report", "--format", "json"],
        &["alerts", "list", "--json"],
        &["runs", "--json"],
        &["doctor", "--json"],
        &["config", "show", "--json"],
        &["collect", "--date", "yesterday", "--force", "--json"],
        &["collect", "--send-email", "--dry-run", "--json"],
    ] {
        json(&world.binary(line));
    }
    let report = json(&world.binary(&["report", "--format", "json"]));
    assert_eq!(
        report["metrics"][0]["label"], EVIL,
        "programs get it as it is"
    );
    let page = world.binary(&["report", "--format", "html"]);
    harmless_page(&String::from_utf8(page.stdout).unwrap());
    let eml = world.binary(&[
        "report",
        "--format",
        "eml",
        "--to",
        "Bea \"B\" <bea@example.org>",
    ]);
    headers(&eml.stdout);
}

/// Printed as it is: nothing moves a cursor, nothing turns or hides text.
fn on_a_terminal(output: &Output) -> String {
    let told = [output.stdout.as_slice(), &output.stderr].concat();
    let told = String::from_utf8(told).unwrap();
    plain(&told);
    assert!(!told.contains("\nBcc:"), "{told}");
    told
}

fn plain(text: &str) {
    let unseen = |letter: char| {
        (letter.is_control() && letter != '\n')
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if let Some(at) = text.find(unseen) {
        let line = text[..at].rsplit('\n').next().unwrap();
        let rest: String = text[at..].chars().take(60).collect();
        panic!("{line:?} goes on with {rest:?}");
    }
}

fn json(output: &Output) -> Json {
    plain(&String::from_utf8(output.stderr.clone()).unwrap());
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    plain(&text);
    serde_json::from_str(&text).unwrap()
}

fn message(mail: &Accepted) {
    assert_eq!(mail.from, "daybook@example.org");
    headers(&mail.message);
    let read = MessageParser::default().parse(&mail.message).unwrap();
    let to = read.to().unwrap();
    let to: Vec<&str> = to.iter().map(|one| one.address().unwrap()).collect();
    assert_eq!(to, [mail.to.as_str()]);
    for one in read.to().unwrap().iter().chain(read.from().unwrap().iter()) {
        let name = one.name().unwrap_or_default();
        plain(name);
        assert!(!name.contains('\n'));
    }
    assert_eq!(read.from().unwrap().iter().count(), 1);
    let subject = read.subject().unwrap();
    plain(subject);
    assert!(
        subject.chars().count() <= 150 && !subject.contains('\n'),
        "{subject}"
    );
    let text = read.body_text(0).unwrap().replace("\r\n", "\n");
    plain(&text);
    assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
    assert!(!text.contains(&"x".repeat(121)));
    harmless_page(&read.body_html(0).unwrap());
}

/// Exactly these, each once.
fn headers(message: &[u8]) {
    let read = MessageParser::default().parse(message).unwrap();
    let names: Vec<&str> = read.headers().iter().map(|header| header.name()).collect();
    let expected = [
        "From",
        "To",
        "Date",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "List-ID",
        "Content-Language",
        "MIME-Version",
        "Content-Type",
    ];
    assert_eq!(names, expected);
    assert!(message.is_ascii() && !message.contains(&0));
}

fn harmless_page(html: &str) {
    let page = read_page::read(html);
    assert!(page.first("script").is_none() && page.first("h1").is_some());
    let known = [
        "html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td", "th",
        "thead", "tbody", "h1", "h2", "b", "br", "small", "span", "img", "a",
    ];
    check(&page, &known);
    plain(&page.text().replace(['\u{34f}', '\u{200c}'], ""));
}

fn check(element: &read_page::Element, known: &[&str]) {
    for child in element.children() {
        assert!(known.contains(&child.name.as_str()), "<{}>", child.name);
        for word in ["alt", "style", "class", "src", "href"] {
            plain(child.get(word).unwrap_or_default());
        }
        check(child, known);
    }
}

#[tokio::test]
async fn a_name_with_line_breaks_is_refused() {
    let line = r#"name = "Be\r\nX-Evil: ryl""#;
    let metric =
        "[tables.t]\nname = \"t\"\n[[metrics]]\nkey = \"n\"\ntable = \"t\"\ncount = \"*\"\n";
    let settings = format!("{line}\n[app]\ndatabase_url = \"sqlite:app.db\"\n{metric}");
    let world = World::new("2025-10-04T04:00:00Z", &settings);
    let output = world.binary(&["config", "check"]);
    assert_eq!(output.status.code(), Some(78));
    let expected = format!(
        "daybook: daybook.toml:1:8: a name is 1 to 100 letters on one line\n  |\n1 | {line}\n  |        {}\n",
        "^".repeat(line.len() - 7)
    );
    assert_eq!(on_a_terminal(&output), expected);
}

/// A table runs in spreadsheets: no cell of it is a formula, none has a line of its own.
#[tokio::test]
async fn a_table_of_hostile_rows_stays_a_table() {
    let metric = |at: usize| {
        format!(
            "[[metrics]]\nkey = \"m{at}\"\nlabel = {EVIL_TOML}\nsection = {EVIL_TOML}\nunit = {EVIL_TOML}\n\
             table = \"things\"\ncount = \"*\"\nhistory = \"event\"\nalert = {{ critical = \"> 0\" }}\n"
        )
    };
    let world = world(&(0..300).map(metric).collect::<String>()).await;
    let collected = world.binary(&["collect", "--date", "yesterday", "--send-email"]);
    let told = on_a_terminal(&collected);
    assert_eq!(collected.status.code(), Some(1), "{told}");
    let outbox = std::fs::read_dir(world.path("outbox")).unwrap();
    let mut files: Vec<_> = outbox.map(|file| file.unwrap().path()).collect();
    files.sort();
    let endings: Vec<_> = files.iter().map(|file| file.extension().unwrap()).collect();
    assert_eq!(endings, ["csv", "eml", "html", "txt"]);
    let csv = std::fs::read_to_string(&files[0]).unwrap();
    table(&csv);
    let message = std::fs::read(&files[1]).unwrap();
    headers(&message);
    let read = MessageParser::default().parse(&message).unwrap();
    let attached = read.attachments().last().unwrap();
    assert_eq!(
        attached.attachment_name(),
        Some("be-ryl-script-alert-1-script-amp.csv")
    );
    assert_eq!(attached.text_contents(), Some(csv.as_str()));
    harmless_page(&std::fs::read_to_string(&files[2]).unwrap());
    plain(&std::fs::read_to_string(&files[3]).unwrap());
}

fn table(csv: &str) {
    let csv = csv.strip_prefix('\u{feff}').unwrap();
    plain(&csv.replace("\r\n", "\n"));
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert!(lines.len() > 300);
    for line in lines {
        let cells = cells(line);
        assert_eq!(cells.len(), 16, "{line}");
        for cell in cells {
            let is_number = cell.parse::<f64>().is_ok();
            assert!(
                is_number || !cell.starts_with(['=', '+', '-', '@']),
                "{line}"
            );
        }
    }
}

fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            letter => cells.last_mut().unwrap().push(letter),
        }
    }
    assert!(!quoted, "{line}");
    cells
}

#[tokio::test]
async fn a_failing_query_of_readers_is_told_without_its_markup_working() {
    let more = "
        [report]
        recipients = [\"ada@example.org\"]
        recipients_sql = \"SELECT email FROM [<script>alert(1)</script>]\"";
    let mut world = world(more).await;
    let server = Server::start(Script::accepting()).await;
    world.set("DAYBOOK_SMTP_URL", &server.url());
    world.set("DAYBOOK_MAIL_FROM", "daybook@example.org");
    on_a_terminal(&world.binary(&["collect", "--date", "yesterday", "--send-email"]));
    let mails = server.accepted();
    assert_eq!(mails.len(), 1);
    message(&mails[0]);
    let read = MessageParser::default().parse(&mails[0].message).unwrap();
    let text = read.body_text(0).unwrap().replace("\r\n", " ");
    assert!(
        text.contains("no such table: <script>alert(1)</script>"),
        "{text}"
    );
}

#[tokio::test]
async fn a_night_without_numbers_quotes_its_reason_harmlessly() {
    let mut world = world(READERS).await;
    let server = Server::start(Script::accepting()).await;
    world.set("DAYBOOK_SMTP_URL", &server.url());
    world.set("DAYBOOK_MAIL_FROM", "daybook@example.org");
    world.set(
        "DAYBOOK_APP_DATABASE_URL",
        "sqlite:<img src=x onerror=alert(1)>\u{202e}.db",
    );
    let collected = world.binary(&["collect", "--date", "yesterday", "--send-email"]);
    let told = on_a_terminal(&collected);
    assert_eq!(collected.status.code(), Some(69), "{told}");
    let mails = server.accepted();
    assert_eq!(mails.len(), 1, "{told}");
    message(&mails[0]);
    on_a_terminal(&world.binary(&["deliveries"]));
}

#[tokio::test]
async fn ten_thousand_readers_are_named_each_once() {
    let more = "
        [report]
        recipients_sql = \"SELECT email FROM crowd\"";
    let mut world = world(more).await;
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE crowd AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9990)
         SELECT 'reader' || i || '@example.org' AS email FROM n;
         INSERT INTO crowd SELECT upper(email) FROM crowd LIMIT 500; INSERT INTO crowd VALUES (''), (NULL)",
    )
    .await;
    world.set("DAYBOOK_SMTP_URL", "smtp://127.0.0.1:9?tls=none");
    world.set("DAYBOOK_MAIL_FROM", "daybook@example.org");
    let output = world.binary(&[
        "collect",
        "--date",
        "yesterday",
        "--send-email",
        "--dry-run",
    ]);
    let told = on_a_terminal(&output);
    assert_eq!(told.matches(" by email about ").count(), 9_990);
    assert!(told.contains("dry run: nothing is stored, nothing is sent"));
}

#[tokio::test]
async fn a_server_that_answers_anything_is_quoted_on_one_line() {
    let hostile = format!(
        "554 <script>{}\u{1b}[2J\u{202e}</script>",
        "x".repeat(100_000)
    );
    for step in [Step::Greeting, Step::Ehlo, Step::Mail, Step::Dot] {
        let mut world = world(READERS).await;
        let server = Server::start(Script::accepting().say(step, &hostile)).await;
        world.set("DAYBOOK_SMTP_URL", &server.url());
        world.set("DAYBOOK_MAIL_FROM", "daybook@example.org");
        let collected = world.binary(&["collect", "--date", "yesterday", "--send-email"]);
        let told = on_a_terminal(&collected);
        let lines: Vec<&str> = told
            .lines()
            .filter(|line| line.contains(" to ada@example.org: "))
            .collect();
        assert_eq!(lines.len(), 1, "{told}");
        assert!(lines[0].len() < 1_000, "{}", lines[0]);
        for line in [
            &["deliveries"][..],
            &["doctor"],
            &["send", "--test", "--to", "ada@example.org"],
        ] {
            let told = on_a_terminal(&world.binary(line));
            assert!(told.len() < 8_000, "{told}");
        }
        let rows = json(&world.binary(&["deliveries", "--json"]));
        let reply = rows["deliveries"][0]["reply"].as_str().unwrap();
        plain(reply);
        assert!(
            reply.chars().count() < 600 && !reply.contains('\n'),
            "{reply}"
        );
    }
}
