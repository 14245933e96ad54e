//! `daybook live migrate`: what other metrics systems have recorded.

use chrono::DateTime;
use serde_json::{Value as Json, json};

use crate::cli::Migrate;
use crate::config::{Config, LiveSettings};
use crate::live::moving::{
    self, FileReport, Job, Month, MoveError, Reason, Refusals, Report, Sort, Source, Step, Unlike,
    Verdict,
};
use crate::text::counted::counted;

use super::super::progress::Bar;
use super::super::{CommandError, Ended, World, output};
use super::{settings, unavailable};

pub(super) async fn run(
    config: &Config,
    args: &Migrate,
    world: &World,
) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    if !live.is_on {
        return Err(CommandError::Usage(
            "recording is off (`on = false`, or ENABLE_METRICS): nothing is kept, so nothing is migrated"
                .to_owned(),
        ));
    }
    let sources = open(args, live, world).await?;
    let job = Job {
        live,
        zone: config.time_zone,
        now: world.now,
        dry_run: args.dry_run,
        roll_up_older: args.roll_up_older,
        stop: world.stop.clone(),
    };
    let bar = Bar::new(world.stderr_is_terminal);
    let listener = |step, done, of| bar.migrated(described(step), done, of);
    let migrated = moving::migrate(sources, &job, &listener).await;
    bar.clear();
    let report = migrated.map_err(failed)?;
    match args.json {
        true => output::json(&as_json(&report, args.dry_run))?,
        false => say(&report, config, args.dry_run),
    }
    if let Some(message) = report.refused {
        return Err(CommandError::Usage(message));
    }
    let is_sound = report.unlike.is_empty()
        && report.files.iter().all(|file| file.missing == 0)
        && !report.months.iter().any(Month::differs);
    Ok(match is_sound {
        true => Ended::Done,
        false => Ended::Unsound,
    })
}

async fn open(
    args: &Migrate,
    live: &LiveSettings,
    world: &World,
) -> Result<Vec<Source>, CommandError> {
    let mut sources = Vec::new();
    for file in &args.files {
        let path = world.directory.join(file);
        if !path.is_file() {
            return Err(CommandError::Usage(format!(
                "{}: there is no such file",
                file.display()
            )));
        }
        let source = Source::open(&path, file.display().to_string())
            .await
            .map_err(failed)?;
        check_kinds(&source, live)?;
        sources.push(source);
    }
    Ok(sources)
}

fn check_kinds(source: &Source, live: &LiveSettings) -> Result<(), CommandError> {
    let mut kinds = source.sort.kinds().iter();
    match kinds.find(|kind| !live.kinds.contains_key(**kind)) {
        None => Ok(()),
        Some(kind) => Err(CommandError::Usage(format!(
            "{}: the {} needs the kind `{kind}`: add the preset `{}` under [live]",
            source.name,
            source.sort.described(),
            source.sort.preset()
        ))),
    }
}

fn described(step: Step) -> &'static str {
    match step {
        Step::Reading => "reading",
        Step::Migrating => "migrating",
        Step::Recounting => "recounting",
    }
}

fn failed(error: MoveError) -> CommandError {
    match error {
        MoveError::Refused(message) => CommandError::Usage(message),
        MoveError::Source { .. } => CommandError::Unavailable(error.to_string()),
        MoveError::Store(error) => unavailable(error),
        MoveError::Interrupted(_) => CommandError::Failed(error.into()),
    }
}

fn say(report: &Report, config: &Config, dry_run: bool) {
    for file in &report.files {
        say_file(file, dry_run);
    }
    for month in &report.months {
        if let Some(verdict) = in_words(&month.verdict) {
            let Month { kind, .. } = month;
            let start = month_of(month.start, config);
            output::say_line(&format!("{kind}, {start}: {verdict}"));
        }
    }
    for unlike in &report.unlike {
        let Unlike { kind, why, .. } = unlike;
        let start = month_of(unlike.start, config);
        output::say_line(&format!(
            "{kind}, {start}: the {} is not what was taken from it: {why}",
            unlike.sort.described()
        ));
    }
    if dry_run {
        return;
    }
    let points = report.months.iter().map(|month| month.moved).sum::<u64>();
    let is_sound = report.unlike.is_empty() && !report.months.iter().any(Month::differs);
    let verdict = match is_sound && report.files.iter().all(|file| file.missing == 0) {
        true => "equal",
        false => "not equal",
    };
    output::say(&format!(
        "recounted by kind and month: {}, {verdict}",
        counted(points, "point")
    ));
}

fn say_file(file: &FileReport, dry_run: bool) {
    let look = &file.look;
    let (new, kept) = match dry_run {
        true => (look.new, "would be kept"),
        false => (file.kept, "kept"),
    };
    let noun = match file.sort {
        Sort::Log => "line",
        Sort::Bot | Sort::Agents => "row",
    };
    let parts = [
        (new, kept),
        (look.taken, "migrated before"),
        (look.elsewhere, "known from elsewhere"),
        (look.again, "there twice"),
        (look.unfinished, "without an end"),
        (look.passed_over, "that say nothing by themselves"),
        (look.refusals.count, "refused"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .enumerate()
        .filter(|(at, (count, _))| *at == 0 || *count > 0)
        .map(|(_, (count, what))| format!("{count} {what}"))
        .collect();
    output::say_line(&format!(
        "{} ({}): {}: {}",
        file.name,
        file.sort.described(),
        counted(look.records, noun),
        parts.join(", ")
    ));
    say_refusals(&look.refusals);
    if file.missing > 0 {
        output::say_line(&format!(
            "{}: {} not in the store after all",
            file.name,
            counted(file.missing, "record")
        ));
    }
}

fn say_refusals(refusals: &Refusals) {
    for reason in &refusals.reasons {
        let Reason {
            refused,
            count,
            table,
            ids,
        } = reason;
        let ids: Vec<String> = ids.iter().map(id_in_words).collect();
        let more = match *count > ids.len() as u64 {
            true => ", …",
            false => "",
        };
        let error = match refused.field.as_str() {
            "" => refused.error.clone(),
            _ => refused.to_string(),
        };
        output::say_line(&format!(
            "  refused {count} ×: {error} ({table} {}{more})",
            ids.join(", ")
        ));
    }
    if refusals.others > 0 {
        output::say(&format!(
            "  refused {} × for other reasons",
            refusals.others
        ));
    }
}

fn id_in_words(id: &Json) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn in_words(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Equal => None,
        Verdict::AtLeast(others) => Some(format!(
            "others have recorded {} of it meanwhile, so all that can be said is that none is missing",
            counted(*others, "point")
        )),
        Verdict::Gone => Some("its rollups were pruned, and cannot be recounted".to_owned()),
        Verdict::Differs(why) => Some(format!("not equal: {why}")),
    }
}

fn month_of(start: i64, config: &Config) -> String {
    let start = DateTime::from_timestamp(start, 0).unwrap_or_default();
    let local = start.with_timezone(&config.time_zone);
    local.format("%Y-%m").to_string()
}

fn as_json(report: &Report, dry_run: bool) -> Json {
    let files: Vec<Json> = report.files.iter().map(file_as_json).collect();
    let months = report.months.iter().map(|month| {
        let (verdict, details) = match &month.verdict {
            Verdict::Equal => ("equal", Json::Null),
            Verdict::AtLeast(others) => ("at_least", json!(others)),
            Verdict::Gone => ("gone", Json::Null),
            Verdict::Differs(why) => ("differs", json!(why)),
        };
        json!({
            "kind": month.kind, "start": instant(month.start), "before": month.before, "moved": month.moved,
            "held": month.held, "verdict": verdict, "details": details,
        })
    });
    let unlike = report.unlike.iter().map(|unlike| {
        json!({
            "source": unlike.sort.name(), "kind": unlike.kind, "start": instant(unlike.start), "why": unlike.why,
        })
    });
    json!({
        "schema": 1, "dry_run": dry_run, "files": files, "months": months.collect::<Vec<_>>(),
        "unlike": unlike.collect::<Vec<_>>(), "refused": report.refused,
    })
}

fn file_as_json(file: &FileReport) -> Json {
    let look = &file.look;
    let reasons = look.refusals.reasons.iter().map(|reason| {
        json!({
            "count": reason.count, "field": reason.refused.field, "error": reason.refused.error,
            "table": reason.table, "ids": reason.ids,
        })
    });
    json!({
        "path": file.name, "source": file.sort.name(), "records": look.records, "new": look.new,
        "kept": file.kept, "migrated_before": look.taken, "known_from_elsewhere": look.elsewhere,
        "there_twice": look.again, "without_end": look.unfinished, "passed_over": look.passed_over,
        "refused": look.refusals.count, "reasons": reasons.collect::<Vec<_>>(),
        "other_reasons": look.refusals.others, "missing": file.missing,
    })
}

fn instant(seconds: i64) -> String {
    let instant = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    instant.to_rfc3339()
}
