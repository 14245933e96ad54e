//! The man page: one for all commands, so that a search finds every option.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::manual;

pub(super) fn whole(program: Command) -> io::Result<String> {
    let named = program.clone().subcommand_value_name("COMMAND");
    let man = Man::new(named.disable_help_subcommand(true));
    let mut page = title(program.get_version().unwrap_or_default()).into_bytes();
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    text_section("DESCRIPTION", manual::DESCRIPTION).to_writer(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut heading = Roff::new();
    heading.control("SH", ["COMMANDS"]);
    heading.to_writer(&mut page)?;
    for command in program.get_subcommands() {
        describe(command, "daybook", &mut page)?;
    }
    for (title, entries) in manual::LISTS {
        list_section(title, entries).to_writer(&mut page)?;
    }
    text_section("SEE ALSO", manual::SEE_ALSO).to_writer(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// The date is empty, so that the same version makes the same page.
fn title(version: &str) -> String {
    format!(".TH DAYBOOK 1 \"\" \"daybook {version}\" \"Daybook\"\n")
}

/// A command, then the commands inside it.
fn describe(command: &Command, parent: &str, page: &mut Vec<u8>) -> io::Result<()> {
    let called = format!("{parent} {}", command.get_name());
    let alone = command
        .clone()
        .bin_name(&called)
        .disable_help_flag(true)
        .disable_help_subcommand(true);
    let man = Man::new(alone);
    let mut words = Roff::new();
    words.control("SS", [called.as_str()]);
    if let Some(about) = command.get_about() {
        words.text([roman(about.to_string())]);
    }
    words.control("PP", []);
    words.to_writer(page)?;
    page.extend(without_heading(|part| man.render_synopsis_section(part))?);
    page.extend(without_heading(|part| man.render_options_section(part))?);
    if let Some(after) = command.get_after_help() {
        examples(&after.to_string()).to_writer(page)?;
    }
    for inner in command.get_subcommands() {
        describe(inner, &called, page)?;
    }
    Ok(())
}

/// A section's content without its heading, for use inside a command.
fn without_heading(render: impl Fn(&mut dyn io::Write) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut part = Vec::new();
    render(&mut part)?;
    let text = String::from_utf8_lossy(&part);
    // The page's beginning already defines the quotes.
    let wanted = |line: &&str| !line.starts_with(".SH") && !line.contains(" .ds Aq ");
    let lines: Vec<&str> = text.lines().filter(wanted).collect();
    let mut body = String::new();
    for (at, line) in lines.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| lines[before]);
        let beside = [before, lines.get(at + 1).copied()];
        // An empty line already breaks.
        if *line == ".br" && beside.contains(&Some("")) {
            continue;
        }
        body.push_str(line);
        body.push('\n');
    }
    Ok(body.into_bytes())
}

/// Unfilled lines; the first is their title.
fn examples(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut lines = text.lines();
    if let Some(title) = lines.next() {
        roff.control("PP", []);
        roff.text([roman(title)]);
    }
    roff.control("RS", ["4"]);
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line.trim())]);
    }
    roff.control("fi", []);
    roff.control("RE", []);
    roff
}

fn text_section(title: &str, paragraphs: &[&str]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (at, paragraph) in paragraphs.iter().enumerate() {
        if at > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(*paragraph)]);
    }
    roff
}

fn list_section(title: &str, entries: &[(&str, &str)]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (term, text) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*text)]);
    }
    roff
}
