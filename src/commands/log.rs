//! Log lines on standard error, for `serve`, `live record` and `collect --verbose`.

use std::fmt;
use std::io;

use chrono::{DateTime, SecondsFormat, Utc};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, layer};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::{Collect, Command, Live, Serve};
use crate::text::plain::printable;
use crate::text::secrets::masked;

struct Lines {
    /// With time and level: of a program that runs on.
    dated: bool,
    clock: fn() -> DateTime<Utc>,
}

/// Once, before the command runs.
pub fn start(command: &Command, clock: fn() -> DateTime<Utc>) {
    let (level, dated) = match command {
        Command::Serve(Serve { verbose: true, .. }) => (LevelFilter::DEBUG, true),
        Command::Serve(_) => (LevelFilter::INFO, false),
        Command::Live {
            action: Live::Record(_),
        } => (LevelFilter::INFO, false),
        Command::Collect(Collect { verbose: true, .. }) => (LevelFilter::DEBUG, false),
        _ => return,
    };
    // Libraries would log statements with their values.
    let ours = Targets::new().with_target("daybook", level);
    let lines = layer()
        .event_format(Lines { dated, clock })
        .with_writer(io::stderr)
        // If standard error is closed, nothing is left to do.
        .log_internal_errors(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(ours))
        .init();
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut said = String::new();
        context.format_fields(Writer::new(&mut said), event)?;
        let said = printable(&masked(&said));
        if !self.dated {
            return writeln!(line, "daybook: {said}");
        }
        let time = (self.clock)().to_rfc3339_opts(SecondsFormat::Millis, true);
        writeln!(line, "{time} {:<5} {said}", event.metadata().level())
    }
}
