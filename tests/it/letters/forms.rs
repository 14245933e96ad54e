//! The same letters as a page, as a message and as JSON, each compared with its file.

use daybook::render::json;
use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{ENGLISH, assert_same_as_files, mail};
use crate::posted::posted;
use crate::read_page::{self, Element};
use crate::sample_letters;

/// The pages kept to the byte; of all others what a reader sees is.
const WHOLE: [&str; 3] = ["critical", "quiet", "failed_night"];

/// The letter whose file has the numbers of its trends; they make up half of such a file.
const TRENDS: &str = "critical";

#[test]
fn every_sample_letter_looks_as_its_file() {
    let letters = sample_letters::all().into_iter();
    assert_same_as_files(letters.map(|(name, letter)| {
        let html = mail(&letter, ENGLISH).html;
        if WHOLE.contains(&name) {
            (format!("{name}.html"), html)
        } else {
            (format!("{name}.page.txt"), seen(&html))
        }
    }));
}

#[test]
fn every_sample_letter_travels_as_its_file() {
    let letters = sample_letters::all().into_iter();
    assert_same_as_files(letters.map(|(name, letter)| {
        let (_, bytes) = posted(&letter, ENGLISH);
        (format!("{name}.mime.txt"), told(&bytes))
    }));
}

#[test]
fn every_sample_letter_is_the_json_of_its_file() {
    let letters = sample_letters::all().into_iter();
    assert_same_as_files(letters.map(|(name, letter)| {
        let mut json = json::letter(&letter);
        if name != TRENDS {
            without_trends(&mut json);
        }
        (format!("{name}.json"), in_lines(&json))
    }));
}

/// A line for each row of a page, with what its cells are marked as.
fn seen(html: &str) -> String {
    let page = read_page::read(html);
    let title = page.first("title").unwrap().text();
    let mut lines = vec![format!("title: {title}")];
    for row in page.all("tr") {
        let is_layout = row.first("tr").is_some() && !row.has_class("q");
        if !is_layout {
            let cells: Vec<String> = row.children().map(cell).collect();
            lines.push(cells.join(" | ").trim_end().to_owned());
        }
    }
    // What is only colour.
    lines.retain(|line| !line.is_empty());
    lines.join("\n") + "\n"
}

fn cell(cell: &Element) -> String {
    let heading = match (cell.first("h1"), cell.first("h2")) {
        (Some(_), _) => "# ",
        (_, Some(_)) => "## ",
        _ => "",
    };
    let picture = cell.first("img").map(|image| {
        let get = |name: &str| image.get(name).unwrap();
        let (source, alt) = (get("src"), get("alt"));
        format!("[{source} {}x{}: {alt}]", get("width"), get("height"))
    });
    let bar = cell.first("table").map(|bar| {
        let width = bar.get("width").unwrap();
        format!("[bar {width}]")
    });
    let link = cell.first("a").map(|link| {
        let address = link.get("href").unwrap();
        format!(" <{address}>")
    });
    let marked = tone(cell).or_else(|| cell.first("span").and_then(tone));
    let marked = marked.map_or_else(String::new, |tone| format!("{tone}: "));
    let shown = picture.or(bar).unwrap_or_else(|| cell.text());
    format!("{marked}{heading}{shown}{}", link.unwrap_or_default())
}

fn tone(element: &Element) -> Option<&'static str> {
    let tones = [("c", "critical"), ("w", "warning"), ("g", "good")];
    let found = tones
        .into_iter()
        .find(|(class, _)| element.has_class(class));
    found.map(|(_, tone)| tone)
}

/// The headers as they stand, then the parts: texts are in files of their own, so only their form is told.
fn told(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    let head = without_boundary(&head.replace("\r\n", "\n"));
    let read = MessageParser::default().parse(bytes).unwrap();
    let mut lines = vec![head, String::new()];
    part(&read, 0, 0, &mut lines);
    lines.join("\n") + "\n"
}

/// Boundaries follow from the content.
fn without_boundary(head: &str) -> String {
    let Some((before, after)) = head.split_once("boundary=\"") else {
        return head.to_owned();
    };
    let (boundary, after) = after.split_once('"').unwrap();
    let (kind, hash) = boundary.rsplit_once('_').unwrap();
    assert!(hash.len() == 24 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()));
    format!("{before}boundary=\"{kind}_…\"{after}")
}

fn part(read: &Message<'_>, at: u32, depth: usize, lines: &mut Vec<String>) {
    let part = &read.parts[at as usize];
    let kind = part.content_type().unwrap();
    let mut line = format!(
        "{}{}/{}",
        "  ".repeat(depth),
        kind.ctype(),
        kind.subtype().unwrap()
    );
    for name in ["charset", "name", "type"] {
        line += &kind
            .attribute(name)
            .map_or_else(String::new, |value| format!("; {name}={value}"));
    }
    let disposition = part.content_disposition();
    let words = [
        part.content_transfer_encoding(),
        disposition.map(|disposition| disposition.ctype()),
        part.attachment_name().filter(|_| disposition.is_some()),
        part.content_id(),
    ];
    for word in words.into_iter().flatten() {
        line += &format!(", {word}");
    }
    if let PartType::Binary(content) | PartType::InlineBinary(content) = &part.body {
        let digest: Vec<String> = Sha256::digest(content)[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        line += &format!(", {} bytes, sha256 {}…", content.len(), digest.concat());
    }
    lines.push(line);
    if let PartType::Multipart(inside) = &part.body {
        for at in inside {
            self::part(read, *at, depth + 1, lines);
        }
    }
}

fn without_trends(letter: &mut Json) {
    let metrics = letter.get_mut("metrics").and_then(Json::as_array_mut);
    for metric in metrics.into_iter().flatten() {
        let trend = metric["trend"].as_array().unwrap();
        let known = trend.iter().filter(|number| !number.is_null()).count();
        metric["trend"] = format!("{known} of {}", trend.len()).into();
    }
}

/// A line for each key, and for each metric, matter, correction.
fn in_lines(letter: &Json) -> String {
    let keys = letter.as_object().unwrap().iter();
    let lines: Vec<String> = keys
        .map(|(key, value)| match value {
            Json::Array(all) if all.first().is_some_and(Json::is_object) => {
                let all: Vec<String> = all.iter().map(|one| format!("    {one}")).collect();
                format!("  \"{key}\": [\n{}\n  ]", all.join(",\n"))
            }
            value => format!("  \"{key}\": {value}"),
        })
        .collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}
