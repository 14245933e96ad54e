//! The rows of `config show`.

/// A setting's path and its value.
pub(super) type Row = (String, String);

/// The rows of one section.
pub(super) fn section<'a>(
    name: &str,
    rows: impl IntoIterator<Item = (&'a str, String)>,
) -> Vec<Row> {
    rows.into_iter()
        .map(|(key, value)| (format!("{name}.{key}"), value))
        .collect()
}

pub(super) fn or_not_set(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "not set".to_owned(), |value| value.to_string())
}

/// An address, with its name if it has one.
pub(super) fn named(name: Option<&str>, address: &str) -> String {
    match name {
        Some(name) => format!("{name} <{address}>"),
        None => address.to_owned(),
    }
}
