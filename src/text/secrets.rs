//! Hides secrets in lines of a configuration, in URLs and in arguments.

use std::ops::Range;

use super::suggest::did_you_mean;

/// A URL, or any other whole argument, without its passwords.
pub fn masked(text: &str) -> String {
    without(&apart(passwords(text)), text, text.len())
}

/// A message may quote a value that stands in the wrong place.
pub(super) fn without_secrets(message: &str) -> String {
    let lines: Vec<String> = message
        .split('\n')
        .map(|line| without(&secrets_of(line), line, line.len()))
        .collect();
    lines.join("\n")
}

/// The text before this byte, each secret replaced by three stars.
pub(super) fn without(secrets: &[Range<usize>], text: &str, until: usize) -> String {
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

/// All secrets of a line, in their order.
pub(super) fn secrets_of(line: &str) -> Vec<Range<usize>> {
    let mut found = passwords(line);
    found.extend(paths(line));
    found.extend(values_of_secrets(line));
    apart(found)
}

/// Sorted, with touching ones merged.
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

/// The path of a web address may be a secret: whoever knows it can call it.
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

/// Other functions hide the secret parts of such an address.
fn has_known_scheme(value: &str) -> bool {
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
            || ADDRESSES.contains(&key) && !has_known_scheme(&line[begin..]);
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
