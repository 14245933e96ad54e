//! The example and the schema say the same as the program.

use std::collections::BTreeSet;

use daybook::config::{Request, load, schema};
use serde_json::Value;

use super::{assert_same_as_file, project};

#[test]
fn the_schema_in_the_docs_is_the_program_s() {
    let found = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    assert_same_as_file(&found, &project("docs/daybook.schema.json"));
}

#[test]
fn the_schema_names_itself() {
    let schema = schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(schema["title"], "Daybook configuration");
}

#[test]
fn renamed_keys_stand_in_the_schema_under_their_toml_names() {
    let keys = keys(&schema());
    for key in ["where", "in", "database_url", "catch_up_days"] {
        assert!(keys.contains(key), "{key}");
    }
    for inner in ["condition", "whole"] {
        assert!(!keys.contains(inner), "{inner}");
    }
}

#[test]
fn shipped_files_agree_with_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for path in ["daybook.example.toml", "examples/beryl/daybook.toml"] {
        let Ok(text) = std::fs::read_to_string(project(path)) else {
            assert_ne!(path, "daybook.example.toml");
            continue;
        };
        let json: Value = toml::from_str(&text).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&json)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(wrong.is_empty(), "{path}: {wrong:#?}");
    }
}

#[test]
fn what_the_example_comments_out_agrees_with_the_schema_too() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let example = std::fs::read_to_string(project("daybook.example.toml")).unwrap();
    let is_key = |line: &&str| {
        let (key, _) = line.split_once(" = ").unwrap_or_default();
        !key.is_empty()
            && key
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter == '_')
    };
    let uncommented: Vec<&str> = example
        .lines()
        .map(|line| line.strip_prefix("# ").filter(is_key).unwrap_or(line))
        .collect();
    assert_ne!(uncommented.join("\n").trim(), example.trim());
    let json: Value = toml::from_str(&uncommented.join("\n")).unwrap();
    assert!(validator.is_valid(&json));
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for wrong in [
        "colect = {}",
        "[collect]\ngrace = 24",
        "[collect]\ngrace = '24 hours'",
        "[app]\nconnections = 17",
        "[retention]\ndays = 0",
        "[alerts]\nwarning = -1",
        "[tables.users]\ncreated_at = 'born'",
        "[[metrics]]\nkey = 'a'\ngood = 'upwards'",
        "[[metrics]]\nkey = 'a'\npercent = { of = 'b', whole = 'c' }",
        "[[calendar]]\nname = 'Easter'",
    ] {
        let json: Value = toml::from_str(wrong).unwrap();
        assert!(!validator.is_valid(&json), "{wrong}");
    }
}

#[test]
fn the_example_is_accepted_without_any_url() {
    // A token that is declared needs its secret.
    let token = ("DAYBOOK_LIVE_TOKEN_SHOP", "long and random");
    let request = Request {
        path: Some(project("daybook.example.toml")),
        environment: [(token.0.to_owned(), token.1.to_owned())].into(),
        cwd: project(""),
    };
    let config = load(&request).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.name, "Beryl");
    assert!(config.apps.is_empty());
    assert_eq!(config.catalog.tables.len(), 4);
}

#[test]
fn the_example_shows_every_key_there_is() {
    let example = std::fs::read_to_string(project("daybook.example.toml")).unwrap();
    let missing: Vec<String> = keys(&schema())
        .into_iter()
        .filter(|key| !is_set(&example, key))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_example_shows_every_word_a_key_can_have() {
    let example = std::fs::read_to_string(project("daybook.example.toml")).unwrap();
    let words: BTreeSet<&str> = example
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .collect();
    let schema = schema();
    let mut wanted = Vec::new();
    visit(&schema, &mut |object| {
        wanted.extend(object.get("const").and_then(Value::as_str));
        let listed = object.get("enum").and_then(Value::as_array);
        wanted.extend(listed.into_iter().flatten().filter_map(Value::as_str));
    });
    assert!(wanted.contains(&"epoch_ms"));
    wanted.retain(|word| !words.contains(word));
    assert!(wanted.is_empty(), "{wanted:?}");
}

/// `key = …`, alone or in braces, commented out or not, or `[…key…]`.
fn is_set(text: &str, key: &str) -> bool {
    text.match_indices(key).any(|(at, _)| {
        let before = text[..at].trim_end_matches(' ').chars().next_back();
        let after = text[at + key.len()..]
            .trim_start_matches(' ')
            .chars()
            .next();
        let assigned = after == Some('=') && before.is_none_or(|letter| "\n#{,".contains(letter));
        let header = before.is_some_and(|letter| "[.".contains(letter))
            && after.is_some_and(|letter| "].".contains(letter));
        assigned || header
    })
}

fn keys(schema: &Value) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    visit(schema, &mut |object| {
        let properties = object.get("properties").and_then(Value::as_object);
        keys.extend(properties.into_iter().flat_map(|each| each.keys().cloned()));
    });
    keys
}

fn visit<'a>(value: &'a Value, see: &mut impl FnMut(&'a serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            see(object);
            object.values().for_each(|inner| visit(inner, see));
        }
        Value::Array(list) => list.iter().for_each(|inner| visit(inner, see)),
        _ => {}
    }
}
