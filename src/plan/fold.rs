//! Folds the rows of a statement, one after another, into the values of its metrics.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::entry::{Value, part_name};

use super::{Cell, Clock, Life, Recipe, Scale, Statement, Take};

/// With more groups than this, the metrics are counted another way.
const GROUPS_MAX: usize = 200_000;

/// A range may have any number of groups, since adding them up takes no memory; but each part is kept for each day.
const PARTS_AND_DAYS_MAX: usize = 10_000_000;

/// A metric's result for one day, before its parts have names.
#[derive(Debug, Clone, PartialEq)]
pub enum Tally {
    Value {
        value: Option<Value>,
        nulls: i64,
        /// The value comes from binary fractions: no sum of their decimals is more exact than the nearest double.
        binary: bool,
        /// The values in its rows, if they were looked up.
        details: Option<String>,
    },
    /// Parts by key, their names, the rows without a value, and the rest that is not listed.
    Parts {
        parts: BTreeMap<String, Decimal>,
        names: BTreeMap<String, String>,
        none: Decimal,
        rest: Decimal,
        nulls: i64,
        binary: bool,
    },
    /// The time of the newest row, if there is one.
    Newest(Option<DateTime<Utc>>),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    #[error("the columns it is grouped by hold more than {GROUPS_MAX} combinations")]
    TooManyGroups,
    #[error(
        "the number is too large to be added up exactly; cast it to a smaller type or give the metric `decimals`"
    )]
    Overflow,
    #[error("expected a number, found `{0}`")]
    NotANumber(String),
    #[error("expected a time, found `{0}`")]
    NotATime(String),
    #[error("the query gave {0} rows where one was expected")]
    NotOneRow(usize),
    #[error(
        "{0} rows hold times of another text form than the others; make them alike, or declare `text_form` and leave the others out with `where`"
    )]
    MixedForms(i64),
}

/// Folds rows as they arrive: the memory it needs depends on groups and days, not on rows.
pub struct Folding<'a> {
    statement: &'a Statement,
    sums: Vec<Sums>,
    rows: usize,
}

/// Running sums of one metric: differences between days, so that a row costs two additions.
#[derive(Default, Clone)]
struct Sums {
    number: Steps,
    count: Steps,
    nulls: Steps,
    /// By their value; null is a part too.
    parts: BTreeMap<Option<String>, Steps>,
    extreme: Option<Decimal>,
    /// The total of all parts, if not all are listed.
    whole: Option<Decimal>,
    all_nulls: Option<Decimal>,
    newest: Newest,
    binary: bool,
}

#[derive(Default, Clone)]
struct Steps(Vec<Decimal>);

impl Steps {
    fn add(&mut self, span: &Span, amount: Decimal) -> Result<(), FoldError> {
        let Range { start, end } = span.days;
        if start < end {
            self.0.resize(span.length + 1, Decimal::ZERO);
            self.0[start] = sum(self.0[start], amount)?;
            self.0[end] = sum(self.0[end], -amount)?;
        }
        Ok(())
    }

    /// Turns the change of each day into its total.
    fn run(&mut self) -> Result<(), FoldError> {
        let mut whole = Decimal::ZERO;
        for step in &mut self.0 {
            whole = sum(whole, *step)?;
            *step = whole;
        }
        Ok(())
    }

    fn at(&self, day: usize) -> Decimal {
        self.0.get(day).copied().unwrap_or_default()
    }
}

/// The newest time of each day. A segment tree, because each time counts on a span of days: a row costs few comparisons,
/// however long its span. The second half holds its leaves, the days.
#[derive(Default, Clone)]
struct Newest(Vec<Option<NaiveDateTime>>);

impl Newest {
    fn add(&mut self, span: &Span, time: NaiveDateTime) {
        self.0.resize(2 * span.length, None);
        let (mut from, mut until) = (span.days.start + span.length, span.days.end + span.length);
        while from < until {
            if from % 2 == 1 {
                self.0[from] = self.0[from].max(Some(time));
                from += 1;
            }
            if until % 2 == 1 {
                until -= 1;
                self.0[until] = self.0[until].max(Some(time));
            }
            (from, until) = (from / 2, until / 2);
        }
    }

    fn at(&self, day: usize) -> Option<NaiveDateTime> {
        let leaf = day + self.0.len() / 2;
        let above = std::iter::successors(Some(leaf), |node| Some(node / 2).filter(|up| *up > 0));
        above.filter_map(|node| *self.0.get(node)?).max()
    }
}

/// The days on which a row counts, among all `length` days of its statement.
struct Span {
    days: Range<usize>,
    length: usize,
}

/// `checked_add` silently drops digits that do not fit; the sum then has fewer decimals than its parts.
fn sum(one: Decimal, other: Decimal) -> Result<Decimal, FoldError> {
    let sum = one.checked_add(other).ok_or(FoldError::Overflow)?;
    let decimals = |number: Decimal| number.normalize().scale();
    match sum.scale() >= one.scale().max(other.scale())
        || sum.scale() >= decimals(one).max(decimals(other))
    {
        true => Ok(sum),
        false => Err(FoldError::Overflow),
    }
}

impl Sums {
    fn run(&mut self) -> Result<(), FoldError> {
        let all = [&mut self.number, &mut self.count, &mut self.nulls];
        let mut all = all.into_iter().chain(self.parts.values_mut());
        all.try_for_each(Steps::run)
    }
}

impl<'a> Folding<'a> {
    pub fn new(statement: &'a Statement) -> Self {
        Self {
            statement,
            sums: vec![Sums::default(); statement.recipes.len()],
            rows: 0,
        }
    }

    pub fn row(&mut self, cells: &[Cell]) -> Result<(), FoldError> {
        self.rows += 1;
        if self.rows > GROUPS_MAX && self.statement.days.len() == 1 {
            return Err(FoldError::TooManyGroups);
        }
        if let Some(at) = self.statement.guard
            && let Some(count) = number(&cells[at])?.filter(|count| !count.is_zero())
        {
            return Err(FoldError::MixedForms(count.to_i64().unwrap_or(i64::MAX)));
        }
        for (at, recipe) in self.statement.recipes.iter().enumerate() {
            let wanted = recipe.only.as_ref().is_none_or(|only| {
                let cell = &cells[only.group];
                let is_one = *cell != Cell::Null && only.values.contains(&cell.text());
                is_one == only.listed
            });
            if wanted {
                let span = Span {
                    days: self.counted_days(recipe, cells)?,
                    length: self.statement.days.len(),
                };
                add(&mut self.sums[at], recipe, cells, &span)?;
            }
        }
        Ok(())
    }

    /// The days for which a row counts.
    fn counted_days(&self, recipe: &Recipe, cells: &[Cell]) -> Result<Range<usize>, FoldError> {
        let Some(life) = &recipe.life else {
            return Ok(0..1);
        };
        let days = &self.statement.days;
        let born = self.position(life, &cells[life.birth])?.unwrap_or(0);
        let died = match life.death {
            Some(at) => self.position(life, &cells[at])?.unwrap_or(days.len() + 1),
            None => days.len() + 1,
        };
        // Positions count from 1; a row born before the first day counts from that day.
        let (mut from, mut until) = (born.max(1) - 1, died.max(1) - 1);
        if let Some(column) = life.happened {
            match self.position(life, &cells[column])? {
                None => return Ok(0..0),
                Some(happened) => from = from.max(happened.max(1) - 1),
            }
        }
        if let Some((column, length)) = life.window {
            match self.position(life, &cells[column])? {
                None | Some(0) => return Ok(0..0),
                Some(happened) if happened > days.len() => return Ok(0..0),
                Some(happened) => {
                    let last = days[happened - 1].date + chrono::Days::new(u64::from(length) - 1);
                    from = from.max(happened - 1);
                    until = until.min(days.partition_point(|day| day.date <= last));
                }
            }
        }
        Ok(from..until.min(days.len()))
    }

    fn position(&self, life: &Life, cell: &Cell) -> Result<Option<usize>, FoldError> {
        let place = number(cell)?.and_then(|place| place.to_i64());
        let quarters = &self.statement.quarters;
        Ok(place.map(|place| match life.scale {
            Scale::Position => usize::try_from(place).unwrap_or(0),
            Scale::Quarter => quarters.partition_point(|edge| *edge <= place),
        }))
    }

    /// The tally of each metric on each of the statement's days.
    pub fn finish(mut self) -> Result<Vec<(String, Vec<Tally>)>, FoldError> {
        let Statement { recipes, days, .. } = self.statement;
        let is_single = |recipe: &Recipe| matches!(recipe.take, Take::Single(_));
        if recipes.iter().any(is_single) && self.rows != 1 {
            return Err(FoldError::NotOneRow(self.rows));
        }
        self.sums.iter_mut().try_for_each(Sums::run)?;
        let finished = recipes.iter().zip(&self.sums).map(|(recipe, sums)| {
            let numbered = days.iter().enumerate();
            let tallies = numbered.map(|(at, day)| tally(recipe, sums, at, day.zone));
            (recipe.key.clone(), tallies.collect())
        });
        Ok(finished.collect())
    }
}

fn add(sums: &mut Sums, recipe: &Recipe, cells: &[Cell], span: &Span) -> Result<(), FoldError> {
    let amount = |at: usize| number(&cells[at]).map(Option::unwrap_or_default);
    match recipe.take {
        Take::Count(at) => sums.number.add(span, amount(at)?)?,
        Take::Sum { sum, nulls } => {
            sums.number.add(span, amount(sum)?)?;
            sums.nulls.add(span, amount(nulls)?)?;
        }
        Take::Mean { sum, count } => {
            sums.number.add(span, amount(sum)?)?;
            sums.count.add(span, amount(count)?)?;
        }
        Take::Least(at) => extreme(&mut sums.extreme, &cells[at], |new, old| new < old)?,
        Take::Greatest(at) => extreme(&mut sums.extreme, &cells[at], |new, old| new > old)?,
        Take::Newest(at, clock) => {
            if let Some(time) = time(&cells[at], clock)? {
                sums.newest.add(span, time);
            }
        }
        Take::Single(at) => sums.extreme = number(&cells[at])?,
    }
    let is_binary = |take: Take| matches!(cells[take.column()], Cell::Binary(_));
    sums.binary |= is_binary(recipe.take) || recipe.whole.is_some_and(is_binary);
    if let Some(whole) = recipe.whole {
        sums.whole = number(&cells[whole.column()])?;
    }
    if let Some(Take::Sum { nulls, .. }) = recipe.whole {
        sums.all_nulls = number(&cells[nulls])?;
    }
    if let (Some(group), Take::Count(at) | Take::Sum { sum: at, .. }) = (recipe.parts, recipe.take)
    {
        let part = (cells[group] != Cell::Null).then(|| part_name(cells[group].text()));
        let steps = sums.parts.entry(part).or_default();
        steps.add(span, amount(at)?)?;
        if sums.parts.len() * span.length > PARTS_AND_DAYS_MAX {
            return Err(FoldError::TooManyGroups);
        }
    }
    Ok(())
}

fn extreme(
    best: &mut Option<Decimal>,
    new: &Cell,
    better: fn(Decimal, Decimal) -> bool,
) -> Result<(), FoldError> {
    let Some(found) = number(new)? else {
        return Ok(());
    };
    if best.is_none_or(|best| better(found, best)) {
        *best = Some(found);
    }
    Ok(())
}

fn tally(recipe: &Recipe, sums: &Sums, day: usize, zone: Tz) -> Tally {
    let nulls = sums.all_nulls.unwrap_or_else(|| sums.nulls.at(day));
    let nulls = nulls.to_i64().unwrap_or(i64::MAX);
    if recipe.parts.is_some() {
        let (mut parts, mut none) = (BTreeMap::new(), Decimal::ZERO);
        for (key, steps) in &sums.parts {
            let count = steps.at(day);
            match key {
                None => none = count,
                Some(key) if !count.is_zero() => drop(parts.insert(key.clone(), count)),
                Some(_) => {}
            }
        }
        let listed = parts.values().sum::<Decimal>() + none;
        let rest = sums.whole.map_or(Decimal::ZERO, |whole| whole - listed);
        return Tally::Parts {
            parts,
            names: BTreeMap::new(),
            none,
            rest,
            nulls,
            binary: sums.binary,
        };
    }
    let value = match recipe.take {
        Take::Count(_) | Take::Sum { .. } => Some(Value::from_decimal(sums.number.at(day))),
        Take::Mean { .. } => {
            let count = sums.count.at(day);
            sums.number.at(day).checked_div(count).map(Value::Decimal)
        }
        Take::Least(_) | Take::Greatest(_) | Take::Single(_) => {
            sums.extreme.map(Value::from_decimal)
        }
        Take::Newest(_, clock) => {
            let shown = sums.newest.at(day);
            return Tally::Newest(shown.map(|shown| clock.instant(shown, zone)));
        }
    };
    Tally::Value {
        value,
        nulls,
        binary: sums.binary,
        details: None,
    }
}

/// The largest part first; equal ones in the order of their keys.
pub fn ranking(parts: &BTreeMap<String, Decimal>) -> Vec<(&String, &Decimal)> {
    let in_order = |one: &String, other: &String| match (one.parse::<i64>(), other.parse::<i64>()) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        _ => one.cmp(other),
    };
    let mut all: Vec<(&String, &Decimal)> = parts.iter().collect();
    all.sort_by(|one, other| other.1.cmp(one.1).then_with(|| in_order(one.0, other.0)));
    all
}

pub fn number(cell: &Cell) -> Result<Option<Decimal>, FoldError> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Integer(whole) => Ok(Some(Decimal::from(*whole))),
        Cell::Decimal(decimal) | Cell::Binary(decimal) => Ok(Some(*decimal)),
        Cell::Text(text) => Err(FoldError::NotANumber(text.chars().take(40).collect())),
    }
}

/// The time in the cell. Null and PostgreSQL's `-infinity` are none.
fn time(cell: &Cell, clock: Clock) -> Result<Option<NaiveDateTime>, FoldError> {
    let is_none = match cell {
        Cell::Null => true,
        Cell::Text(text) => text == "infinity",
        _ => false,
    };
    match clock.shown(cell) {
        Some(shown) => Ok(Some(shown)),
        None if is_none => Ok(None),
        None => Err(FoldError::NotATime(cell.text().chars().take(40).collect())),
    }
}
