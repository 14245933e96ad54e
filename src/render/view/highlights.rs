//! What deserves attention, a sentence or two for each.

use crate::catalog::Limit;
use crate::render::phrases::speech::Scale;
use crate::render::phrases::{Speech, fill};
use crate::render::{clean, number};
use crate::report::{
    AlertedPart, Highlight, Report, Row, Rule, Severity, State, Suppression, Week,
};

use super::{HighlightView, Tone};

const MOST: usize = 5;

/// The first of them, and how many more there are.
pub(super) fn highlights(report: &Report, speech: &Speech) -> (Vec<HighlightView>, Option<String>) {
    let mut first = all(report, speech);
    first.truncate(MOST);
    let more = report.highlights.len().saturating_sub(MOST);
    let words = speech.words.more_highlights;
    (first, (more > 0).then(|| speech.count(words, more)))
}

/// All highlights, in the order of [`Report::highlights`].
pub fn all(report: &Report, speech: &Speech) -> Vec<HighlightView> {
    let views = report.highlights.iter().filter_map(|highlight| {
        let row = report.rows.get(highlight.row)?;
        Some(self::highlight(highlight, row, report, speech))
    });
    views.collect()
}

/// Active but muted alerts, with the mute's end and reason, in the order of [`Report::muted`].
pub fn muted(report: &Report, speech: &Speech) -> Vec<HighlightView> {
    let views = report.muted.iter().filter_map(|highlight| {
        let row = report.rows.get(highlight.row)?;
        let until = speech.muted_until(row.muted.as_ref()?);
        let view = self::highlight(highlight, row, report, speech);
        Some(HighlightView {
            tone: Tone::Muted,
            word: speech.words.muted.to_owned(),
            rest: format!("{} {until}", view.rest),
            ..view
        })
    });
    views.collect()
}

fn highlight(highlight: &Highlight, row: &Row, report: &Report, speech: &Speech) -> HighlightView {
    let words = speech.words;
    let (tone, word) = match (highlight.state, highlight.welcome, highlight.severity) {
        (State::Recovered, _, _) => (Tone::Good, words.recovered),
        (_, true, _) => (Tone::Good, words.welcome),
        (_, _, Severity::Critical) => (Tone::Critical, words.critical),
        (_, _, Severity::Warning) => (Tone::Warning, words.warning),
    };
    let value = match (&highlight.part, &row.value) {
        (Some(part), _) => part_and_value(part, highlight.value, row, speech),
        (None, Some(value)) => speech.value(value, Scale::of_row(row)),
        (None, None) => speech.number(highlight.value, Scale::of_row(row)),
    };
    HighlightView {
        tone,
        word: word.to_owned(),
        head: format!("{}: {value}", label(row)),
        rest: rest(highlight, row, report, speech),
    }
}

/// `“paid” 12`
fn part_and_value(part: &AlertedPart, value: f64, row: &Row, speech: &Speech) -> String {
    let value = speech.part_value(part, value, Scale::of_row(row));
    format!("{} {value}", speech.part_name(part))
}

pub(super) fn label(row: &Row) -> String {
    label_or_key(&row.label, &row.key)
}

pub(super) fn label_or_key(label: &str, key: &str) -> String {
    match clean::label(label) {
        label if label.is_empty() => key.to_owned(),
        label => label,
    }
}

fn rest(highlight: &Highlight, row: &Row, report: &Report, speech: &Speech) -> String {
    let mut clauses = match &highlight.rule {
        Rule::Absolute(limit) => vec![by_limit(highlight, *limit, row, speech)],
        Rule::Change { .. } => against(highlight, row, report, speech),
        Rule::Week(week) => vec![by_week(*week, row, speech)],
        Rule::Zero(days) => vec![speech.count(speech.words.zero_days, *days as usize)],
        Rule::Stirred { days, .. } if highlight.part.is_some() => {
            vec![speech.count(speech.words.appeared, *days as usize)]
        }
        Rule::Stirred { before, days } => {
            let before = speech.number(*before, Scale::of_row(row));
            let more = [("before", before.as_str())];
            vec![speech.count_with(speech.words.stirred, *days as usize, &more)]
        }
        Rule::Flat(days) => vec![speech.count(speech.words.flat_days, *days as usize)],
    };
    let is_over = highlight.state == State::Recovered;
    if is_over && !matches!(highlight.rule, Rule::Absolute(_)) {
        let after = after(highlight, speech);
        let phrase = match highlight.settled {
            true => speech.words.settled,
            false => speech.words.over,
        };
        clauses.push(fill(phrase, &[("after", &after)]));
    }
    let first = format!("{}.", clauses.join(", "));
    let sentences = [
        Some(first),
        mover(highlight, row, report, speech),
        age(highlight, speech),
        more_parts(highlight, row, speech),
    ];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    sentences.join(" ")
}

/// How long a recovered alert lasted.
fn after(highlight: &Highlight, speech: &Speech) -> String {
    let days = highlight.day.saturating_sub(1).max(1);
    speech.count(speech.words.after_days, days as usize)
}

fn by_limit(highlight: &Highlight, limit: Limit, row: &Row, speech: &Speech) -> String {
    let words = speech.words;
    let bound = speech.number(limit.bound, Scale::of_row(row));
    let phrase = match (highlight.state, limit.over) {
        (State::Recovered, _) if !limit.inclusive && highlight.value == limit.bound => {
            words.back_to
        }
        (State::Recovered, true) => words.back_below,
        (State::Recovered, false) => words.back_above,
        _ if !limit.reached(highlight.value) => words.not_clear,
        (_, true) if limit.inclusive => words.stays_below,
        (_, false) if limit.inclusive => words.stays_above,
        _ => words.limit,
    };
    let after = after(highlight, speech);
    fill(phrase, &[("bound", bound), ("after", after)])
}

/// `averaging 4'100 a day last week vs 4'808 in the four weeks before (−15 %)`
fn by_week(week: Week, row: &Row, speech: &Speech) -> String {
    let scale = Scale::of_row(row);
    let holes = [
        ("mean", speech.number(number::mean(week.mean), scale)),
        ("before", speech.number(number::mean(week.before), scale)),
        ("change", speech.week_change(week, scale)),
    ];
    fill(speech.words.week, &holes)
}

/// `vs 4'808 last Friday (−54 %)`, and the usual range.
fn against(highlight: &Highlight, row: &Row, report: &Report, speech: &Speech) -> Vec<String> {
    let Rule::Change {
        days,
        date,
        previous,
        difference,
    } = &highlight.rule
    else {
        return Vec::new();
    };
    let words = speech.words;
    let weekday = [("weekday", speech.weekday(*date))];
    let when = match days {
        1 => fill(words.on_weekday, &weekday),
        7 => fill(words.last_weekday, &weekday),
        _ => fill(words.on_date, &[("date", &speech.short_date(*date))]),
    };
    let change = match difference.change {
        0.0 => words.unchanged.to_owned(),
        change => speech.change(change, difference.percent, Scale::of_row(row)),
    };
    let previous = speech.number(*previous, Scale::of_row(row));
    let holes = [
        ("previous", previous.as_str()),
        ("when", &when),
        ("change", &change),
    ];
    let mut clauses = vec![fill(words.against, &holes)];
    if let Some(held) = difference.held.filter(|_| !highlight.welcome) {
        let holes = [
            (
                "severity",
                speech.words.severity(highlight.severity).to_owned(),
            ),
            ("date", speech.short_date(held.since)),
            ("level", speech.level(held.until_below, Scale::of_row(row))),
        ];
        clauses.push(fill(words.held, &holes));
    }
    let usual = match &highlight.part {
        Some(part) => part.usual.map(|usual| {
            let is_whole = highlight.value.fract() == 0.0;
            (speech.range_of(&usual, is_whole, Scale::of_row(row)), usual)
        }),
        None => row.usual.map(|usual| (speech.range(&usual, row), usual)),
    };
    if let Some((range, usual)) = usual {
        let holes = [
            ("usual", speech.usual_of(report.date)),
            ("range", range.as_str()),
        ];
        match highlight.state {
            State::Recovered if difference.suppression == Some(Suppression::Usual) => {
                clauses.push(format!("{} {range}", speech.usual(report.date)));
            }
            State::Recovered => {}
            _ if highlight.value > usual.high => clauses.push(fill(words.above, &holes)),
            _ if highlight.value < usual.low => clauses.push(fill(words.below, &holes)),
            _ => clauses.push(format!("{} {range}", speech.usual(report.date))),
        }
    }
    clauses
}

/// `Also: “open” 3 (−95 %), “draft” 0 and 2 more.`
fn more_parts(highlight: &Highlight, row: &Row, speech: &Speech) -> Option<String> {
    let more = highlight.more_parts.iter().filter_map(|alert| {
        let part = part_and_value(alert.part.as_ref()?, alert.value, row, speech);
        Some(match &alert.rule {
            Rule::Change { difference, .. } => {
                let change =
                    speech.change(difference.change, difference.percent, Scale::of_row(row));
                format!("{part} ({change})")
            }
            Rule::Stirred { .. } => format!("{part} ({})", speech.words.new),
            _ => part,
        })
    });
    let mut parts = more.collect::<Vec<_>>().join(", ");
    if highlight.parts_left_out > 0 {
        let more = speech.count(speech.words.more_lines, highlight.parts_left_out);
        parts = format!("{parts} {more}");
    }
    (!parts.is_empty()).then(|| fill(speech.words.also_parts, &[("parts", parts)]))
}

fn mover(highlight: &Highlight, row: &Row, report: &Report, speech: &Speech) -> Option<String> {
    let mover = highlight.mover.as_ref()?;
    let none = speech.words.no_part;
    let part = match &mover.part {
        Some(label) => clean::quoted_from(&clean::label(label), none),
        None => none.to_owned(),
    };
    let change = speech.amount(mover.change, Scale::of_row(row));
    let whole = speech.amount(mover.of, Scale::of_row(row));
    let phrase = match highlight.rule {
        Rule::Change { .. } => speech.words.mover,
        _ => speech.words.mover_since,
    };
    let weekday = report.date.pred_opt().map(|date| speech.weekday(date));
    let holes = [
        ("part", part.as_str()),
        ("change", &change),
        ("whole", &whole),
        ("weekday", weekday.unwrap_or_default()),
    ];
    Some(fill(phrase, &holes))
}

/// `First day.`, `Day 4.`
fn age(highlight: &Highlight, speech: &Speech) -> Option<String> {
    let words = speech.words;
    let phrase = match (highlight.state, highlight.day) {
        (State::Recovered, _) => return None,
        (State::New, _) => words.new_today,
        (State::Worse, _) => words.worse,
        (State::Ongoing, 2) => words.second_day,
        (State::Ongoing, _) => words.day_n,
    };
    let day = speech.whole(highlight.day as usize);
    Some(fill(phrase, &[("n", day)]))
}
