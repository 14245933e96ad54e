//! The application's life, event by event. It is the same however far it is lived.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, TimeDelta, Utc};

use super::chance::Chance;
use super::changes::Event;
use super::days::{StoryDay, story};
use super::names::{PATTERNS, TYPES};
use super::world::World;
use crate::calendar::Day;

/// The daily events, and how often each happens on an average day at the end of the story.
const DAILY: [(Event, f64); 18] = [
    (Event::Register, 15.0),
    (Event::LogIn, 560.0),
    (Event::ChangeOptIn, 3.0),
    (Event::WriteEmail, 14.0),
    (Event::MakeCollection, 9.0),
    (Event::ShowCollection, 4.0),
    (Event::DeleteCollection, 0.45),
    (Event::AddItem, 95.0),
    (Event::ChangeStatus, 30.0),
    (Event::ChangeFavourite, 12.0),
    (Event::DeleteItem, 4.75),
    (Event::AddValue, 115.0),
    (Event::DeleteValue, 5.0),
    (Event::AddLink, 34.0),
    (Event::MatchLink, 5.0),
    (Event::DeleteLink, 1.7),
    (Event::AddPicture, 60.0),
    (Event::DeletePicture, 0.6),
];
/// E-mails of the nightly digest.
const DIGEST: f64 = 16.0;

/// How many types and patterns exist from the beginning, and how many days lie between two further ones.
const DEFINED_AT_FIRST: usize = 8;
const DAYS_BETWEEN_DEFINITIONS: i64 = 28;

/// On the last complete day, logins failed between these hours.
const LOGINS_BROKEN_AGO: i64 = 0;
const LOGINS_BROKEN_HOURS: std::ops::Range<i64> = 10..18;
/// The storage lost files: how many days ago, and how many files.
const FILES_LOST: [(i64, usize); 2] = [(1, 1), (0, 2)];
const FILES_LOST_HOUR: i64 = 14;

pub(super) struct Life {
    pub(super) world: World,
    days: Vec<StoryDay>,
    chance: Chance,
    /// Future events, the next first; those of one moment in the order in which they were arranged.
    agenda: BinaryHeap<Reverse<(DateTime<Utc>, usize, Event)>>,
    arranged: usize,
}

impl Life {
    /// Before anything has happened. The story ends with the day after `last_day`.
    pub(super) fn begin(last_day: Day) -> Self {
        let mut life = Self {
            world: World::default(),
            days: story(last_day),
            chance: Chance::seeded(0),
            agenda: BinaryHeap::new(),
            arranged: 0,
        };
        let mornings: Vec<DateTime<Utc>> = life.days.iter().map(|day| day.day.start).collect();
        let definitions = [
            (Event::DefineType, TYPES.len()),
            (Event::DefinePattern, PATTERNS.len()),
        ];
        for (event, count) in definitions {
            for number in 0..count {
                let later = number.saturating_sub(DEFINED_AT_FIRST - 1) as i64;
                let later = TimeDelta::days(later * DAYS_BETWEEN_DEFINITIONS);
                life.arrange(mornings[0] + later, event);
            }
        }
        for (number, morning) in mornings.into_iter().enumerate() {
            life.arrange(morning, Event::Morning(number));
        }
        life
    }

    /// Lets all events before that moment happen.
    pub(super) fn live_until(&mut self, moment: DateTime<Utc>) {
        while let Some(Reverse((at, _, event))) = self.agenda.peek().copied()
            && at < moment
        {
            self.agenda.pop();
            if let Event::Morning(number) = event {
                self.arrange_day(number);
            }
            let next = self.world.happen(event, at, &mut self.chance);
            if let Some((at, event)) = next {
                self.arrange(at, event);
            }
        }
    }

    /// How much happens on a day depends on the day alone.
    fn arrange_day(&mut self, number: usize) {
        let day = &self.days[number];
        let mut luck = Chance::seeded(day.ago);
        let mut arranged: Vec<(DateTime<Utc>, Event)> = Vec::new();
        for (event, usually) in DAILY {
            let edges = match event {
                Event::AddItem => day.edges(),
                _ => Vec::new(),
            };
            let others = day.count(usually, &mut luck).saturating_sub(edges.len());
            let moments = edges.into_iter().chain(day.moments(others, &mut luck));
            let moments = moments.filter(|at| event != Event::LogIn || !logins_fail(day, *at));
            arranged.extend(moments.map(|at| (at, event)));
        }
        let digest = day.count(DIGEST, &mut luck);
        let digest = day.late_moments(digest, &mut luck).into_iter();
        arranged.extend(digest.map(|at| (at, Event::WriteEmail)));
        for (ago, files) in FILES_LOST {
            if ago == day.ago {
                let at = day.day.start + TimeDelta::hours(FILES_LOST_HOUR);
                arranged.extend((0..files).map(|_| (at, Event::LoseFile)));
            }
        }
        for (at, event) in arranged {
            self.arrange(at, event);
        }
    }

    fn arrange(&mut self, at: DateTime<Utc>, event: Event) {
        self.agenda.push(Reverse((at, self.arranged, event)));
        self.arranged += 1;
    }
}

fn logins_fail(day: &StoryDay, at: DateTime<Utc>) -> bool {
    day.ago == LOGINS_BROKEN_AGO && LOGINS_BROKEN_HOURS.contains(&(at - day.day.start).num_hours())
}
