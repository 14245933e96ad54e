//! Families and samples as text, in the form that Prometheus and OpenMetrics have in common.

use std::borrow::Cow;
use std::fmt::{Display, Write};

use super::plain::spelled_out;

/// A format of Prometheus, with its form of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The text format, milliseconds: what VictoriaMetrics imports.
    Prometheus,
    /// OpenMetrics, seconds: what promtool makes blocks of.
    OpenMetrics,
}

/// Announces the series of a name. Names that end like a counter's belong to no gauge.
pub fn family(out: &mut String, name: &str, help: &str, form: Form) {
    let kind = match (name.ends_with("_total"), form) {
        (false, _) => "gauge",
        (true, Form::Prometheus) => "untyped",
        (true, Form::OpenMetrics) => "unknown",
    };
    announce(out, name, help, kind, form);
}

/// The same for what only grows while a server runs.
pub fn counter(out: &mut String, name: &str, help: &str) {
    announce(out, name, help, "counter", Form::Prometheus);
}

fn announce(out: &mut String, name: &str, help: &str, kind: &str, form: Form) {
    let help = match form {
        Form::Prometheus => escaped(help),
        Form::OpenMetrics => quotable(help),
    };
    push(
        out,
        format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"),
    );
}

/// Labels are already escaped, as [`labels`] does.
pub fn sample(out: &mut String, name: &str, labels: &str, value: impl Display) {
    push(out, format_args!("{name}{labels} {value}"));
}

/// The same on a line of its own.
pub fn line(out: &mut String, name: &str, labels: &str, value: impl Display) {
    sample(out, name, labels, value);
    out.push('\n');
}

/// `{key="7",label="a \"b\""}`; nothing where there is none.
pub fn labels(named: &[(&str, &str)]) -> String {
    let mut all = String::new();
    for (at, (name, value)) in named.iter().enumerate() {
        let begin = if at == 0 { '{' } else { ',' };
        let value = quotable(value);
        push(&mut all, format_args!("{begin}{name}=\"{value}\""));
    }
    if !all.is_empty() {
        all.push('}');
    }
    all
}

/// The format allows control characters, but people read it on terminals.
fn escaped(text: &str) -> Cow<'_, str> {
    match spelled_out(text) {
        text if text.contains(['\\', '\n']) => {
            Cow::Owned(text.replace('\\', "\\\\").replace('\n', "\\n"))
        }
        text => text,
    }
}

fn quotable(text: &str) -> Cow<'_, str> {
    match escaped(text) {
        text if text.contains('"') => Cow::Owned(text.replace('"', "\\\"")),
        text => text,
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes everything");
}
