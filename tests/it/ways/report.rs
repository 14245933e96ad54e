//! The report on demand: every form of it, where it goes, and what is refused.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::process::Command;

use chrono::Days;
use daybook::commands::{CommandError, Ended};
use daybook::nightly::Which;
use mail_parser::MessageParser;
use serde_json::{Value as Json, json};

use crate::running::program::{self, code, data, today, words};
use crate::running::{SETTINGS, shop};
use crate::world::{World, date};

/// The shop's 2 and 3 October, looked at on the 4th at 8 in the morning.
async fn two_days(settings: &str) -> World {
    let world = World::new("2025-10-04T06:00:00Z", settings);
    shop(&world).await;
    let both = Which::Range(date("2025-10-02"), date("2025-10-03"));
    world.night(both).await;
    world
}

/// What `report` with these arguments writes into a file.
async fn written(world: &World, args: &[&str]) -> String {
    let line = [&["report", "--output", "printed"], args].concat();
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    let text = fs::read_to_string(world.path("printed")).unwrap();
    fs::remove_file(world.path("printed")).unwrap();
    text
}

fn refusal(ended: Result<Ended, CommandError>) -> (u8, String) {
    let error = ended.unwrap_err();
    (error.exit_code(), error.to_string())
}

#[tokio::test]
async fn a_file_holds_what_standard_output_gets() {
    let world = program::world(SETTINGS);
    program::shop(&world).await;
    world.binary(&["collect", "--date", "yesterday"]);
    for format in ["text", "html", "json"] {
        let printed = world.binary(&["report", "--format", format]);
        assert_eq!((code(&printed), words(&printed).as_str()), (0, ""));
        let path = format!("report.{format}");
        let line = ["report", "--format", format, "--output", &path];
        let silent = world.binary(&line);
        assert_eq!((code(&silent), data(&silent).as_str()), (0, ""));
        let file = fs::read_to_string(world.path(&path)).unwrap();
        assert_eq!(data(&printed).trim_end(), file.trim_end(), "{format}");
        let mode = fs::metadata(world.path(&path)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777 & !0o640, 0);
        let dash = world.binary(&["report", "--format", format, "--output", "-"]);
        assert_eq!(data(&dash), data(&printed));
    }
    let plain = world.binary(&["report"]);
    let text = world.binary(&["report", "--format", "text", "--date", "yesterday"]);
    assert_eq!(data(&plain), data(&text));
}

#[tokio::test]
async fn the_newest_complete_day_is_reported_and_not_the_open_one() {
    let world = program::world(SETTINGS);
    program::shop(&world).await;
    world.binary(&["collect"]);
    let day = |args: &[&str]| {
        let output = world.binary(&[&["report", "--format", "json"], args].concat());
        let told: Json = serde_json::from_slice(&output.stdout).unwrap();
        (told["date"].clone(), told["verdict"].clone())
    };
    assert_eq!(
        day(&[]),
        (json!(today()), json!("open")),
        "there is no other"
    );
    world.binary(&["collect", "--date", "yesterday"]);
    assert_eq!(day(&[]).0, json!(today() - Days::new(1)));
    assert_eq!(day(&["--date", "today"]), (json!(today()), json!("open")));
}

#[tokio::test]
async fn the_json_is_of_the_schema_that_is_printed_and_has_the_numbers_exactly() {
    let world = two_days(&format!("name = \"Shop\"\n{SETTINGS}")).await;
    let schema = Command::new(env!("CARGO_BIN_EXE_daybook"))
        .args(["report", "--schema"])
        .current_dir("/")
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(code(&schema), 0, "it needs no configuration");
    let schema: Json = serde_json::from_slice(&schema.stdout).unwrap();
    let told: Json = serde_json::from_str(&written(&world, &["--format", "json"]).await).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mistakes: Vec<String> = validator
        .iter_errors(&told)
        .map(|mistake| mistake.to_string())
        .collect();
    assert_eq!(mistakes, Vec::<String>::new());
    assert_eq!(told["app"], "Shop");
    assert_eq!(told["date"], "2025-10-03");
    // 6:30 of this day is over.
    assert_eq!(told["next_due"], "2025-10-05T06:30:00+02:00");
    let values: Vec<(&Json, &Json)> = told["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| (&metric["key"], &metric["value"]))
        .collect();
    let expected = [
        (&json!("users"), &json!(500)),
        (&json!("joined_24h"), &json!(1)),
        (&json!("joined_7d"), &json!(7)),
        (&json!("stock"), &json!(42)),
    ];
    assert_eq!(values, expected);
    assert_eq!(told["metrics"][0]["changes"]["1"]["previous"], 499);
}

#[tokio::test]
async fn a_message_is_complete_and_says_what_the_other_forms_say() {
    let world = two_days(&format!("name = \"Shop\"\n{SETTINGS}")).await;
    let eml = written(&world, &["--format", "eml", "--to", "bea@example.org"]).await;
    assert!(eml.is_ascii());
    assert!(eml.lines().all(|line| line.len() <= 998));
    let message = MessageParser::default().parse(&eml).unwrap();
    let address = |list: &mail_parser::Address<'_>| {
        let mut all = list.iter().map(|one| one.address().unwrap().to_owned());
        (all.next().unwrap(), all.next())
    };
    let from = address(message.from().unwrap());
    assert_eq!(from, ("daybook@daybook.invalid".to_owned(), None));
    let to = address(message.to().unwrap());
    assert_eq!(to, ("bea@example.org".to_owned(), None));
    assert!(message.subject().unwrap().contains("Shop"));
    let date = message.date().unwrap().to_rfc3339();
    assert_eq!(date, "2025-10-04T06:00:00Z");
    // The ledger's ids begin with `report`.
    let id = message.message_id().unwrap();
    assert_eq!(id, "printed.2025-10-03.1759557600@daybook.invalid");
    let text = written(&world, &[]).await;
    let part = message.body_text(0).unwrap().replace("\r\n", "\n");
    assert_eq!(part.trim_end(), text.trim_end());
    let again = written(&world, &["--format", "eml", "--to", "bea@example.org"]).await;
    assert_eq!(again, eml);
    let nobody = written(&world, &["--format", "eml"]).await;
    let message = MessageParser::default().parse(&nobody).unwrap();
    let to = address(message.to().unwrap());
    assert_eq!(to, ("reader@daybook.invalid".to_owned(), None));
}

#[tokio::test]
async fn a_message_is_from_and_to_whom_the_settings_say() {
    let settings = r#"
        name = "Shop"

        [report]
        public_url = "https://metrics.example.org/"
        recipients = ["Ada <ada@example.org>", { address = "Bea <bea@example.org>", language = "de" }]

        [mail]
        smtp_url = "smtps://mail.example.org"
        from = "Daybook <daybook@example.org>"
        reply_to = "help@example.org"
    "#;
    let world = two_days(&format!("{settings}{SETTINGS}")).await;
    let head = async |args: &[&str]| {
        let eml = written(&world, &[&["--format", "eml"], args].concat()).await;
        let message = MessageParser::default().parse(&eml).unwrap();
        ["From", "Reply-To", "To", "Content-Language"]
            .map(|name| message.header_raw(name).unwrap().trim().to_owned())
    };
    let from = "Daybook <daybook@example.org>";
    let reply_to = "help@example.org";
    let first = [from, reply_to, "Ada <ada@example.org>", "en"];
    assert_eq!(head(&[]).await, first);
    let known = [from, reply_to, "Bea <bea@example.org>", "de"];
    assert_eq!(head(&["--to", "BEA@example.org"]).await, known);
    let stranger = [from, reply_to, "Chris <chris@example.org>", "de"];
    let line = ["--to", "Chris <chris@example.org>", "--language", "de"];
    assert_eq!(head(&line).await, stranger);
    let told: Json = serde_json::from_str(&written(&world, &["--format", "json"]).await).unwrap();
    assert_eq!(told["link"], "https://metrics.example.org/");
}

#[tokio::test]
async fn the_language_of_the_words_can_be_chosen() {
    let world = two_days(SETTINGS).await;
    let language = async |args: &[&str]| {
        let eml = written(&world, &[&["--format", "eml"], args].concat()).await;
        let message = MessageParser::default().parse(&eml).unwrap();
        let language = message.header_raw("Content-Language").unwrap();
        language.trim().to_owned()
    };
    assert_eq!(language(&[]).await, "en");
    assert_eq!(language(&["--language", "de"]).await, "de");
    assert_eq!(language(&["--language", "en"]).await, "en");
}

#[tokio::test]
async fn what_cannot_be_reported_is_refused_as_by_show() {
    let world = two_days(SETTINGS).await;
    for (args, expected) in [
        (
            &["--date", "2025-09-01"][..],
            "no row for Mon 1 Sep 2025: run `daybook collect --date 2025-09-01`",
        ),
        (
            &["--date", "2025-9-1"],
            "--date 2025-9-1: expected a date like 2025-10-03, `today` or `yesterday`",
        ),
        (&["--to", "bea@example.org"], "--to requires --format eml"),
    ] {
        let line = [&["report", "--output", "printed"], args].concat();
        let told = refusal(world.command(&line).await);
        assert_eq!(told, (2, expected.to_owned()));
    }
    for to in [
        "nobody",
        "a@b@c.ch",
        "a@b.ch\nX-Evil: yes",
        "",
        "\u{202e}@b.ch",
    ] {
        let line = [
            "report", "--format", "eml", "--output", "printed", "--to", to,
        ];
        let (exit, reason) = refusal(world.command(&line).await);
        assert_eq!(exit, 2, "{to:?}");
        assert!(
            reason.starts_with(&format!("--to {}: ", to.escape_debug())),
            "{reason}"
        );
        assert!(!reason.contains(char::is_control), "{reason:?}");
    }
    assert!(!world.path("printed").exists());
    for args in [
        &["--format", "pdf"][..],
        &["--language", "fr"],
        &["--schema", "--format", "json"],
    ] {
        let output = world.binary(&[&["report"], args].concat());
        assert_eq!((code(&output), data(&output).as_str()), (2, ""), "{args:?}");
    }
    let output = world.binary(&["report", "--format", "pdf"]);
    let choices = "[possible values: html, text, json, eml]";
    assert!(words(&output).contains(choices), "{output:?}");

    let empty = World::new("2025-10-04T06:00:00Z", SETTINGS);
    shop(&empty).await;
    let nothing = refusal(empty.command(&["report"]).await);
    let show = refusal(empty.command(&["show"]).await);
    assert_eq!(nothing, show);
}

#[tokio::test]
async fn an_output_that_cannot_be_written_is_named_and_nothing_is_left_of_it() {
    let world = two_days(SETTINGS).await;
    fs::create_dir(world.path("folder")).unwrap();
    let missing = world.path("missing").display().to_string();
    for (output, reason) in [
        (
            "missing/report",
            format!("there is no folder {missing}; create it first").as_str(),
        ),
        ("daybook.toml/report", "Not a directory (os error 20)"),
        ("folder", "it is a folder; name a file in it"),
    ] {
        let told = refusal(world.command(&["report", "--output", output]).await);
        let path = world.path(output);
        let expected = format!("cannot write {}: {reason}", path.display());
        assert_eq!(told, (1, expected));
    }
    let names = fs::read_dir(world.path(".")).unwrap();
    let unfinished = names.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().contains("unfinished")
    });
    assert_eq!(unfinished.count(), 0);
}

#[tokio::test]
async fn an_output_replaces_a_file_behind_a_link_but_never_a_pipe() {
    let world = two_days(SETTINGS).await;
    world.write("real", "an older and longer report");
    symlink(world.path("real"), world.path("link")).unwrap();
    let line = ["report", "--format", "json", "--output", "link"];
    world.command(&line).await.unwrap();
    let link = fs::symlink_metadata(world.path("link")).unwrap();
    assert!(link.file_type().is_symlink());
    let real = fs::read_to_string(world.path("real")).unwrap();
    let told: Json = serde_json::from_str(&real).unwrap();
    assert_eq!(told["date"], "2025-10-03");

    let pipe = world.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let end = pipe.clone();
    let reader = std::thread::spawn(move || fs::read_to_string(end).unwrap());
    let line = ["report", "--format", "json", "--output", "pipe"];
    world.command(&line).await.unwrap();
    assert_eq!(reader.join().unwrap(), real);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
}

#[tokio::test]
async fn hostile_names_harm_no_form() {
    let settings = r#"
        name = "<script>alert(1)</script> \"Shop\" \u202E, Bcc: evil@example.org"

        [app]
        database_url = "sqlite:app.db"

        [tables.things]
        name = "things"

        [[metrics]]
        key = "things"
        label = "<script>alert(2)</script>\u202E & 'things'"
        section = "<i class=evil>\u0007"
        table = "things"
        count = "*"
        by = { column = "kind" }

        [[metrics]]
        key = "many"
        table = "things"
        count = "*"
    "#;
    let world = World::new("2025-10-04T06:00:00Z", settings);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE things (kind TEXT);
         INSERT INTO things VALUES ('<script>alert(3)</script>'), ('a' || char(13, 10) || 'Bcc: evil@example.org'),
             ('nul' || char(0) || 'nul'), (char(8238) || 'turned'), ('😀 \"quoted\"'), (replace(hex(zeroblob(5120)), '00', 'xy'))",
    )
    .await;
    world.night(Which::One(date("2025-10-03"))).await;
    let html = written(&world, &["--format", "html"]).await;
    assert!(
        !html.contains("<script") && !html.contains("<i class=evil"),
        "{html}"
    );
    let text = written(&world, &[]).await;
    let unruly = |letter: char| letter != '\n' && letter.is_control() || letter == '\u{202e}';
    assert!(!text.contains(unruly), "{text:?}");
    let told: Json = serde_json::from_str(&written(&world, &["--format", "json"]).await).unwrap();
    let name = "<script>alert(1)</script> \"Shop\" \u{202e}, Bcc: evil@example.org";
    assert_eq!(told["app"], name);
    assert_eq!(told["metrics"][1]["value"], 6);

    let eml = written(&world, &["--format", "eml"]).await;
    let message = MessageParser::default().parse(&eml).unwrap();
    let headers: Vec<&str> = message
        .headers()
        .iter()
        .map(|header| header.name())
        .collect();
    assert!(!headers.contains(&"Bcc"), "{headers:?}");
    assert!(!message.subject().unwrap().contains(unruly));
    assert_eq!(
        message
            .body_text(0)
            .unwrap()
            .replace("\r\n", "\n")
            .trim_end(),
        text.trim_end()
    );
    let page = message.body_html(0).unwrap();
    assert!(!page.contains("<script"), "{page}");
}
