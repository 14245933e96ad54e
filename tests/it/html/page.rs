//! Reads a page strictly: every tag closed in order, every attribute quoted, every entity known.

/// An opening tag; its attributes' entities are read.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn is(&self, name: &str, attribute: &str, value: &str) -> bool {
        self.name == name && self.get(attribute) == Some(value)
    }
}

/// All opening tags, or the first mistake.
pub(super) fn check(html: &str) -> Result<Vec<Tag>, String> {
    let mut rest = html.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
    let (mut open, mut tags) = (Vec::new(), Vec::new());
    loop {
        let (text, markup) = rest.split_once('<').unwrap_or((rest, ""));
        if open.last().is_none_or(|name| name != "style") {
            unescaped(text)?;
        }
        if markup.is_empty() {
            break;
        }
        if let Some(comment) = markup.strip_prefix("!--") {
            let (_, after) = comment
                .split_once("-->")
                .ok_or("a comment without an end")?;
            rest = after;
            continue;
        }
        let (inside, after) = markup.split_once('>').ok_or("a tag without an end")?;
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            let last: Option<String> = open.pop();
            if last.as_deref() != Some(name) {
                return Err(format!("</{name}> closes {last:?}"));
            }
            continue;
        }
        let closed = inside.ends_with('/');
        let tag = tag(inside.trim_end_matches('/').trim_end())?;
        if !closed {
            open.push(tag.name.clone());
        }
        tags.push(tag);
    }
    if open.is_empty() {
        Ok(tags)
    } else {
        Err(format!("still open: {open:?}"))
    }
}

/// The words of a page, and those of its pictures, with single spaces.
pub(super) fn text(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        let (inside, after) = piece.split_once('>').unwrap_or(("", piece));
        if let Some((_, words)) = inside.split_once("alt=\"") {
            text.push_str(&format!(
                " {} ",
                words.split('"').next().unwrap_or_default()
            ));
        }
        text.push(' ');
        text.push_str(after);
    }
    let text = unescaped(&text).unwrap();
    let words = text.split([' ', '\n']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn tag(inside: &str) -> Result<Tag, String> {
    let split = inside.find([' ', '\n']).unwrap_or(inside.len());
    let (name, mut rest) = inside.split_at(split);
    if name.is_empty()
        || !name
            .bytes()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    {
        return Err(format!("<{inside}> has no name"));
    }
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.trim().is_empty() {
        let (key, after) = rest
            .trim_start()
            .split_once("=\"")
            .ok_or(format!("<{inside}>: not quoted"))?;
        let (value, after) = after
            .split_once('"')
            .ok_or(format!("<{inside}>: no second quote"))?;
        let known = attributes.iter().any(|(known, _)| known == key);
        if known
            || !key
                .bytes()
                .all(|letter| letter.is_ascii_lowercase() || b"-:".contains(&letter))
        {
            return Err(format!("<{inside}>: {key}"));
        }
        attributes.push((key.to_owned(), unescaped(value)?));
        rest = after;
    }
    Ok(Tag {
        name: name.to_owned(),
        attributes,
    })
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut pieces = text.split('&');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (entity, after) = piece
            .split_once(';')
            .ok_or(format!("&{piece}: not an entity"))?;
        let number = entity
            .strip_prefix('#')
            .and_then(|number| number.parse().ok());
        let letter = number
            .and_then(char::from_u32)
            .ok_or(format!("&{entity}; is unknown"))?;
        out.push(letter);
        out.push_str(after);
    }
    Ok(out)
}
