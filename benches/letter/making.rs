//! From the stored days to the bytes that travel, step by step.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use daybook::compare::{self, Judgement};
use daybook::config::Sender;
use daybook::deliver::message::{Head, message};
use daybook::locale::{Language, Locale, Numbers};
use daybook::render::mail::{Mail, mail};
use daybook::render::{html, text, view};
use daybook::report::{self, Letter, Report};

use crate::sample::Sample;
use crate::table::{self, median};

const ROUNDS: usize = 41;

const GERMAN: Locale = Locale {
    language: Language::German,
    numbers: Numbers::German,
};

/// A step by its name, done again whenever it is asked for.
type Step<'a> = (&'static str, Box<dyn Fn() + 'a>);

pub(crate) fn by_steps(few: &Sample, many: &Sample) -> Result<()> {
    let (few_made, many_made) = (Made::from_sample(few)?, Made::from_sample(many)?);
    let (few_steps, many_steps) = (steps(few, &few_made), steps(many, &many_made));
    let (few_times, many_times) = (by_turns(&few_steps), by_turns(&many_steps));
    let names = few_steps.iter().map(|(name, _)| *name);
    let rows = names.zip(few_times.iter().zip(&many_times));
    table::print(
        [
            "what",
            &format!("{} metrics", few.catalog.metrics.len()),
            "fastest … slowest",
            &format!("{} metrics", many.catalog.metrics.len()),
            "fastest … slowest",
        ],
        rows.map(|(name, (few, many))| {
            [
                name.to_owned(),
                table::seconds(median(few)),
                table::spread(few),
                table::seconds(median(many)),
                table::spread(many),
            ]
        }),
    );
    Ok(())
}

pub(crate) fn sizes(samples: &[&Sample]) -> Result<()> {
    let mut rows = Vec::new();
    for sample in samples {
        let Made { mail, .. } = Made::from_sample(sample)?;
        let pictures: usize = mail.pictures.iter().map(|picture| picture.png.len()).sum();
        let left_out = mail.csv.as_ref().map_or("", |_| "yes");
        rows.push([
            format!("{} metrics", sample.catalog.metrics.len()),
            kilobytes(mail.html.len()),
            kilobytes(mail.text.len()),
            format!("{} of {}", kilobytes(pictures), mail.pictures.len()),
            left_out.to_owned(),
            kilobytes(bytes(sample, &mail).len()),
        ]);
    }
    let heads = [
        "report",
        "HTML",
        "text",
        "pictures",
        "table attached",
        "whole message",
    ];
    table::print(heads, rows);
    Ok(())
}

pub(crate) fn message_of(sample: &Sample) -> Result<Vec<u8>> {
    let Made { mail, .. } = Made::from_sample(sample)?;
    Ok(bytes(sample, &mail))
}

/// What each step begins with.
struct Made {
    judgement: Judgement,
    letter: Letter,
    view: view::View,
    mail: Mail,
}

impl Made {
    fn from_sample(sample: &Sample) -> Result<Self> {
        let judgement = judged(sample);
        let report = reported(sample, &judgement).context("the day is stored")?;
        let letter = sample.letter(report);
        Ok(Self {
            view: view::view(&letter, Locale::default()),
            mail: mail(&letter, Locale::default()),
            judgement,
            letter,
        })
    }
}

fn steps<'a>(sample: &'a Sample, made: &'a Made) -> Vec<Step<'a>> {
    let written = |locale: Locale| {
        let mail = mail(&made.letter, locale);
        bytes(sample, &mail)
    };
    let from_judgement = |judgement: &Judgement| {
        let letter = reported(sample, judgement).map(|report| sample.letter(report));
        letter.map(|letter| bytes(sample, &mail(&letter, Locale::default())))
    };
    vec![
        (
            "judging 400 days, all of them kept",
            step(|| compare::judge(&sample.entries, &sample.catalog)),
        ),
        (
            "judging 400 days for the last of them",
            step(|| judged(sample)),
        ),
        (
            "the day's report",
            step(|| reported(sample, &made.judgement)),
        ),
        (
            "its words",
            step(|| view::view(&made.letter, Locale::default())),
        ),
        ("HTML and pictures", step(|| html::page(&made.view))),
        ("text", step(|| text::text(&made.view))),
        (
            "the bytes for one reader",
            step(|| bytes(sample, &made.mail)),
        ),
        (
            "**whole message, days judged**",
            step(move || from_judgement(&judged(sample))),
        ),
        (
            "whole message, without judging",
            step(move || from_judgement(&made.judgement)),
        ),
        ("a second locale", step(move || written(GERMAN))),
        (
            "a second reader of the same locale",
            step(|| bytes(sample, &made.mail)),
        ),
    ]
}

fn step<'a, T>(made: impl Fn() -> T + 'a) -> Box<dyn Fn() + 'a> {
    Box::new(move || drop(black_box(made())))
}

/// All steps once in every round, so that a busy moment hits all of them.
fn by_turns(steps: &[Step<'_>]) -> Vec<Vec<Duration>> {
    let mut times = vec![Vec::new(); steps.len()];
    for _ in 0..ROUNDS {
        for ((_, step), taken) in steps.iter().zip(&mut times) {
            let begun = Instant::now();
            step();
            taken.push(begun.elapsed());
        }
    }
    times
}

fn judged(sample: &Sample) -> Judgement {
    compare::judge_day(sample.date, &sample.entries, Vec::new(), &sample.catalog)
}

fn reported(sample: &Sample, judgement: &Judgement) -> Option<Report> {
    report::of_day(sample.date, &sample.entries, judgement, &sample.catalog)
}

fn bytes(sample: &Sample, mail: &Mail) -> Vec<u8> {
    let from = Sender {
        address: "daybook@example.org".to_owned(),
        name: Some("Daybook".to_owned()),
    };
    let head = Head {
        from: &from,
        reply_to: None,
        to: ("ada@example.org", Some("Ada")),
        message_id: "<report.2025-10-03.ada@example.org>",
        date: sample.sent_at(),
        app: "Beryl",
        unsubscribe: None,
        idempotency_key: None,
        language: "en",
    };
    message(mail, &head).unwrap_or_default()
}

fn kilobytes(bytes: usize) -> String {
    format!("{:.1} KB", bytes as f64 / 1000.0)
}
