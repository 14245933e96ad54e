//! Points as JSON: a document with what is known of it, or a point a line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::kinds::Kind;
use crate::text::plain::spelled_out;

use super::super::columns::Columns;
use super::super::compat::agents::{Agents, are_theirs};
use super::super::point::{instant, points as each_point};
use super::Request;
use super::slices::Gaps;

pub(super) struct Document {
    /// Only tasks, agents and swarms: they have the form that their readers know.
    pub(super) agents: Option<Agents>,
    has_kinds: bool,
    has_points: bool,
}

impl Document {
    pub(super) fn new(request: &Request) -> Self {
        let kinds = request.selections.iter().map(|selection| &selection.kind);
        Self {
            agents: are_theirs(kinds).then(Agents::default),
            has_kinds: false,
            has_points: false,
        }
    }

    fn list(&self, kind: &str) -> String {
        match self.agents {
            Some(_) => format!("{kind}_metrics"),
            None => kind.to_owned(),
        }
    }

    pub(super) fn begin(&mut self, kind: &Kind, out: &mut Vec<u8>) -> io::Result<()> {
        let before = if self.has_kinds { "],\n" } else { "{" };
        write!(out, "{before}\"{}\":[", self.list(&kind.name))?;
        self.has_kinds = true;
        self.has_points = false;
        Ok(())
    }

    pub(super) fn add(
        &mut self,
        points: &Columns,
        kind: &Kind,
        details: bool,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        for point in each_point(points, &kind.name) {
            let before: &[u8] = if self.has_points { b",\n" } else { b"\n" };
            out.extend(before);
            self.has_points = true;
            let begin = out.len();
            match &mut self.agents {
                Some(agents) => agents.write(points, point.place, &kind.name, details, out)?,
                None => serde_json::to_writer(&mut *out, &point)?,
            }
            spell_out(out, begin);
        }
        Ok(())
    }

    /// What is known at the end stands at the end.
    pub(super) fn end(
        &self,
        request: &Request,
        counts: &[u64],
        gaps: &Gaps,
        percentiles: [Option<f64>; 2],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let kinds = request
            .selections
            .iter()
            .map(|selection| &selection.kind.name);
        let counts = kinds
            .zip(counts)
            .map(|(kind, count)| (self.list(kind), json!(count)));
        let mut info = json!({
            "format": "json",
            "exported_at": instant(request.context.now.timestamp_micros()),
            "time_range": {
                "start": request.start.map(instant),
                "end": request.end.map(instant),
            },
            "record_counts": counts.collect::<Map<String, Json>>(),
            "complete": *gaps == Gaps::default(),
        });
        if !gaps.pruned.is_empty() {
            let pruned = gaps.pruned.iter().map(|(kind, gone)| {
                json!({ "kind": kind, "from": instant(gone.start), "to": instant(gone.end) })
            });
            info["missing"] = pruned.collect();
        }
        if !gaps.broken.is_empty() {
            info["broken"] = json!(gaps.broken);
        }
        let begin = out.len();
        out.extend(b"],\n");
        if let Some(agents) = &self.agents {
            let (summary, nested) = (agents.summary(percentiles), agents.nested());
            write!(out, "\"summary\":{summary},\n\"nested\":{nested},\n")?;
        }
        writeln!(out, "\"export_info\":{info}}}")?;
        spell_out(out, begin);
        Ok(())
    }
}

pub(super) fn lines(points: &Columns, kind: &Kind, out: &mut Vec<u8>) -> io::Result<()> {
    for point in each_point(points, &kind.name) {
        let begin = out.len();
        point.serialize(&mut serde_json::Serializer::new(&mut *out))?;
        out.push(b'\n');
        spell_out(out, begin);
    }
    Ok(())
}

/// What a terminal would hide or obey is spelled as JSON allows it.
fn spell_out(out: &mut Vec<u8>, begin: usize) {
    let is_plain = |byte: &u8| (b' '..0x7f).contains(byte) || *byte == b'\n';
    if out[begin..].iter().all(is_plain) {
        return;
    }
    let text = String::from_utf8_lossy(&out[begin..]).into_owned();
    out.truncate(begin);
    out.extend(spelled_out(&text).as_bytes());
}
