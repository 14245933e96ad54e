//! The holidays of Switzerland and its cantons, for any year.
//!
//! They are those that the Federal Office of Justice lists (2011) as legal holidays, or as treated like them, for the
//! European convention on time limits, with these words of caution. In Aargau only New Year, Good Friday,
//! Ascension, 1 August and Christmas hold in every district; in Fribourg the Catholic days do not hold in the
//! communes about Murten; in Solothurn 1 May begins at noon. Left out is what holds in a few communes or a part of
//! a canton only: the patron saints of Solothurn, Saint Maurice in inner Appenzell, Epiphany and Saint Joseph in
//! the Grisons, Corpus Christi in Le Landeron. Easter, Whitsun and the federal fast are Sundays anyway.

use chrono::{Datelike, Days, NaiveDate, TimeDelta, Weekday};

/// Whose holidays: the country's, which every canton keeps, or a canton's too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(&'static str);

#[derive(Debug, PartialEq, Eq)]
pub struct Holiday {
    pub english: &'static str,
    pub german: &'static str,
    falls: Falls,
    cantons: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
enum Falls {
    On(u32, u32),
    /// Not where that day is one of these.
    Unless(u32, u32, &'static [Weekday]),
    AfterEaster(i64),
    /// So many days after the month's nth Sunday.
    AfterSunday(u32, u8, u64),
    /// April's first Thursday, a week later where that is Maundy Thursday.
    Fahrt,
}

use Falls::{AfterEaster, AfterSunday, Fahrt, On, Unless};
use Weekday::{Fri, Sat, Sun, Thu, Tue, Wed};

/// With the country's first, as ISO 3166-2 has them.
const CODES: [&str; 27] = [
    "CH", "CH-AG", "CH-AI", "CH-AR", "CH-BE", "CH-BL", "CH-BS", "CH-FR", "CH-GE", "CH-GL", "CH-GR",
    "CH-JU", "CH-LU", "CH-NE", "CH-NW", "CH-OW", "CH-SG", "CH-SH", "CH-SO", "CH-SZ", "CH-TG",
    "CH-TI", "CH-UR", "CH-VD", "CH-VS", "CH-ZG", "CH-ZH",
];

const EVERYWHERE: &str = "";
const ALL_BUT_NE: &str =
    "ZH BE LU UR SZ OW NW GL ZG FR SO BS BL SH AR AI SG GR AG TG TI VD VS GE JU";
const CATHOLIC: &str = "LU UR SZ OW NW ZG FR SO AI AG TI VS JU";

/// Of two on one day the first counts.
const HOLIDAYS: &[Holiday] = &[
    holiday("New Year’s Day", "Neujahr", On(1, 1), EVERYWHERE),
    holiday("Ascension Day", "Auffahrt", AfterEaster(39), EVERYWHERE),
    holiday("Swiss National Day", "Bundesfeier", On(8, 1), EVERYWHERE),
    holiday("Christmas Day", "Weihnachten", On(12, 25), EVERYWHERE),
    holiday(
        "Good Friday",
        "Karfreitag",
        AfterEaster(-2),
        "ZH BE LU UR SZ OW NW GL ZG FR SO BS BL SH AR AI SG GR AG TG VD NE GE JU",
    ),
    holiday("Easter Monday", "Ostermontag", AfterEaster(1), ALL_BUT_NE),
    holiday("Whit Monday", "Pfingstmontag", AfterEaster(50), ALL_BUT_NE),
    holiday("Corpus Christi", "Fronleichnam", AfterEaster(60), CATHOLIC),
    holiday(
        "Berchtold’s Day",
        "Berchtoldstag",
        On(1, 2),
        "ZH BE LU OW NW GL ZG FR SO SH SG AG TG VD VS JU",
    ),
    // For New Year’s Day on a Sunday.
    holiday(
        "2 January",
        "2. Januar",
        Unless(1, 2, &[Tue, Wed, Thu, Fri, Sat, Sun]),
        "NE",
    ),
    holiday("Epiphany", "Dreikönigstag", On(1, 6), "UR SZ TI"),
    holiday(
        "Founding of the Republic",
        "Ausrufung der Republik",
        On(3, 1),
        "NE",
    ),
    holiday(
        "Saint Joseph’s Day",
        "Josefstag",
        On(3, 19),
        "UR SZ NW TI VS",
    ),
    holiday("Näfelser Fahrt", "Näfelser Fahrt", Fahrt, "GL"),
    holiday(
        "Labour Day",
        "Tag der Arbeit",
        On(5, 1),
        "ZH SO BS BL SH AG TG TI NE JU",
    ),
    holiday(
        "Jura Independence Day",
        "Fest der Unabhängigkeit",
        On(6, 23),
        "JU",
    ),
    holiday("Saints Peter and Paul", "Peter und Paul", On(6, 29), "TI"),
    holiday("Assumption Day", "Mariä Himmelfahrt", On(8, 15), CATHOLIC),
    holiday(
        "Fast of Geneva",
        "Genfer Bettag",
        AfterSunday(9, 1, 4),
        "GE",
    ),
    holiday(
        "Federal Fast Monday",
        "Bettagsmontag",
        AfterSunday(9, 3, 1),
        "VD",
    ),
    holiday(
        "Saint Nicholas of Flüe",
        "Bruderklausenfest",
        On(9, 25),
        "OW",
    ),
    holiday(
        "All Saints’ Day",
        "Allerheiligen",
        On(11, 1),
        "LU UR SZ OW NW GL ZG FR SO AI SG AG TI VS JU",
    ),
    holiday(
        "Immaculate Conception",
        "Mariä Empfängnis",
        On(12, 8),
        "LU UR SZ OW NW ZG FR AI AG TI VS",
    ),
    holiday(
        "Saint Stephen’s Day",
        "Stephanstag",
        On(12, 26),
        "ZH BE LU SZ OW NW GL ZG FR SO BS BL SH SG GR AG TG TI VS",
    ),
    // Not where it would make work rest three days in a row.
    holiday(
        "Saint Stephen’s Day",
        "Stephanstag",
        Unless(12, 26, &[Tue, Sat]),
        "UR AR AI",
    ),
    // For Christmas Day on a Sunday.
    holiday(
        "26 December",
        "26. Dezember",
        Unless(12, 26, &[Tue, Wed, Thu, Fri, Sat, Sun]),
        "NE",
    ),
    holiday(
        "Restoration of the Republic",
        "Wiederherstellung der Republik",
        On(12, 31),
        "GE",
    ),
];

const fn holiday(
    english: &'static str,
    german: &'static str,
    falls: Falls,
    cantons: &'static str,
) -> Holiday {
    Holiday {
        english,
        german,
        falls,
        cantons,
    }
}

/// The holiday that one of these regions keeps on that day.
pub fn on(date: NaiveDate, regions: &[Region]) -> Option<&'static Holiday> {
    HOLIDAYS.iter().find(|holiday| {
        regions.iter().any(|region| region.keeps(holiday)) && holiday.falls.on(date)
    })
}

/// Easter Sunday in the Gregorian calendar, by the rule of Meeus, Jones and Butcher.
pub fn easter(year: i32) -> Option<NaiveDate> {
    let (golden, century, rest) = (
        year.rem_euclid(19),
        year.div_euclid(100),
        year.rem_euclid(100),
    );
    let moved = (century + 8).div_euclid(25);
    let skipped = (century - moved + 1).div_euclid(3);
    let epact = (19 * golden + century - century.div_euclid(4) - skipped + 15).rem_euclid(30);
    let weekday =
        (32 + 2 * century.rem_euclid(4) + 2 * (rest / 4) - epact - rest % 4).rem_euclid(7);
    let late = (golden + 11 * epact + 22 * weekday).div_euclid(451);
    let day = epact + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(
        year,
        u32::try_from(day / 31).ok()?,
        u32::try_from(day % 31 + 1).ok()?,
    )
}

impl Region {
    /// Of `CH` or a code such as `CH-ZH`.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::codes().find(|known| *known == code).map(Self)
    }

    pub fn code(self) -> &'static str {
        self.0
    }

    pub fn codes() -> impl Iterator<Item = &'static str> {
        CODES.into_iter()
    }

    fn keeps(self, holiday: &Holiday) -> bool {
        let canton = self.0.strip_prefix("CH-");
        holiday.cantons == EVERYWHERE
            || canton.is_some_and(|canton| holiday.cantons.split(' ').any(|one| one == canton))
    }
}

impl Falls {
    fn on(&self, date: NaiveDate) -> bool {
        let is = |month: u32, day: u32| date.month() == month && date.day() == day;
        match *self {
            On(month, day) => is(month, day),
            Unless(month, day, weekdays) => is(month, day) && !weekdays.contains(&date.weekday()),
            AfterEaster(days) => after_easter(date.year(), days) == Some(date),
            AfterSunday(month, nth, days) => {
                let sunday = NaiveDate::from_weekday_of_month_opt(date.year(), month, Sun, nth);
                sunday.map(|sunday| sunday + Days::new(days)) == Some(date)
            }
            Fahrt => {
                let first = NaiveDate::from_weekday_of_month_opt(date.year(), 4, Thu, 1);
                let maundy = after_easter(date.year(), -3);
                let later = Days::new(if first == maundy { 7 } else { 0 });
                first.map(|first| first + later) == Some(date)
            }
        }
    }
}

fn after_easter(year: i32, days: i64) -> Option<NaiveDate> {
    easter(year)?.checked_add_signed(TimeDelta::days(days))
}
