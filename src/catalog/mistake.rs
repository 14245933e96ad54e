//! One mistake in a configuration file, shown with its line and a caret.

use std::fmt;
use std::ops::Range;

/// A configuration file as read.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    pub text: String,
}

impl Source {
    /// The line on which this byte stands; the first is 1.
    pub fn line_at(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub file: String,
    /// One-based; zero when the mistake belongs to no line.
    pub line: usize,
    pub column: usize,
    pub width: usize,
    pub shown: String,
    pub message: String,
}

impl Mistake {
    pub fn at(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = span.start.min(source.text.len());
        let line_start = source.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = source.text[line_start..].lines().next().unwrap_or_default();
        let begin = (start - line_start).min(line.len());
        let end = span.end.saturating_sub(line_start).clamp(begin, line.len());
        let secrets = secrets_of(line);
        let columns = |until: usize| without(&secrets, line, until).chars().count();
        Self {
            file: source.name.clone(),
            line: source.line_at(start),
            column: columns(begin) + 1,
            width: columns(end).saturating_sub(columns(begin)).max(1),
            shown: without(&secrets, line, line.len()),
            message: harmless(&message.into()),
        }
    }

    /// A mistake that no line of a file shows, such as one in the environment.
    pub fn elsewhere(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: place.into(),
            line: 0,
            column: 0,
            width: 0,
            shown: String::new(),
            message: harmless(&message.into()),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: {}", self.file, self.message);
        }
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let indent = " ".repeat(self.column - 1);
        writeln!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", self.shown)?;
        write!(f, "{gutter} | {indent}{}", "^".repeat(self.width))
    }
}

/// `; did you mean `x`?`, or nothing when no candidate is near.
pub fn did_you_mean<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let found = found.to_lowercase();
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&found, &candidate.to_lowercase());
    let near = candidates
        .iter()
        .map(|candidate| (distance(candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate);
    // Half a name is meant too: `posts` of `total_posts`.
    let holding = candidates
        .iter()
        .filter(|candidate| found.len() >= 3 && candidate.to_lowercase().contains(&found))
        .min_by_key(|candidate| candidate.len());
    near.or(holding.copied())
        .map(|candidate| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

/// A URL, or any other whole argument, without its passwords.
pub fn masked(text: &str) -> String {
    without(&apart(passwords(text)), text, text.len())
}

/// A message may quote a value that stands in the wrong place.
fn harmless(message: &str) -> String {
    let lines: Vec<String> = message
        .split('\n')
        .map(|line| without(&secrets_of(line), line, line.len()))
        .collect();
    lines.join("\n")
}

/// What stands of the text before this byte, each secret replaced by three stars.
fn without(secrets: &[Range<usize>], text: &str, until: usize) -> String {
    let mut shown = String::new();
    let mut at = 0;
    for secret in secrets {
        if secret.start >= until {
            break;
        }
        shown.push_str(&text[at..secret.start]);
        shown.push_str("***");
        at = secret.end;
    }
    shown.push_str(text.get(at..until).unwrap_or_default());
    shown
}

/// All that a line of a file must not show, in its order.
fn secrets_of(line: &str) -> Vec<Range<usize>> {
    let mut found = passwords(line);
    found.extend(paths(line));
    found.extend(values_of_secrets(line));
    apart(found)
}

/// In their order, those that touch made one.
fn apart(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|secret| secret.start);
    let mut apart: Vec<Range<usize>> = Vec::new();
    for secret in found {
        match apart.last_mut() {
            Some(last) if secret.start <= last.end => last.end = last.end.max(secret.end),
            _ => apart.push(secret),
        }
    }
    apart
}

/// Behind its host a web address may be a secret of its own: who knows it may call it.
fn paths(line: &str) -> Vec<Range<usize>> {
    let hosts = line.match_indices("://").filter_map(|(at, slashes)| {
        let is_web = line[..at].ends_with("http") || line[..at].ends_with("https");
        is_web.then_some(at + slashes.len())
    });
    let path = |host: usize| {
        let end = line[host..].find(['"', '\'', '`', ' ', '\t']);
        let end = end.map_or(line.len(), |length| host + length);
        let begin = host + line[host..end].find(['/', '?', '#'])? + 1;
        (begin < end).then_some(begin..end)
    };
    hosts.filter_map(path).collect()
}

/// Keys whose values are web addresses.
const ADDRESSES: [&str; 4] = ["url", "start", "success", "failure"];

/// Of an address with such a beginning it is known what may be a secret in it.
fn is_told_apart(value: &str) -> bool {
    let text = value.trim_start_matches(['"', '\'']);
    let schemes = ["http://", "https://", "sqlite:", "postgres:", "postgresql:"];
    schemes.iter().any(|scheme| text.starts_with(scheme))
}

/// The values of keys called secret or password; a misspelt one is still a secret.
fn values_of_secrets(line: &str) -> Vec<Range<usize>> {
    let value = |(equals, _): (usize, &str)| {
        let before = line[..equals].trim_end().trim_end_matches(['"', '\'']);
        let key = before
            .rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .next()?;
        let behind = &line[equals + 1..];
        let begin = equals + 1 + behind.len() - behind.trim_start().len();
        let is_secret = !did_you_mean(key, ["secret", "password"]).is_empty()
            || ADDRESSES.contains(&key) && !is_told_apart(&line[begin..]);
        let quote = line[begin..].chars().next().filter(|_| is_secret)?;
        let Some(inside) = line[begin..].strip_prefix(['"', '\'']) else {
            return Some(begin..line.trim_end().len());
        };
        let length = inside.find(quote).unwrap_or(inside.len());
        Some(begin + 1..begin + 1 + length)
    };
    let found = line.match_indices('=').filter_map(value);
    found.filter(|secret| !secret.is_empty()).collect()
}

fn passwords(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // A password may hold any character, `@` and quotes too, so it is taken to reach to the last `@`.
    let authority = text.find("://").map_or(0, |at| at + 3);
    if let Some(end) = text.rfind('@').filter(|end| *end > authority)
        && let Some(colon) = text[authority..end].find(':')
    {
        found.push(authority + colon + 1..end);
    }
    let written = text.match_indices("password=");
    found.extend(written.map(|(at, word)| parameter_from(text, at + word.len())));
    let question = text.find('?').unwrap_or(text.len());
    let names = text[question..].match_indices(['?', '&', '#']);
    let starts = names.map(|(at, _)| question + at + 1);
    found.extend(starts.filter_map(|start| secret_parameter(text, start)));
    found.retain(|secret| !secret.is_empty());
    found
}

/// From there to the next parameter. A quote, a space or a `#` may be of a password that was not encoded.
fn parameter_from(text: &str, start: usize) -> Range<usize> {
    let rest = &text[start..];
    start..start + rest.find('&').unwrap_or(rest.trim_end().len())
}

/// The value of a parameter of a URL, if its name is that of a secret, in any spelling that a URL allows.
fn secret_parameter(text: &str, start: usize) -> Option<Range<usize>> {
    let whole = parameter_from(text, start);
    let written = &text[whole.clone()];
    let (name, value) = url::form_urlencoded::parse(written.as_bytes()).next()?;
    // `options=-c password=…`
    let (within, _) = value.rsplit_once('=').unwrap_or_default();
    let is_secret = [&*name, within].iter().any(|name| {
        let name = name.to_lowercase();
        let words = ["pass", "pwd", "secret", "token"];
        words.iter().any(|word| name.contains(word))
    });
    let encoded = written.to_ascii_lowercase().find("%3d");
    let equals = [written.find('=').map(|at| at + 1), encoded.map(|at| at + 3)];
    let equals = equals.into_iter().flatten().min();
    Some(whole.start + equals.filter(|_| is_secret)?..whole.end)
}
