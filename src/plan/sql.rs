//! Writes SQL text with bound values; equal values share a placeholder.

use crate::catalog::fragment::{Kind, tokens, without_end};
use crate::engine::Engine;

use super::Bind;

pub struct Writer {
    pub engine: Engine,
    pub binds: Vec<Bind>,
    aliases: usize,
}

impl Writer {
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            binds: Vec::new(),
            aliases: 0,
        }
    }

    pub fn bind(&mut self, value: Bind) -> String {
        let at = self
            .binds
            .iter()
            .position(|bound| *bound == value)
            .unwrap_or_else(|| {
                self.binds.push(value);
                self.binds.len() - 1
            });
        match self.engine {
            Engine::Sqlite | Engine::Mysql => format!("?{}", at + 1),
            Engine::Postgres => format!("${}{}", at + 1, postgres_type(&self.binds[at])),
        }
    }

    pub fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("daybook_{}", self.aliases)
    }
}

/// PostgreSQL infers a placeholder's type from its context; an explicit one keeps columns of other types comparable.
fn postgres_type(bind: &Bind) -> &'static str {
    match bind {
        Bind::Instant(_) => "::timestamptz",
        Bind::Local(_) => "::timestamp",
        Bind::Text(_) => "::text",
        Bind::Integer(_) => "::bigint",
        Bind::Instants(_) => "::timestamptz[]",
        Bind::Locals(_) => "::timestamp[]",
        Bind::Integers(_) => "::bigint[]",
        Bind::Texts(_) => "::text[]",
    }
}

/// `"public"."users"` for `public.users`.
pub fn table(name: &str) -> String {
    name.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub fn column(alias: &str, name: &str) -> String {
    format!("{alias}.{}", quoted(name))
}

pub fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// ` WHERE …`, or nothing without conditions.
pub fn filter(conditions: &[String]) -> String {
    match conditions {
        [] => String::new(),
        all => format!(" WHERE {}", all.join(" AND ")),
    }
}

/// Configured SQL calls its row `this`; in a nested query the row has another name.
pub fn renamed(condition: &str, alias: &str, engine: Engine) -> String {
    outside_quotes(condition, engine, |code, at| {
        let before = code[..at].chars().next_back();
        let starts =
            before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_' && letter != '.');
        (starts && code[at..].starts_with("this.")).then(|| ("this".len(), alias.to_owned()))
    })
}

/// A configured query as a subquery, where anything but a single query is an error. The parenthesis needs its own line,
/// or a comment at the end of the query would swallow it.
pub fn wrapped(query: &str) -> String {
    let query = without_end(query);
    format!("SELECT * FROM (\n{query}\n) AS daybook_configured")
}

/// Replaces `:name` parameters by the results of `value`; `::type` and quoted text stay.
pub fn with_parameters(
    query: &str,
    engine: Engine,
    mut value: impl FnMut(&str) -> Option<String>,
) -> String {
    outside_quotes(query, engine, |code, at| {
        let rest = code[at..].strip_prefix(':')?;
        if code[..at].ends_with(':') {
            return None;
        }
        let name: String = rest
            .chars()
            .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
            .collect();
        value(&name).map(|bound| (1 + name.len(), bound))
    })
}

/// Replaces the placeholders `?1`, `?2`, … by the results of `value` for their numbers.
pub fn with_numbers(query: &str, engine: Engine, mut value: impl FnMut(usize) -> String) -> String {
    outside_quotes(query, engine, |code, at| {
        let rest = code[at..].strip_prefix('?')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest[..digits].parse().ok()?;
        Some((1 + digits, value(number)))
    })
}

/// Copies SQL. At each character outside strings, quoted names and comments, `replace` may give the number of bytes to
/// drop and their replacement.
fn outside_quotes(
    sql: &str,
    engine: Engine,
    mut replace: impl FnMut(&str, usize) -> Option<(usize, String)>,
) -> String {
    let mut out = String::with_capacity(sql.len());
    for piece in tokens(sql, engine) {
        if piece.kind != Kind::Code {
            out.push_str(&sql[piece.span]);
            continue;
        }
        let mut at = piece.span.start;
        while let Some(letter) = sql[at..piece.span.end].chars().next() {
            if let Some((swallowed, text)) = replace(sql, at) {
                out.push_str(&text);
                at += swallowed;
            } else {
                out.push(letter);
                at += letter.len_utf8();
            }
        }
    }
    out
}
