//! A report as its reader finds it, read back from the page and from the text.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::read_page::{self, Element, Node};

#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) verdict: String,
    /// Word and sentences.
    pub(super) highlights: Vec<(String, String)>,
    pub(super) sections: Vec<Section>,
    /// Title and lines.
    pub(super) notes: Vec<(String, Vec<String>)>,
}

#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) name: String,
    /// The day and the three days compared with.
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) label: String,
    pub(super) value: String,
    /// Each with what is remarked of it.
    pub(super) changes: Vec<String>,
    pub(super) usual: Option<String>,
    /// What the picture says; only a page has it.
    pub(super) trend: Option<String>,
    /// Label, value, share in percent as said.
    pub(super) parts: Vec<(String, String, String)>,
}

pub(super) fn page(html: &str) -> Told {
    let page = read_page::read(html);
    let mut told = Told {
        verdict: page.first("h1").unwrap().text(),
        ..Told::default()
    };
    let highlights = page.all("table").into_iter().find(|one| one.has_class("u"));
    for row in highlights
        .map(|highlights| highlights.all("tr"))
        .unwrap_or_default()
    {
        let cells: Vec<String> = row.children().map(Element::text).collect();
        if !cells[0].is_empty() {
            told.highlights.push((cells[0].clone(), cells[1].clone()));
        }
    }
    let names = page.all("h2").into_iter().map(Element::text);
    let tables = page.all("table").into_iter();
    for (name, table) in names.zip(tables.filter(|one| one.has_class("d"))) {
        told.sections.push(section(name, table));
    }
    let is_note = |row: &&Element| {
        let style = row.children().next().and_then(|cell| cell.get("style"));
        style.is_some_and(|style| style.starts_with("padding:10px 0 0;font-weight:bold"))
    };
    for table in page.all("table") {
        let rows: Vec<&Element> = table.children().filter(|one| one.name == "tr").collect();
        if !rows.first().is_some_and(is_note) {
            continue;
        }
        for row in rows {
            if is_note(&row) {
                told.notes.push((row.text(), Vec::new()));
            } else {
                told.notes.last_mut().unwrap().1.push(row.text());
            }
        }
    }
    told
}

fn section(name: String, table: &Element) -> Section {
    let heads = table.first("thead").unwrap().all("th").into_iter();
    let mut section = Section {
        name,
        heads: heads.skip(1).take(4).map(Element::text).collect(),
        rows: Vec::new(),
    };
    for row in table.first("tbody").unwrap().children() {
        let cells: Vec<&Element> = row.children().collect();
        if row.has_class("q") {
            let share = cells[2].first("table").and_then(|bar| bar.get("width"));
            section.rows.last_mut().unwrap().parts.push((
                cells[0].text(),
                cells[1].text(),
                share.unwrap_or("0%").to_owned(),
            ));
            continue;
        }
        let changes = cells[2..].iter().take(3);
        let changes = changes.filter(|_| cells[2].get("colspan").is_none());
        let picture = cells.last().and_then(|cell| cell.first("img"));
        section.rows.push(Row {
            label: without_remark(cells[0]),
            value: without_remark(cells[1]),
            changes: changes.map(|cell| cell.text()).collect(),
            usual: cells[0].first("small").map(Element::text),
            trend: picture
                .and_then(|image| image.get("alt"))
                .map(str::to_owned),
            parts: Vec::new(),
        });
    }
    section
}

fn without_remark(cell: &Element) -> String {
    fn without(element: &mut Element) {
        element
            .inside
            .retain(|node| !matches!(node, Node::Element(one) if one.name == "small"));
        for node in &mut element.inside {
            if let Node::Element(one) = node {
                without(one);
            }
        }
    }
    let mut cell = cell.clone();
    without(&mut cell);
    cell.text()
}

/// `words` are those with which a matter begins.
pub(super) fn text(text: &str, words: &[&str]) -> Told {
    let blocks: Vec<Vec<&str>> = text
        .replace("\r\n", "\n")
        .leak()
        .split("\n\n")
        .map(|block| block.trim_end_matches('\n').split('\n').collect())
        .collect();
    let mut told = Told::default();
    for block in blocks {
        let line = "-".repeat(78);
        let begins = |line: &&str| line.starts_with("-\u{a0}");
        if block.len() > 1 && block[1].starts_with("====") {
            told.verdict = block[0].to_owned();
        } else if let Some(at) = block.iter().position(|one| *one == line) {
            told.sections.push(table(&block, at));
        } else if let Some((word, sentences)) = highlight(&block, words) {
            told.highlights.push((word, sentences));
        } else if let Some(at) = block.iter().position(begins) {
            let lines = joined(&block[at..], &begins);
            let lines = lines.iter().map(|line| line.replacen("-\u{a0}", "", 1));
            told.notes.push((block[..at].join(" "), lines.collect()));
        }
    }
    told
}

fn highlight(block: &[&str], words: &[&str]) -> Option<(String, String)> {
    let all = joined(block, &|line| !line.starts_with(' '))
        .into_iter()
        .next()?;
    let (word, sentences) = all.split_once(": ")?;
    let known = words.contains(&word);
    known.then(|| (word.to_owned(), sentences.to_owned()))
}

/// Lines that go on are put behind the one they belong to.
fn joined(lines: &[&str], begins: &dyn Fn(&&str) -> bool) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in lines {
        match all.last_mut() {
            Some(last) if !begins(line) => *last = format!("{last} {}", line.trim_start()),
            _ => all.push((*line).to_owned()),
        }
    }
    all
}

/// Columns of 12 for each change, 2 between them.
const CHANGE: usize = 14;
const WIDTH: usize = 78;

fn table(block: &[&str], line: usize) -> Section {
    let (_, heads) = cut(block[line - 1]);
    let value = block[line - 1].trim_start().split("  ").next().unwrap();
    let mut section = Section {
        // Above the dates stands what they are for.
        name: joined(&block[..line - 2], &|_| false).join(" "),
        heads: [vec![value.to_owned()], heads].concat(),
        rows: Vec::new(),
    };
    let mut in_remark = false;
    for line in &block[line + 1..] {
        if line.starts_with("  (") {
            in_remark = true;
            section.rows.last_mut().unwrap().usual = Some(line.trim_start().to_owned());
            continue;
        }
        let goes_on = line.starts_with(' ');
        if goes_on && in_remark {
            let usual = section.rows.last_mut().unwrap().usual.as_mut().unwrap();
            *usual = format!("{usual} {}", line.trim_start());
            continue;
        }
        in_remark = false;
        let (left, cells) = cut(line);
        let is_part = line.starts_with("-\u{a0}");
        match (goes_on, is_part) {
            (true, _) => continue_row(section.rows.last_mut().unwrap(), &left, &cells),
            (false, true) => {
                let (label, value) = first_line(&left);
                let label = label.replacen("-\u{a0}", "", 1);
                let parts = &mut section.rows.last_mut().unwrap().parts;
                parts.push((label, value, cells[0].clone()));
            }
            (false, false) => {
                let (label, value) = first_line(&left);
                section.rows.push(Row {
                    label,
                    value,
                    changes: cells,
                    ..Row::default()
                });
            }
        }
    }
    for row in &mut section.rows {
        row.changes.retain(|_| row.parts.is_empty());
    }
    section
}

fn first_line(left: &str) -> (String, String) {
    let (label, value) = left.split_once("  ").unwrap_or((left, ""));
    (label.trim().to_owned(), value.trim().to_owned())
}

/// Further lines of a label stand two spaces in, those of a value at its own place.
fn continue_row(row: &mut Row, left: &str, cells: &[String]) {
    let indent = left.len() - left.trim_start_matches(' ').len();
    let (label, value) = match indent {
        2 => first_line(left.trim_start()),
        _ => (String::new(), left.trim().to_owned()),
    };
    let add = |text: &mut String, more: &str| {
        if !more.is_empty() {
            *text = format!("{text} {more}").trim().to_owned();
        }
    };
    if let Some((part, amount, _)) = row.parts.last_mut() {
        add(part, &label);
        add(amount, &value);
        return;
    }
    add(&mut row.label, &label);
    add(&mut row.value, &value);
    for (change, more) in row.changes.iter_mut().zip(cells) {
        add(change, more);
    }
}

/// What stands left of the changes, and the three changes: their letters are one column wide each.
fn cut(line: &str) -> (String, Vec<String>) {
    let mut rest = line;
    let mut cells = vec![String::new(); 3];
    for (at, cell) in cells.iter_mut().enumerate().rev() {
        let begin = WIDTH - CHANGE * (3 - at);
        let mut columns = rest.width().saturating_sub(begin);
        let mut end = rest.len();
        while columns > 0 {
            let letter = rest[..end].chars().next_back().unwrap();
            columns -= letter.width().unwrap();
            end -= letter.len_utf8();
        }
        *cell = rest[end..].trim_matches(' ').to_owned();
        rest = rest[..end].trim_end_matches(' ');
    }
    (rest.to_owned(), cells)
}
