//! SQL that is put between other SQL is whole: quotes, comments and parentheses end in it, and it is one statement.

use std::collections::BTreeMap;

use crate::catalog::document::{Document, Node};
use crate::catalog::fragment::{Fragment, flaw};
use crate::catalog::gather::Written;
use crate::engine::Engine;
use crate::text::mistake::Mistake;

/// SQL is read by the rules of its engine, which the settings name. If a database's URL is not known, only what is wrong on
/// every engine is reported.
pub fn sql_is_whole(
    documents: &[Document<'_>],
    engines: &BTreeMap<String, Engine>,
    mistakes: &mut Vec<Mistake>,
) {
    let written = Written::gather(documents, &mut Vec::new());
    let engine = |database: &str| engines.get(database).copied();
    for (_, table, node) in &written.tables {
        let text = table.condition.as_deref();
        let engine = engine(&table.database);
        mistakes.extend(broken(text, *node, "where", Fragment::Condition, engine));
    }
    for (metric, node) in &written.metrics {
        let mut tables = written.tables.iter();
        let table = tables.find(|(id, ..)| Some(id) == metric.table.as_ref());
        let of_table = table.and_then(|(_, table, _)| engine(&table.database));
        let text = metric.condition.as_deref();
        mistakes.extend(broken(text, *node, "where", Fragment::Condition, of_table));
        let text = metric.sql.as_deref();
        let asked = engine(&metric.database);
        mistakes.extend(broken(text, *node, "sql", Fragment::Query, asked));
    }
    if let Some(main) = documents.first()
        && let Some(report) = main.get("report")
    {
        let node = Node {
            document: main,
            value: report,
            flawed: false,
        };
        let text = |key: &str| report.get_ref().get(key)?.get_ref().as_str();
        let asked = engine(text("recipients_database").unwrap_or_default());
        let key = "recipients_sql";
        mistakes.extend(broken(text(key), node, key, Fragment::Query, asked));
    }
}

fn broken(
    text: Option<&str>,
    node: Node<'_>,
    key: &str,
    fragment: Fragment,
    engine: Option<Engine>,
) -> Option<Mistake> {
    let text = text?;
    let engines = match engine {
        Some(known) => vec![known],
        None => vec![Engine::Postgres, Engine::Mysql, Engine::Sqlite],
    };
    let flaws: Option<Vec<_>> = engines
        .into_iter()
        .map(|engine| flaw(text, fragment, engine))
        .collect();
    let (span, why) = flaws?.swap_remove(0);
    let span = node.document.part(node.value, key, text, span);
    Some(node.document.mistake(span, format!("`{key}`: {why}")))
}
