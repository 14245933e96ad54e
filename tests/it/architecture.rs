//! The house is built as ARCHITECTURE.md says: who may name whom, and where SQL stands.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

/// Who may import whom. A row names only rows above it; a module without a row fails the test.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("text", &[]),
    // Written whole or not at all.
    ("files", &[]),
    // Certificates: those of mail servers, webhooks, and where replicas meet.
    ("trust", &[]),
    ("calendar", &[]),
    // What may be recorded: data, which settings declare and metrics ask of.
    ("kinds", &[]),
    ("catalog", &["calendar", "kinds"]),
    ("entry", &["catalog", "calendar"]),
    // A word of its own: settings name it, reports are told in it, the ledger keeps it.
    ("locale", &[]),
    // A message to people: it knows neither days nor live events, so both are told in it.
    ("notice", &["locale"]),
    ("plan", &["calendar", "catalog", "entry"]),
    ("config", &["catalog", "calendar", "locale", "kinds"]),
    // `plan` for what goes into a statement and comes out of it: `Bind` and `Cell`.
    ("database", &["config", "plan"]),
    (
        "collect",
        &[
            "calendar", "catalog", "entry", "locale", "plan", "config", "database",
        ],
    ),
    // `plan` for the numbered places of a statement, which each engine writes in its own way.
    (
        "book",
        &[
            "calendar", "catalog", "entry", "locale", "plan", "config", "database",
        ],
    ),
    // Also for what happens between two nights: it knows no day.
    ("threshold", &["catalog"]),
    ("compare", &["calendar", "catalog", "entry", "threshold"]),
    ("report", &["calendar", "catalog", "entry", "compare"]),
    (
        "render",
        &["report", "entry", "locale", "catalog", "calendar", "notice"],
    ),
    (
        "deliver",
        &[
            "files", "calendar", "locale", "config", "book", "report", "render", "notice", "trust",
        ],
    ),
    ("prune", &["calendar", "config", "book"]),
    // Events between two nights: it knows no entry, no book and no preset.
    (
        "live",
        &[
            "files",
            "trust",
            "calendar",
            "kinds",
            "catalog",
            "config",
            "threshold",
        ],
    ),
    // What is watched between two nights becomes messages, as a night's report does.
    (
        "live_alerts",
        &[
            "kinds",
            "catalog",
            "config",
            "live",
            "locale",
            "notice",
            "report",
            "render",
            "deliver",
            "threshold",
        ],
    ),
    (
        "live_readings",
        &["calendar", "catalog", "entry", "plan", "config", "live"],
    ),
    (
        "nightly",
        &[
            "calendar",
            "catalog",
            "entry",
            "locale",
            "plan",
            "config",
            "database",
            "collect",
            "book",
            "compare",
            "report",
            "render",
            "deliver",
            "prune",
            "live",
            "live_alerts",
            "live_readings",
        ],
    ),
    // Connections, who is let in, answers: no page.
    ("web", &["config"]),
    // Programs, not people: no page.
    ("api", &["config", "kinds", "live", "web"]),
    (
        "look",
        &[
            "calendar",
            "kinds",
            "catalog",
            "entry",
            "locale",
            "plan",
            "config",
            "database",
            "book",
            "threshold",
            "compare",
            "report",
            "render",
            "live",
            "live_alerts",
            "web",
            "api",
        ],
    ),
    (
        "operate",
        &[
            "calendar",
            "catalog",
            "entry",
            "locale",
            "plan",
            "config",
            "database",
            "collect",
            "book",
            "compare",
            "report",
            "render",
            "deliver",
            "prune",
            "live",
            "kinds",
            "live_readings",
        ],
    ),
    ("cli", &[]),
    (
        "commands",
        &[
            "files",
            "calendar",
            "catalog",
            "entry",
            "locale",
            "plan",
            "config",
            "database",
            "collect",
            "book",
            "compare",
            "report",
            "render",
            "deliver",
            "prune",
            "nightly",
            "web",
            "api",
            "look",
            "operate",
            "cli",
            "kinds",
            "live",
            "live_alerts",
            "live_readings",
        ],
    ),
];

/// Every room below may name them.
const GROUND: &[&str] = &["engine", "text"];

/// They compute from what they are given: no database, no network, no clock, no environment, no files.
const PURE: &[&str] = &[
    "engine",
    "text",
    "calendar",
    "catalog",
    "entry",
    "locale",
    "notice",
    "kinds",
    "plan",
    "threshold",
    "compare",
    "report",
    "render",
];

/// The metrics' judgements are shared among processors; what comes out does not depend on it.
const SHARES_ITS_WORK: &str = "src/compare/share.rs";

const OUTSIDE_WORLD: &[&str] = &[
    "sqlx",
    "lettre",
    "axum",
    "tokio",
    "Utc::now",
    "Local::now",
    "SystemTime",
    "Instant::now",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "tracing",
];

/// SQL text stands only here.
const MAY_HOLD_SQL: &[&str] = &[
    "src/plan/",
    "src/database.rs",
    "src/database/",
    "src/book.rs",
    "src/book/",
    "src/collect/schema.rs",
    "src/collect/schema/",
    "src/collect/labels.rs",
    // A table with a day a row has no plan: it is read as it is.
    "src/collect/days.rs",
    "src/operate/demo.rs",
    "src/operate/demo/",
    "src/live/store.rs",
    "src/live/store/",
    // Other systems' files are read as they are.
    "src/live/moving/",
];

/// Each wing declares made-up SQL fit to run in one place.
const MAY_ASSERT_SQL: &[&str] = &[
    "src/book/store.rs",
    "src/database.rs",
    "src/live/store.rs",
    "src/operate/demo/insert.rs",
];

const SQL_WORDS: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "ALTER",
    "DROP",
    "PRAGMA",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "SET",
    "WITH",
    "EXPLAIN",
    "ATTACH",
    "VACUUM",
    "TRUNCATE",
];

const MEANINGLESS_NAMES: &[&str] = &["mod", "utils", "util", "helpers", "common", "models"];

#[test]
fn modules_import_only_what_the_table_allows() {
    let mut violations = Vec::new();
    for (path, source) in sources() {
        let module = top_module(&path);
        if ["lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            violations.push(format!("{path}: give `{module}` a row in MAY_IMPORT"));
            continue;
        };
        for import in source.imported_modules() {
            let import = import.as_str();
            if import != module && !GROUND.contains(&import) && !allowed.contains(&import) {
                violations.push(format!("{path}: `{module}` must not import `{import}`"));
            }
        }
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn the_import_table_reads_top_down() {
    for (at, (module, allowed)) in MAY_IMPORT.iter().enumerate() {
        for import in *allowed {
            let above = MAY_IMPORT[..at].iter().any(|(name, _)| name == import);
            assert!(
                above,
                "`{module}` imports `{import}`, which is not above it"
            );
        }
    }
}

#[test]
fn every_row_of_the_table_is_a_module() {
    let modules: BTreeSet<String> = sources().iter().map(|(path, _)| top_module(path)).collect();
    let rows: BTreeSet<String> = MAY_IMPORT
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let wiring = ["lib", "main"].map(str::to_owned);
    let expected: BTreeSet<String> = rows.into_iter().chain(wiring).collect();
    assert_eq!(modules, expected);
}

/// What two files need of each other belongs into a third.
#[test]
fn no_two_files_of_a_room_import_each_other() {
    let sources = sources();
    let places: BTreeSet<Vec<String>> = sources.iter().map(|(path, _)| place(path)).collect();
    let mut imports = BTreeSet::new();
    for (path, source) in &sources {
        let from = place(path);
        let named = source.paths();
        let named = named
            .iter()
            .filter_map(|path| file_of(path, &from, &places));
        imports.extend(named.map(|to| (from.clone(), to)));
    }
    let circles: Vec<String> = imports
        .iter()
        .filter(|(from, to)| from < to && !to.starts_with(from))
        .filter(|(from, to)| imports.contains(&(to.clone(), from.clone())))
        .map(|(from, to)| format!("{} and {}", from.join("/"), to.join("/")))
        .collect();
    assert_eq!(circles, [""; 0]);
}

#[test]
fn no_detail_of_the_night_imports_its_story() {
    let mut violations = Vec::new();
    for (path, source) in sources() {
        let from = place(&path);
        if from.len() < 2 || from[0] != "nightly" {
            continue;
        }
        let up = "super::".repeat(from.len() - 1);
        let of_story = source.paths().into_iter().filter(|path| {
            let name = path
                .strip_prefix("crate::nightly::")
                .or(path.strip_prefix(&up));
            name.is_some_and(|name| !name.contains("::") && !name.starts_with(char::is_lowercase))
        });
        violations.extend(of_story.map(|name| format!("{path} imports {name}")));
    }
    assert_eq!(violations, [""; 0]);
}

#[test]
fn pure_modules_name_nothing_of_the_world_outside() {
    let mut violations = Vec::new();
    for (path, source) in sources() {
        if !PURE.contains(&top_module(&path).as_str()) {
            continue;
        }
        let shares = path == SHARES_ITS_WORK;
        for name in OUTSIDE_WORLD.iter().filter(|name| source.names(name)) {
            if shares && *name == "std::thread" {
                continue;
            }
            violations.push(format!("{path} names {name}"));
        }
        for grouped in source.grouped_imports("std") {
            if ["env", "fs", "net", "process", "thread"].contains(&grouped.as_str()) && !shares {
                violations.push(format!("{path} names std::{grouped}"));
            }
        }
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn sql_text_stands_only_where_it_belongs() {
    let mut violations = Vec::new();
    for (path, source) in sources() {
        if MAY_HOLD_SQL.iter().any(|place| path.starts_with(place)) {
            continue;
        }
        for text in source.strings.iter().filter(|text| is_sql(text)) {
            violations.push(format!("{path}: {text:?}"));
        }
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// A connection may look whole for hours, so nothing of the book waits for a server without an end.
#[test]
fn every_statement_of_the_book_goes_the_one_way_that_gives_up_a_silent_server() {
    let verbs = [
        ".execute(",
        ".fetch(",
        ".fetch_one(",
        ".fetch_all(",
        ".fetch_optional(",
    ];
    // These statements are waited for in `lock.rs`, and a new session as long as its pool waits for it.
    let elsewhere = [
        "src/book/lock/mysql.rs",
        "src/book/lock/postgres.rs",
        "src/book/store/open.rs",
    ];
    // Of files, which are waited for as long as they take, or of one of three engines or together, waited for once.
    let excused: BTreeSet<(&str, &str, usize)> = BTreeSet::from([
        ("src/book/examine.rs", "health", 2),
        ("src/book/schema.rs", "foreign_table_by", 2),
        ("src/book/schema.rs", "migrate", 1),
        ("src/book/store.rs", "add", 2),
        ("src/book/store.rs", "change", 2),
        ("src/book/store.rs", "rows", 2),
        ("src/book/store.rs", "run", 2),
        ("src/book/watch.rs", "version", 1),
    ]);
    let mut found = BTreeSet::new();
    for (path, source) in sources() {
        if !path.starts_with("src/book/") || elsewhere.contains(&path.as_str()) {
            continue;
        }
        for function in source.code.split("fn ").skip(1) {
            let count = |calls: &[&str]| -> usize {
                calls
                    .iter()
                    .map(|call| function.matches(call).count())
                    .sum()
            };
            let unguarded = count(&verbs).saturating_sub(count(&["answered(", "take_each("]));
            if unguarded > 0 {
                let name = function.split(['(', '<']).next().unwrap_or_default();
                found.insert((path.clone(), name.to_owned(), unguarded));
            }
        }
    }
    let found: BTreeSet<(&str, &str, usize)> = found
        .iter()
        .map(|(path, name, count)| (path.as_str(), name.as_str(), *count))
        .collect();
    assert_eq!(found, excused);
}

#[test]
fn made_up_sql_is_declared_safe_in_one_place_of_each_wing() {
    let asserting: Vec<(String, usize)> = sources()
        .into_iter()
        .map(|(path, source)| (path, source.code.matches("AssertSqlSafe(").count()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let expected: Vec<(String, usize)> = MAY_ASSERT_SQL
        .iter()
        .map(|path| ((*path).to_owned(), 1))
        .collect();
    assert_eq!(asserting, expected);
}

#[test]
fn only_collecting_reaches_the_app_database() {
    let mut violations = Vec::new();
    for (path, source) in sources() {
        let module = top_module(&path);
        let reaches = [
            "database::open",
            "Snapshot",
            "database::sqlite",
            "database::postgres",
        ];
        for name in reaches.iter().filter(|name| source.names(name)) {
            if !["database", "collect", "operate"].contains(&module.as_str()) {
                violations.push(format!("{path} names {name}"));
            }
        }
        let drives = ["database", "book", "operate", "live"].contains(&module.as_str());
        if source.names("sqlx") && !drives {
            violations.push(format!("{path} names sqlx"));
        }
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn only_one_place_speaks_to_redis() {
    for (path, source) in sources() {
        let found = source.names("wire");
        assert!(!found || path.starts_with("src/live/redis"), "{path}");
    }
}

#[test]
fn only_main_reads_the_clock_and_the_environment() {
    for (path, source) in sources() {
        for name in [
            "Utc::now",
            "Local::now",
            "SystemTime::now",
            "env::var",
            "env::vars_os",
        ] {
            let found = source.names(name);
            assert!(!found || path == "src/main.rs", "{path} names {name}");
        }
    }
}

#[test]
fn files_are_named_for_what_they_are_and_say_what_they_are() {
    let mut violations = Vec::new();
    for (path, source) in sources() {
        let stem = Path::new(&path)
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        if MEANINGLESS_NAMES.contains(&stem.as_str()) {
            violations.push(format!("{path}: `{stem}` says nothing"));
        }
        if !source.text.starts_with("//! ") {
            violations.push(format!("{path}: begin with `//!` and what it is"));
        }
        if source.code.contains("[allow(") {
            violations.push(format!(
                "{path}: `#[expect(…, reason)]` instead of `#[allow]`"
            ));
        }
        for mark in ["TODO", "FIXME", "XXX"] {
            if source.text.contains(mark) {
                violations.push(format!("{path}: {mark}"));
            }
        }
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// A literal is taken for SQL by its first word, or by a query inside it.
fn is_sql(text: &str) -> bool {
    let first = text
        .trim_start()
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .next();
    let begins = first.is_some_and(|word| SQL_WORDS.contains(&word));
    begins && text.trim().contains(' ') || text.contains("SELECT ") && text.contains(" FROM ")
}

/// `src/collect/run.rs` and `src/collect.rs` both belong to `collect`.
fn top_module(path: &str) -> String {
    let inside = path.strip_prefix("src/").unwrap();
    let first = inside.split('/').next().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// `src/collect/run.rs` → `collect`, `run`.
fn place(path: &str) -> Vec<String> {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
    inside.split('/').map(str::to_owned).collect()
}

/// The file that a path named in `from` leads into, if it is one of ours and another.
fn file_of(path: &str, from: &[String], places: &BTreeSet<Vec<String>>) -> Option<Vec<String>> {
    let mut at = from.to_vec();
    for name in path.split("::") {
        match name {
            "crate" => at.clear(),
            "super" => drop(at.pop()),
            "self" => {}
            name => {
                let inside = [at.as_slice(), &[name.to_owned()]].concat();
                if !places.contains(&inside) {
                    break;
                }
                at = inside;
            }
        }
    }
    (at != from && places.contains(&at)).then_some(at)
}

/// Every Rust file under `src`, by its path from the package's root.
fn sources() -> Vec<(String, Source)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all: Vec<(String, Source)> = rust_files(&root.join("src"))
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            (name, Source::read(&fs::read_to_string(path).unwrap()))
        })
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
