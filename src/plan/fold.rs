//! Rows of a statement, one after another, folded into the values of its metrics.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::entry::{Value, part_name};

use super::{Cell, Clock, Life, Recipe, Scale, Statement, Take};

/// More groups than this are not few; the metrics are counted another way then.
const GROUPS_MAX: usize = 200_000;

/// A range's groups are as many as its rows may have births and ends, and cost nothing once they are
/// added up; but each part is remembered for each day.
const PARTS_AND_DAYS_MAX: usize = 10_000_000;

/// What a metric came to on one day, before its parts have names.
#[derive(Debug, Clone, PartialEq)]
pub enum Tally {
    Value {
        value: Option<Value>,
        nulls: i64,
        /// It is made of binary fractions, of which no sum of decimals is more exact than the nearest one.
        binary: bool,
        /// What its rows hold, where that was looked up.
        told: Option<String>,
    },
    /// Every part by key, the names found for them, the rows without a value, and what is not listed.
    Parts {
        parts: BTreeMap<String, Decimal>,
        names: BTreeMap<String, String>,
        none: Decimal,
        rest: Decimal,
        nulls: i64,
        binary: bool,
    },
    /// When the newest row is of, if there is one.
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

/// Folds as rows arrive, so that memory follows the number of groups and days, not of rows.
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
    /// By the value they share; null is one.
    parts: BTreeMap<Option<String>, Steps>,
    extreme: Option<Cell>,
    /// Over all parts, where not all are listed.
    whole: Option<Decimal>,
    all_nulls: Option<Decimal>,
    newest: Newest,
    binary: bool,
}

#[derive(Default, Clone)]
struct Steps(Vec<Decimal>);

impl Steps {
    fn add(
        &mut self,
        days: (usize, usize),
        amount: Decimal,
        length: usize,
    ) -> Result<(), FoldError> {
        if days.0 >= days.1 {
            return Ok(());
        }
        self.0.resize(length + 1, Decimal::ZERO);
        self.0[days.0] = sum(self.0[days.0], amount)?;
        self.0[days.1] = sum(self.0[days.1], -amount)?;
        Ok(())
    }

    /// From what changes on each day to what there is on it.
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

/// The newest of the times that count on a day, where each counts on a span of days: a segment tree, so that a row costs
/// few comparisons, however many days it counts on. The days are its leaves, the second half.
#[derive(Default, Clone)]
struct Newest(Vec<Option<NaiveDateTime>>);

impl Newest {
    fn add(&mut self, days: (usize, usize), time: NaiveDateTime, length: usize) {
        self.0.resize(2 * length, None);
        let (mut from, mut until) = (days.0 + length, days.1 + length);
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

/// An addition that would have to drop digits drops them in silence, and has fewer decimals than its parts.
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
                let is_one = *cell != Cell::Null && only.values.contains(&text(cell));
                is_one == only.listed
            });
            if wanted {
                let days = self.days_of(recipe, cells)?;
                add(
                    &mut self.sums[at],
                    recipe,
                    cells,
                    (days, self.statement.days.len()),
                )?;
            }
        }
        Ok(())
    }

    /// The half-open span of days for which a row counts.
    fn days_of(&self, recipe: &Recipe, cells: &[Cell]) -> Result<(usize, usize), FoldError> {
        let Some(life) = &recipe.life else {
            return Ok((0, 1));
        };
        let days = &self.statement.days;
        let born = self.position(life, &cells[life.birth])?.unwrap_or(0);
        let died = match life.death {
            Some(at) => self.position(life, &cells[at])?.unwrap_or(days.len() + 1),
            None => days.len() + 1,
        };
        // Positions count from 1; a row born before the first day counts from the first day on.
        let (mut from, mut until) = (born.max(1) - 1, died.max(1) - 1);
        if let Some(column) = life.happened {
            match self.position(life, &cells[column])? {
                None => return Ok((0, 0)),
                Some(happened) => from = from.max(happened.max(1) - 1),
            }
        }
        if let Some((column, length)) = life.window {
            match self.position(life, &cells[column])? {
                None | Some(0) => return Ok((0, 0)),
                Some(happened) if happened > days.len() => return Ok((0, 0)),
                Some(happened) => {
                    let last = days[happened - 1].date + chrono::Days::new(u64::from(length) - 1);
                    from = from.max(happened - 1);
                    until = until.min(days.partition_point(|day| day.date <= last));
                }
            }
        }
        Ok((from, until.min(days.len())))
    }

    fn position(&self, life: &Life, cell: &Cell) -> Result<Option<usize>, FoldError> {
        let Some(told) = number(cell)?.and_then(|told| told.to_i64()) else {
            return Ok(None);
        };
        Ok(Some(match life.scale {
            Scale::Position => usize::try_from(told).unwrap_or(0),
            Scale::Quarter => self
                .statement
                .quarters
                .partition_point(|edge| *edge <= told),
        }))
    }

    /// The tally of each recipe on each of the wanted days, given by their place among the statement's days.
    pub fn finish(mut self, wanted: &[usize]) -> Result<Vec<(String, Vec<Tally>)>, FoldError> {
        let single = self
            .statement
            .recipes
            .iter()
            .any(|recipe| matches!(recipe.take, Take::Single(_)));
        if single && self.rows != 1 {
            return Err(FoldError::NotOneRow(self.rows));
        }
        self.sums.iter_mut().try_for_each(Sums::run)?;
        let zone = self.statement.days.first().map_or(Tz::UTC, |day| day.zone);
        let finished = self
            .statement
            .recipes
            .iter()
            .zip(&self.sums)
            .map(|(recipe, sums)| {
                let tallies: Result<Vec<Tally>, FoldError> = wanted
                    .iter()
                    .map(|day| tally(recipe, sums, *day, zone))
                    .collect();
                Ok((recipe.key.clone(), tallies?))
            });
        finished.collect()
    }
}

fn add(
    sums: &mut Sums,
    recipe: &Recipe,
    cells: &[Cell],
    span: ((usize, usize), usize),
) -> Result<(), FoldError> {
    let (days, length) = span;
    let amount = |at: usize| number(&cells[at]).map(|number| number.unwrap_or_default());
    match recipe.take {
        Take::Count(at) => sums.number.add(days, amount(at)?, length)?,
        Take::Sum { sum, nulls } => {
            sums.number.add(days, amount(sum)?, length)?;
            sums.nulls.add(days, amount(nulls)?, length)?;
        }
        Take::Mean { sum, count } => {
            sums.number.add(days, amount(sum)?, length)?;
            sums.count.add(days, amount(count)?, length)?;
        }
        Take::Least(at) => extreme(&mut sums.extreme, &cells[at], |new, old| new < old)?,
        Take::Greatest(at) => extreme(&mut sums.extreme, &cells[at], |new, old| new > old)?,
        Take::Newest(at, clock) => {
            if let Some(time) = time(&cells[at], clock)? {
                sums.newest.add(days, time, length);
            }
        }
        Take::Single(at) => {
            number(&cells[at])?;
            sums.extreme = Some(cells[at].clone());
        }
    }
    let is_binary = |take: Take| match take {
        Take::Count(at)
        | Take::Sum { sum: at, .. }
        | Take::Mean { sum: at, .. }
        | Take::Least(at)
        | Take::Greatest(at)
        | Take::Single(at) => matches!(cells[at], Cell::Binary(_)),
        Take::Newest(..) => false,
    };
    sums.binary |= is_binary(recipe.take) || recipe.whole.is_some_and(is_binary);
    if let Some(Take::Count(at) | Take::Sum { sum: at, .. }) = recipe.whole {
        sums.whole = number(&cells[at])?;
    }
    if let Some(Take::Sum { nulls, .. }) = recipe.whole {
        sums.all_nulls = number(&cells[nulls])?;
    }
    if let (Some(group), Take::Count(at) | Take::Sum { sum: at, .. }) = (recipe.parts, recipe.take)
    {
        let part = (cells[group] != Cell::Null).then(|| part_name(text(&cells[group])));
        sums.parts
            .entry(part)
            .or_default()
            .add(days, amount(at)?, length)?;
        if sums.parts.len() * length > PARTS_AND_DAYS_MAX {
            return Err(FoldError::TooManyGroups);
        }
    }
    Ok(())
}

fn extreme(
    best: &mut Option<Cell>,
    new: &Cell,
    better: fn(Decimal, Decimal) -> bool,
) -> Result<(), FoldError> {
    let Some(found) = number(new)? else {
        return Ok(());
    };
    let old = best.as_ref().map(number).transpose()?.flatten();
    if old.is_none_or(|old| better(found, old)) {
        *best = Some(new.clone());
    }
    Ok(())
}

fn tally(recipe: &Recipe, sums: &Sums, day: usize, zone: Tz) -> Result<Tally, FoldError> {
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
        return Ok(Tally::Parts {
            parts,
            names: BTreeMap::new(),
            none,
            rest,
            nulls,
            binary: sums.binary,
        });
    }
    let value = match recipe.take {
        Take::Count(_) | Take::Sum { .. } => Some(Value::from_decimal(sums.number.at(day))),
        Take::Mean { .. } => {
            let count = sums.count.at(day);
            sums.number.at(day).checked_div(count).map(Value::Decimal)
        }
        Take::Least(_) | Take::Greatest(_) | Take::Single(_) => sums
            .extreme
            .as_ref()
            .map(number)
            .transpose()?
            .flatten()
            .map(Value::from_decimal),
        Take::Newest(_, clock) => {
            let shown = sums.newest.at(day);
            return Ok(Tally::Newest(shown.map(|shown| clock.instant(shown, zone))));
        }
    };
    Ok(Tally::Value {
        value,
        nulls,
        binary: sums.binary,
        told: None,
    })
}

/// The largest first; parts of one size in the order of their keys.
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

/// What the clock shows in the cell. PostgreSQL's `-infinity` is no time, nor is null.
fn time(cell: &Cell, clock: Clock) -> Result<Option<NaiveDateTime>, FoldError> {
    let is_none = match cell {
        Cell::Null => true,
        Cell::Text(text) => text == "infinity",
        _ => false,
    };
    match clock.shown(cell) {
        Some(shown) => Ok(Some(shown)),
        None if is_none => Ok(None),
        None => Err(FoldError::NotATime(text(cell).chars().take(40).collect())),
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(whole) => whole.to_string(),
        Cell::Decimal(decimal) | Cell::Binary(decimal) => decimal.normalize().to_string(),
        Cell::Text(text) => text.clone(),
    }
}
