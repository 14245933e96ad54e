//! Addresses as people write them: `ada@example.org` and `Ada Lovelace <ada@example.org>`.

use std::collections::BTreeSet;

use lettre::Address;

use super::Recipient;

/// What SMTP allows between the angle brackets.
const LONGEST_ADDRESS: usize = 254;

const LONGEST_NAME: usize = 100;

/// The name, if there is one, and the address.
pub fn parse(text: &str) -> Result<(Option<String>, String), String> {
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.chars().any(breaks_lines) {
        return Err("it holds a line break or another control character".to_owned());
    }
    let Some(inside) = text.strip_suffix('>') else {
        return Ok((None, address(text)?));
    };
    let (before, inside) = inside
        .split_once('<')
        .ok_or("it ends with `>`, but no `<` stands before the address")?;
    Ok((name(before)?, address(inside)?))
}

/// The name in front of an address; `None` if it is empty.
pub fn name(text: &str) -> Result<Option<String>, String> {
    let text = text.trim_matches(' ');
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let name = quoted.map_or_else(|| text.to_owned(), unescaped);
    if name.chars().any(breaks_lines) {
        return Err("the name holds a line break or another control character".to_owned());
    }
    if name.contains(['<', '>']) {
        return Err("the name holds `<` or `>`".to_owned());
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("the name is longer than {LONGEST_NAME} letters"));
    }
    Ok(Some(name).filter(|name| !name.is_empty()))
}

/// Addresses between commas; a comma in quotes belongs to a name.
pub fn listed(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let (mut in_quotes, mut escaped) = (false, false);
    for letter in text.chars() {
        if letter == ',' && !in_quotes {
            all.push(String::new());
            continue;
        }
        in_quotes ^= letter == '"' && !escaped;
        escaped = in_quotes && letter == '\\' && !escaped;
        if let Some(last) = all.last_mut() {
            last.push(letter);
        }
    }
    all.retain(|one| !one.trim().is_empty());
    all
}

/// The form in which addresses are compared: case does not matter.
pub fn folded(address: &str) -> String {
    address.to_ascii_lowercase()
}

/// The first of each address, whatever its case.
pub fn without_duplicates(all: impl IntoIterator<Item = Recipient>) -> Vec<Recipient> {
    let mut seen = BTreeSet::new();
    let is_new = |one: &Recipient| seen.insert(folded(&one.address));
    all.into_iter().filter(is_new).collect()
}

/// A supposed address, made fit for messages: on one line and not too long.
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .map(|letter| match breaks_lines(letter) {
            true => letter.escape_default().to_string(),
            false => letter.to_string(),
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

fn address(text: &str) -> Result<String, String> {
    if text.contains(char::is_whitespace) {
        return Err("the address holds a space".to_owned());
    }
    let (local, domain) = match text.split('@').collect::<Vec<_>>()[..] {
        [local, domain] => (local, domain),
        [_] => return Err("the address has no `@`".to_owned()),
        _ => return Err("the address has more than one `@`".to_owned()),
    };
    if !local.is_ascii() {
        return Err(
            "before the `@` stands a letter outside ASCII, which many mail servers refuse"
                .to_owned(),
        );
    }
    if !domain.is_ascii() {
        let advice = match url::Host::parse(domain) {
            Ok(ascii) => format!("write `{local}@{ascii}`"),
            Err(_) => "write its ASCII form, which begins with `xn--`".to_owned(),
        };
        return Err(format!("the domain has letters outside ASCII; {advice}"));
    }
    if text.len() > LONGEST_ADDRESS {
        return Err(format!(
            "the address is longer than {LONGEST_ADDRESS} letters"
        ));
    }
    if local.contains(['"', '\\', '(', ')', ',', ':', ';', '<', '>', '[', ']']) {
        return Err("before the `@` stands a quote, a bracket or a separator".to_owned());
    }
    match text.parse::<Address>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("no mail server takes such an address".to_owned()),
    }
}

/// Line breaks and other characters that no header may hold.
fn breaks_lines(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// `\"` and `\\` in a quoted name mean their second letter.
fn unescaped(text: &str) -> String {
    let mut letters = text.chars();
    let mut plain = String::new();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => letters.next().unwrap_or('\\'),
            other => other,
        });
    }
    plain
}
