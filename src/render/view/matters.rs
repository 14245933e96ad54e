//! What deserves attention, a sentence or two for each.

use crate::catalog::Limit;
use crate::render::phrases::speech::Scale;
use crate::render::phrases::{Speech, fill};
use crate::render::{clean, number};
use crate::report::{AlertedPart, Calm, Matter, Report, Row, Rule, Severity, State, Week};

use super::{MatterView, Tone};

const MOST: usize = 5;

/// The first of them, and how many more there are.
pub(super) fn matters(report: &Report, speech: &Speech) -> (Vec<MatterView>, Option<String>) {
    let mut told = all(report, speech);
    told.truncate(MOST);
    let more = report.matters.len().saturating_sub(MOST);
    let words = speech.words.more_matters;
    (told, (more > 0).then(|| speech.count(words, more)))
}

pub(super) fn all(report: &Report, speech: &Speech) -> Vec<MatterView> {
    let told = report.matters.iter().filter_map(|matter| {
        let row = report.rows.get(matter.row)?;
        Some(self::matter(matter, row, (report, speech)))
    });
    told.collect()
}

/// What stands but is muted, with until when and why.
pub(super) fn muted(report: &Report, speech: &Speech) -> Vec<MatterView> {
    let told = report.muted.iter().filter_map(|matter| {
        let row = report.rows.get(matter.row)?;
        let until = speech.muted_until(row.muted.as_ref()?);
        let told = self::matter(matter, row, (report, speech));
        Some(MatterView {
            tone: Tone::Muted,
            word: speech.words.muted.to_owned(),
            rest: format!("{} {until}", told.rest),
            ..told
        })
    });
    told.collect()
}

fn matter(matter: &Matter, row: &Row, (report, speech): (&Report, &Speech)) -> MatterView {
    let words = speech.words;
    let (tone, word) = match (matter.state, matter.welcome, matter.severity) {
        (State::Recovered, _, _) => (Tone::Good, words.recovered),
        (_, true, _) => (Tone::Good, words.welcome),
        (_, _, Severity::Critical) => (Tone::Critical, words.critical),
        (_, _, Severity::Warning) => (Tone::Warning, words.warning),
    };
    let value = match (&matter.part, &row.value) {
        (Some(part), _) => part_and_value(part, matter.value, (row, speech)),
        (None, Some(value)) => speech.value(value, Scale::of(row)),
        (None, None) => speech.number(matter.value, Scale::of(row)),
    };
    MatterView {
        tone,
        word: word.to_owned(),
        head: format!("{}: {value}", label(row)),
        rest: rest(matter, row, (report, speech)),
    }
}

/// `“paid” 12`
fn part_and_value(part: &AlertedPart, value: f64, (row, speech): (&Row, &Speech)) -> String {
    let value = speech.part_value(part, value, Scale::of(row));
    format!("{} {value}", speech.part_name(part))
}

pub(super) fn label(row: &Row) -> String {
    let label = clean::label(&row.label);
    if label.is_empty() {
        row.key.clone()
    } else {
        label
    }
}

fn rest(matter: &Matter, row: &Row, (report, speech): (&Report, &Speech)) -> String {
    let mut clauses = match &matter.rule {
        Rule::Absolute(limit) => vec![by_limit(matter, *limit, row, speech)],
        Rule::Change { .. } => against(matter, row, (report, speech)),
        Rule::Week(week) => vec![by_week(*week, row, speech)],
        Rule::Zero(days) => vec![speech.count(speech.words.zero_days, *days as usize)],
        Rule::Stirred { days, .. } if matter.part.is_some() => {
            vec![speech.count(speech.words.appeared, *days as usize)]
        }
        Rule::Stirred { before, days } => {
            let before = speech.number(*before, Scale::of(row));
            let more = [("before", before.as_str())];
            vec![speech.count_with(speech.words.stirred, *days as usize, &more)]
        }
        Rule::Flat(days) => vec![speech.count(speech.words.flat_days, *days as usize)],
    };
    let is_over = matter.state == State::Recovered;
    if is_over && !matches!(matter.rule, Rule::Absolute(_)) {
        let after = after(matter, speech);
        let phrase = match matter.settled {
            true => speech.words.settled,
            false => speech.words.over,
        };
        clauses.push(fill(phrase, &[("after", &after)]));
    }
    let first = format!("{}.", clauses.join(", "));
    let sentences = [
        Some(first),
        mover(matter, row, (report, speech)),
        stood(matter, speech),
        more_parts(matter, row, speech),
    ];
    sentences
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

/// How long something that is over had stood.
fn after(matter: &Matter, speech: &Speech) -> String {
    let days = matter.day.saturating_sub(1).max(1);
    speech.count(speech.words.after_days, days as usize)
}

fn by_limit(matter: &Matter, limit: Limit, row: &Row, speech: &Speech) -> String {
    let words = speech.words;
    let bound = speech.number(limit.bound, Scale::of(row));
    let phrase = match (matter.state, limit.over) {
        (State::Recovered, _) if !limit.inclusive && matter.value == limit.bound => words.back_to,
        (State::Recovered, true) => words.back_below,
        (State::Recovered, false) => words.back_above,
        _ if !limit.reached(matter.value) => words.not_clear,
        (_, true) if limit.inclusive => words.stays_below,
        (_, false) if limit.inclusive => words.stays_above,
        _ => words.limit,
    };
    fill(
        phrase,
        &[("bound", &bound), ("after", &after(matter, speech))],
    )
}

/// `averaging 4'100 a day last week vs 4'808 in the four weeks before (−15 %)`
fn by_week(week: Week, row: &Row, speech: &Speech) -> String {
    let scale = Scale::of(row);
    let change = week.mean - week.before;
    let percent = (week.before != 0.0).then(|| change * 100.0 / week.before.abs());
    let holes = [
        ("mean", speech.number(number::mean(week.mean), scale)),
        ("before", speech.number(number::mean(week.before), scale)),
        ("change", speech.change(change, percent, scale)),
    ];
    fill(speech.words.week, &holes)
}

/// `vs 4'808 last Friday (−54 %)` and how far that lies from what is usual.
fn against(matter: &Matter, row: &Row, (report, speech): (&Report, &Speech)) -> Vec<String> {
    let Rule::Change {
        days,
        date,
        previous,
        difference,
    } = &matter.rule
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
        change => speech.change(change, difference.percent, Scale::of(row)),
    };
    let previous = speech.number(*previous, Scale::of(row));
    let holes = [
        ("previous", previous.as_str()),
        ("when", &when),
        ("change", &change),
    ];
    let mut clauses = vec![fill(words.against, &holes)];
    if let Some(held) = difference.held.filter(|_| !matter.welcome) {
        let holes = [
            ("severity", speech.severity(matter.severity).to_owned()),
            ("date", speech.short_date(held.since)),
            ("level", speech.level(held.until_below, Scale::of(row))),
        ];
        clauses.push(fill(words.held, &holes));
    }
    let usual = match &matter.part {
        Some(part) => part.usual.map(|usual| {
            let is_whole = matter.value.fract() == 0.0;
            (speech.range_of(&usual, is_whole, Scale::of(row)), usual)
        }),
        None => row.usual.map(|usual| (speech.range(&usual, row), usual)),
    };
    if let Some((range, usual)) = usual {
        let holes = [
            ("usual", speech.usual_of(report.date)),
            ("range", range.as_str()),
        ];
        match matter.state {
            State::Recovered if difference.calm == Some(Calm::Usual) => {
                clauses.push(format!("{} {range}", speech.usual(report.date)));
            }
            State::Recovered => {}
            _ if matter.value > usual.high => clauses.push(fill(words.above, &holes)),
            _ if matter.value < usual.low => clauses.push(fill(words.below, &holes)),
            _ => clauses.push(format!("{} {range}", speech.usual(report.date))),
        }
    }
    clauses
}

/// `Also: “open” 3 (−95 %), “draft” 0 and 2 more.`
fn more_parts(matter: &Matter, row: &Row, speech: &Speech) -> Option<String> {
    let more = matter.more_parts.iter().filter_map(|alert| {
        let told = part_and_value(alert.part.as_ref()?, alert.value, (row, speech));
        Some(match &alert.rule {
            Rule::Change { difference, .. } => {
                let change = speech.change(difference.change, difference.percent, Scale::of(row));
                format!("{told} ({change})")
            }
            Rule::Stirred { .. } => format!("{told} ({})", speech.words.new),
            _ => told,
        })
    });
    let mut parts = more.collect::<Vec<_>>().join(", ");
    if matter.parts_left_out > 0 {
        let more = speech.count(speech.words.more_lines, matter.parts_left_out);
        parts = format!("{parts} {more}");
    }
    (!parts.is_empty()).then(|| fill(speech.words.also_parts, &[("parts", parts)]))
}

fn mover(matter: &Matter, row: &Row, (report, speech): (&Report, &Speech)) -> Option<String> {
    let mover = matter.mover.as_ref()?;
    let none = speech.words.no_part;
    let part = match &mover.part {
        Some(label) => clean::quoted_from(&clean::label(label), none),
        None => none.to_owned(),
    };
    let change = speech.amount(mover.change, Scale::of(row));
    let whole = speech.amount(mover.of, Scale::of(row));
    let phrase = match matter.rule {
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
fn stood(matter: &Matter, speech: &Speech) -> Option<String> {
    let words = speech.words;
    let phrase = match (matter.state, matter.day) {
        (State::Recovered, _) => return None,
        (State::New, _) => words.new_today,
        (State::Worse, _) => words.worse,
        (State::Ongoing, 2) => words.second_day,
        (State::Ongoing, _) => words.day_n,
    };
    Some(fill(phrase, &[("n", &speech.whole(matter.day as usize))]))
}
