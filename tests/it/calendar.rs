//! Days and windows tile time in every zone, over gaps, overlaps and a day that never was.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod oracle;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::calendar::{Day, NoSuchDay, days_between, first_instant, spoken};

use crate::world::{date, instant};
use oracle::Zone;

const ZONES: [Tz; 12] = [
    Tz::Europe__Zurich,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Apia,
    Tz::America__St_Johns,
    Tz::America__Sao_Paulo,
    Tz::Asia__Tehran,
    Tz::Africa__Casablanca,
    Tz::Asia__Gaza,
    Tz::America__Havana,
    Tz::Pacific__Chatham,
    Tz::Antarctica__Troll,
    Tz::Asia__Kathmandu,
];

/// Worked out by hand from each country's decree.
const KNOWN_DAYS: &[(Tz, &str, &str, &str, f64)] = &[
    (
        Tz::Europe__Zurich,
        "2025-10-03",
        "2025-10-02T22:00:00Z",
        "2025-10-03T22:00:00Z",
        24.0,
    ),
    (
        Tz::Europe__Zurich,
        "2025-03-30",
        "2025-03-29T23:00:00Z",
        "2025-03-30T22:00:00Z",
        23.0,
    ),
    (
        Tz::Europe__Zurich,
        "2025-10-26",
        "2025-10-25T22:00:00Z",
        "2025-10-26T23:00:00Z",
        25.0,
    ),
    // Half an hour, at 2 o'clock.
    (
        Tz::Australia__Lord_Howe,
        "2025-04-06",
        "2025-04-05T13:00:00Z",
        "2025-04-06T13:30:00Z",
        24.5,
    ),
    (
        Tz::Australia__Lord_Howe,
        "2025-10-05",
        "2025-10-04T13:30:00Z",
        "2025-10-05T13:00:00Z",
        23.5,
    ),
    // Samoa went over the date line: the 29th was followed by the 31st.
    (
        Tz::Pacific__Apia,
        "2011-12-29",
        "2011-12-29T10:00:00Z",
        "2011-12-30T10:00:00Z",
        24.0,
    ),
    (
        Tz::Pacific__Apia,
        "2011-12-31",
        "2011-12-30T10:00:00Z",
        "2011-12-31T10:00:00Z",
        24.0,
    ),
    // Until 2011 Newfoundland changed its clocks at one minute past midnight.
    (
        Tz::America__St_Johns,
        "2010-03-14",
        "2010-03-14T03:30:00Z",
        "2010-03-15T02:30:00Z",
        23.0,
    ),
    (
        Tz::America__St_Johns,
        "2010-11-06",
        "2010-11-06T02:30:00Z",
        "2010-11-07T02:30:00Z",
        24.0,
    ),
    (
        Tz::America__St_Johns,
        "2010-11-07",
        "2010-11-07T02:30:00Z",
        "2010-11-08T03:30:00Z",
        25.0,
    ),
    (
        Tz::America__St_Johns,
        "2025-03-09",
        "2025-03-09T03:30:00Z",
        "2025-03-10T02:30:00Z",
        23.0,
    ),
    // The clocks jump at midnight: the day begins at 1 o'clock; or the day before has 25 hours.
    (
        Tz::America__Sao_Paulo,
        "2018-11-03",
        "2018-11-03T03:00:00Z",
        "2018-11-04T03:00:00Z",
        24.0,
    ),
    (
        Tz::America__Sao_Paulo,
        "2018-11-04",
        "2018-11-04T03:00:00Z",
        "2018-11-05T02:00:00Z",
        23.0,
    ),
    (
        Tz::America__Sao_Paulo,
        "2019-02-16",
        "2019-02-16T02:00:00Z",
        "2019-02-17T03:00:00Z",
        25.0,
    ),
    (
        Tz::America__Sao_Paulo,
        "2019-02-17",
        "2019-02-17T03:00:00Z",
        "2019-02-18T03:00:00Z",
        24.0,
    ),
    (
        Tz::Asia__Tehran,
        "2022-03-22",
        "2022-03-21T20:30:00Z",
        "2022-03-22T19:30:00Z",
        23.0,
    ),
    (
        Tz::Asia__Tehran,
        "2022-09-21",
        "2022-09-20T19:30:00Z",
        "2022-09-21T20:30:00Z",
        25.0,
    ),
    // An hour back for Ramadan, and forward again after it.
    (
        Tz::Africa__Casablanca,
        "2025-02-23",
        "2025-02-22T23:00:00Z",
        "2025-02-24T00:00:00Z",
        25.0,
    ),
    (
        Tz::Africa__Casablanca,
        "2025-04-06",
        "2025-04-06T00:00:00Z",
        "2025-04-06T23:00:00Z",
        23.0,
    ),
    (
        Tz::Asia__Gaza,
        "2025-04-12",
        "2025-04-11T22:00:00Z",
        "2025-04-12T21:00:00Z",
        23.0,
    ),
    // The repeated hour is the day's first.
    (
        Tz::America__Havana,
        "2025-03-09",
        "2025-03-09T05:00:00Z",
        "2025-03-10T04:00:00Z",
        23.0,
    ),
    (
        Tz::America__Havana,
        "2025-11-02",
        "2025-11-02T04:00:00Z",
        "2025-11-03T05:00:00Z",
        25.0,
    ),
    (
        Tz::Pacific__Chatham,
        "2025-04-06",
        "2025-04-05T10:15:00Z",
        "2025-04-06T11:15:00Z",
        25.0,
    ),
    (
        Tz::Pacific__Chatham,
        "2025-09-28",
        "2025-09-27T11:15:00Z",
        "2025-09-28T10:15:00Z",
        23.0,
    ),
    // Two hours.
    (
        Tz::Antarctica__Troll,
        "2025-03-30",
        "2025-03-30T00:00:00Z",
        "2025-03-30T22:00:00Z",
        22.0,
    ),
    (
        Tz::Antarctica__Troll,
        "2025-10-26",
        "2025-10-25T22:00:00Z",
        "2025-10-27T00:00:00Z",
        26.0,
    ),
];

#[test]
fn known_days_begin_and_end_as_decreed() {
    for (zone, on, start, end, hours) in KNOWN_DAYS {
        let day = Day::new(date(on), *zone).unwrap();
        assert_eq!(
            (day.start, day.end),
            (instant(start), instant(end)),
            "{zone} {on}"
        );
        assert_eq!(day.hours(), *hours, "{zone} {on}");
    }
}

#[test]
fn a_day_that_the_clocks_jumped_over_is_refused_in_words() {
    let gone = Day::new(date("2011-12-30"), Tz::Pacific__Apia).unwrap_err();
    let expected = NoSuchDay {
        date: date("2011-12-30"),
        zone: Tz::Pacific__Apia,
    };
    assert_eq!(gone, expected);
    assert_eq!(
        gone.to_string(),
        "2011-12-30 does not exist in Pacific/Apia: its clocks jumped over that whole day"
    );
    let after = Day::new(date("2011-12-31"), Tz::Pacific__Apia).unwrap();
    assert_eq!(after.previous().date, date("2011-12-29"));
    let days = days_between(date("2011-12-29"), date("2011-12-31"), Tz::Pacific__Apia);
    let dates: Vec<NaiveDate> = days.iter().map(|day| day.date).collect();
    assert_eq!(dates, [date("2011-12-29"), date("2011-12-31")]);
}

#[test]
fn windows_begin_at_the_same_local_time_days_earlier() {
    let zurich = Tz::Europe__Zurich;
    for (now, days, begins) in [
        // Nothing between: 14:00 on each day.
        ("2025-10-03T12:00:00Z", 7, "2025-09-26T12:00:00Z"),
        // Over the change in spring and in autumn.
        ("2025-03-31T12:00:00Z", 7, "2025-03-24T13:00:00Z"),
        ("2025-10-27T13:00:00Z", 1, "2025-10-26T13:00:00Z"),
        ("2025-10-27T13:00:00Z", 30, "2025-09-27T12:00:00Z"),
        // 02:30 was skipped on 30 March: the first instant after.
        ("2025-03-31T00:30:00Z", 1, "2025-03-30T01:00:00Z"),
        ("2025-04-06T00:30:00Z", 7, "2025-03-30T01:00:00Z"),
        ("2025-04-29T00:30:00Z", 30, "2025-03-30T01:00:00Z"),
        // 02:30 came twice on 26 October: the earlier one.
        ("2025-10-27T01:30:00Z", 1, "2025-10-26T00:30:00Z"),
        // The fraction of a second is kept.
        (
            "2025-10-03T12:00:00.123456Z",
            1,
            "2025-10-02T12:00:00.123456Z",
        ),
    ] {
        let as_of = Day::containing(instant(now), zurich).as_of(instant(now));
        assert!(as_of.open);
        assert_eq!(
            as_of.window_start(days).instant,
            instant(begins),
            "{now} {days}"
        );
    }
    let apia = Day::new(date("2011-12-31"), Tz::Pacific__Apia)
        .unwrap()
        .close();
    for (days, begins) in [
        (1, "2011-12-30T10:00:00Z"),
        (2, "2011-12-30T10:00:00Z"),
        (3, "2011-12-29T10:00:00Z"),
    ] {
        assert_eq!(apia.window_start(days).instant, instant(begins), "{days}");
    }
}

#[test]
fn days_of_four_decades_tile_in_every_zone() {
    let (first, last) = (date("2000-01-01"), date("2040-12-31"));
    for tz in ZONES {
        let zone = Zone::new(tz);
        let days = days_between(first, last, tz);
        let missing = first.iter_days().take_while(|date| *date <= last).count() - days.len();
        assert_eq!(missing, usize::from(tz == Tz::Pacific__Apia), "{tz}");
        for pair in days.windows(2) {
            let [before, day] = pair else { unreachable!() };
            assert_eq!(before.end, day.start, "{tz} {}", day.date);
            assert_eq!(
                day.start,
                zone.first_instant(midnight(day.date)),
                "{tz} {}",
                day.date
            );
            assert_eq!(day.previous(), *before, "{tz} {}", day.date);
            assert_eq!(Day::containing(day.start, tz), *day, "{tz} {}", day.date);
            let close = day.close();
            assert_eq!((close.instant, close.open), (day.end, false));
            assert_eq!(day.as_of(day.end), close);
            assert!(day.as_of(day.end - TimeDelta::microseconds(1)).open);
        }
    }
}

#[test]
fn every_moment_around_a_clock_change_has_one_day_and_right_windows() {
    for tz in ZONES {
        let zone = Zone::new(tz);
        for change in zone.changes() {
            for minutes in (-180..=180)
                .step_by(30)
                .chain([-1, 1, -1439, 1439, 2880, 41_760])
            {
                let moment =
                    *change + TimeDelta::minutes(minutes) + TimeDelta::microseconds(minutes % 7);
                let day = Day::containing(moment, tz);
                assert!(day.start <= moment && moment < day.end, "{tz} {moment}");
                let as_of = day.as_of(moment);
                let mut later = moment;
                for days in [1, 7, 30] {
                    let wall = zone.wall(moment) - Days::new(u64::from(days));
                    let begins = as_of.window_start(days).instant;
                    assert_eq!(begins, zone.first_instant(wall), "{tz} {moment} {days}");
                    assert!(begins <= later, "{tz} {moment} {days}");
                    later = begins;
                }
            }
        }
    }
}

#[test]
fn windows_of_whole_days_meet_where_days_do() {
    for tz in ZONES {
        let zone = Zone::new(tz);
        for change in zone.changes() {
            let around = Day::containing(*change, tz).date;
            for day in days_between(around - Days::new(2), around + Days::new(32), tz) {
                let close = day.close();
                for length in [1, 7, 30] {
                    let first = day.date - Days::new(length - 1);
                    let begins = close.window_start(u32::try_from(length).unwrap()).instant;
                    // Where the first day never was, its successor begins at the same instant.
                    let expected = days_between(first, day.date, tz)[0].start;
                    assert_eq!(begins, expected, "{tz} {} {length}", day.date);
                }
                let before = Day::new(day.date - Days::new(7), tz);
                if let Ok(before) = before {
                    assert_eq!(before.close().instant, close.window_start(7).instant);
                }
            }
        }
    }
}

#[test]
fn local_times_around_every_clock_change_have_their_first_instant() {
    for tz in ZONES {
        let zone = Zone::new(tz);
        for change in zone.changes() {
            for side in [*change - TimeDelta::seconds(1), *change] {
                for seconds in (-7200..=7200).step_by(450).chain([-1, 1, 59, 60]) {
                    let wall = zone.wall(side) + TimeDelta::seconds(seconds);
                    assert_eq!(
                        first_instant(wall, tz),
                        zone.first_instant(wall),
                        "{tz} {wall}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_date_is_spoken_with_its_weekday() {
    assert_eq!(spoken(date("2025-10-03")), "Fri 3 Oct 2025");
}

fn midnight(date: NaiveDate) -> chrono::NaiveDateTime {
    date.and_hms_opt(0, 0, 0).unwrap()
}

/// The oracle is trusted for what can be seen on a wall clock.
#[test]
fn the_oracle_knows_how_often_clocks_change() {
    let changes = |tz| -> Vec<DateTime<Utc>> { Zone::new(tz).changes().to_vec() };
    assert!(changes(Tz::Asia__Kathmandu).is_empty());
    // Twice in each of the years from 1999 to 2041.
    assert_eq!(changes(Tz::Europe__Zurich).len(), 43 * 2);
    assert!(changes(Tz::Europe__Zurich).contains(&instant("2025-03-30T01:00:00Z")));
    assert!(changes(Tz::Pacific__Apia).contains(&instant("2011-12-30T10:00:00Z")));
}
