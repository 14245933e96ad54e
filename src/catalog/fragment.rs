//! SQL from settings, split into code, quotes and comments: it is put between other SQL, and must not end there what it
//! does not begin.

use std::ops::Range;

use crate::engine::Engine;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Code,
    Quoted,
    Comment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub span: Range<usize>,
    /// It ends before the text does.
    pub closed: bool,
}

/// What a fragment is put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fragment {
    /// Between parentheses, on their line.
    Condition,
    /// Between parentheses, on lines of its own.
    Query,
}

/// All of the text as tokens.
pub fn tokens(sql: &str, engine: Engine) -> Vec<Token> {
    let mut all = Vec::new();
    let (mut code_from, mut at) = (0, 0);
    while let Some(letter) = sql[at..].chars().next() {
        let Some(token) = token_at(sql, at, engine) else {
            at += letter.len_utf8();
            continue;
        };
        all.extend(code(code_from..at));
        at = token.span.end;
        code_from = at;
        all.push(token);
    }
    all.extend(code(code_from..at));
    all
}

fn code(span: Range<usize>) -> Option<Token> {
    let kind = Kind::Code;
    let closed = true;
    (!span.is_empty()).then_some(Token { kind, span, closed })
}

/// The quoted text or comment that begins here.
fn token_at(sql: &str, at: usize, engine: Engine) -> Option<Token> {
    let rest = &sql[at..];
    let (kind, length) = match rest.chars().next()? {
        '\'' if engine == Engine::Postgres && has_escapes(sql, at) => {
            (Kind::Quoted, escaped_length(rest))
        }
        quote @ ('\'' | '"') => (Kind::Quoted, length_until(rest, 1, quote)),
        '`' if engine != Engine::Postgres => (Kind::Quoted, length_until(rest, 1, '`')),
        '[' if engine == Engine::Sqlite => (Kind::Quoted, length_until(rest, 1, ']')),
        '$' if engine == Engine::Postgres => (Kind::Quoted, dollar_length(sql, at)?),
        '/' if rest.starts_with("/*") => (Kind::Comment, block_length(rest, engine)),
        '-' if begins_comment(rest, engine) => (Kind::Comment, line_length(rest, engine)),
        '#' if engine == Engine::Mysql => (Kind::Comment, line_length(rest, engine)),
        _ => return None,
    };
    Some(Token {
        kind,
        span: at..at + length.unwrap_or(rest.len()),
        closed: length.is_some(),
    })
}

/// In MySQL `5--3` is a sum.
fn begins_comment(rest: &str, engine: Engine) -> bool {
    rest.strip_prefix("--").is_some_and(|after| {
        engine != Engine::Mysql
            || after
                .chars()
                .next()
                .is_none_or(|next| next.is_whitespace() || next.is_control())
    })
}

fn length_until(rest: &str, from: usize, end: char) -> Option<usize> {
    let found = rest[from..].find(end)?;
    Some(from + found + end.len_utf8())
}

/// Without the line's end, which is code again.
fn line_length(rest: &str, engine: Engine) -> Option<usize> {
    match engine {
        Engine::Postgres => rest.find(['\n', '\r']),
        Engine::Sqlite | Engine::Mysql => rest.find('\n'),
    }
}

/// PostgreSQL's comments hold others.
fn block_length(rest: &str, engine: Engine) -> Option<usize> {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let end = rest[at..].find("*/")?;
        let begin = rest[at..].find("/*").filter(|begin| *begin < end);
        match begin.filter(|_| engine == Engine::Postgres) {
            Some(begin) => {
                depth += 1;
                at += begin + 2;
            }
            None => {
                depth -= 1;
                at += end + 2;
            }
        }
    }
    Some(at)
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$' || !letter.is_ascii()
}

/// `E'it\'s'`
fn has_escapes(sql: &str, at: usize) -> bool {
    let mut before = sql[..at].chars().rev();
    before
        .next()
        .is_some_and(|letter| letter.eq_ignore_ascii_case(&'e'))
        && !before.next().is_some_and(is_of_name)
}

fn escaped_length(rest: &str) -> Option<usize> {
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '\'' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// `$$ … $$` and `$word$ … $word$`; `$1` and `a$b` are no quotes. Nothing, or whether and where it ends.
fn dollar_length(sql: &str, at: usize) -> Option<Option<usize>> {
    if sql[..at].chars().next_back().is_some_and(is_of_name) {
        return None;
    }
    let rest = &sql[at..];
    let tag = &rest[..length_until(rest, 1, '$')?];
    let word = &tag[1..tag.len() - 1];
    let is_word = !word.starts_with(|first: char| first.is_ascii_digit())
        && word
            .chars()
            .all(|letter| is_of_name(letter) && letter != '$');
    is_word.then(|| {
        let end = rest[tag.len()..].find(tag)?;
        Some(tag.len() + end + tag.len())
    })
}

/// A query without the semicolons that end it.
pub fn without_end(query: &str) -> &str {
    query
        .trim_start()
        .trim_end_matches(|letter: char| letter.is_whitespace() || letter == ';')
}

/// Why the fragment cannot be used, and the part at fault.
pub fn flaw(sql: &str, fragment: Fragment, engine: Engine) -> Option<(Range<usize>, &'static str)> {
    let end = match fragment {
        Fragment::Query => sql.trim_start().len() - without_end(sql).len(),
        Fragment::Condition => 0,
    };
    let sql = &sql[..sql.len() - end];
    let mut open = Vec::new();
    for token in tokens(sql, engine) {
        let text = &sql[token.span.clone()];
        let wrong = match token.kind {
            Kind::Code => code_flaw(text, token.span.start, fragment, &mut open),
            Kind::Quoted => (!token.closed).then(|| {
                let quote = token.span.start..token.span.start + 1;
                (quote, "this quote is never closed")
            }),
            Kind::Comment => comment_flaw(text, &token, fragment, engine),
        };
        if wrong.is_some() {
            return wrong;
        }
    }
    let first = *open.first()?;
    Some((first..first + 1, "this parenthesis is never closed"))
}

fn code_flaw(
    code: &str,
    from: usize,
    fragment: Fragment,
    open: &mut Vec<usize>,
) -> Option<(Range<usize>, &'static str)> {
    for (at, letter) in code.char_indices() {
        let place = from + at;
        match letter {
            '(' => open.push(place),
            ')' if open.pop().is_none() => {
                return Some((place..place + 1, "unmatched closing parenthesis"));
            }
            ';' => {
                let why = match fragment {
                    Fragment::Condition => "a condition has no `;` in it",
                    Fragment::Query => "only one query is allowed: remove what follows this `;`",
                };
                return Some((place..place + 1, why));
            }
            _ => {}
        }
    }
    None
}

fn comment_flaw(
    text: &str,
    token: &Token,
    fragment: Fragment,
    engine: Engine,
) -> Option<(Range<usize>, &'static str)> {
    let is_run = text.starts_with("/*!") || text.to_ascii_uppercase().starts_with("/*M!");
    let why = match (text.starts_with("/*"), token.closed) {
        (true, true) if engine == Engine::Mysql && is_run => {
            "MySQL executes this kind of comment: remove the comment markers"
        }
        (true, false) => "this comment is never closed",
        (false, false) if fragment == Fragment::Condition => {
            "this comment would swallow what comes after the condition: write it as `/* … */`"
        }
        _ => return None,
    };
    Some((token.span.start..token.span.start + 2.min(text.len()), why))
}
