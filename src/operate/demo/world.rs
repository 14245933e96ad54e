//! The invented application: who joined, what they collected, what went wrong. Pure: chance is seeded.

use chrono::{DateTime, TimeDelta, Utc};

use super::chance::Chance;
use super::days::{Stretch, shares, stretches};
use super::names::{ATTRIBUTES, ATTRIBUTES_PER_TYPE, PATTERNS, TYPES, VALUES};
use crate::calendar::Day;

const USERS: usize = 12_000;
const COLLECTIONS: usize = 6_400;
const ITEMS: usize = 60_000;
const EMAILS: usize = 20_000;
const OTHER_FILES: usize = 240;

/// The sign-up form was broken for a day.
const SIGNUPS_BROKEN_AGO: i64 = 68;
/// A newspaper wrote about the application.
const ARTICLE_AGO: i64 = 0;
/// Somebody uploaded a whole archive.
const ARCHIVE_AGO: i64 = 61;
const ARCHIVE_FILES: usize = 900;
/// Since then strangers have been uploading what moderation has to look at.
const FLOOD_SINCE_AGO: i64 = 6;
const FLOOD_FLAGGED_A_DAY: usize = 5;
const FLOOD_PENDING_A_DAY: usize = 4;

const STATUSES: [(&str, usize); 6] = [
    ("IN_COLLECTION", 72),
    ("WANTED", 10),
    ("PREVIOUSLY_OWNED", 9),
    ("LENT_OUT", 4),
    ("RESERVED", 3),
    ("ORDERED", 2),
];
const VISIBILITIES: [(&str, usize); 3] = [("PRIVATE", 62), ("PUBLIC", 25), ("UNLISTED", 13)];

/// Everything refers to everything else by position.
#[derive(Default)]
pub(super) struct World {
    pub(super) users: Vec<User>,
    pub(super) emails: Vec<Email>,
    pub(super) types: Vec<Definition>,
    /// Each with the type it belongs to.
    pub(super) attributes: Vec<(usize, Definition)>,
    pub(super) patterns: Vec<Definition>,
    pub(super) collections: Vec<Collection>,
    pub(super) items: Vec<Item>,
    pub(super) values: Vec<AttributeValue>,
    pub(super) links: Vec<Link>,
    pub(super) media: Vec<File>,
    pub(super) collection_images: Vec<Image>,
    pub(super) item_images: Vec<Image>,
}

pub(super) struct User {
    pub(super) joined: DateTime<Utc>,
    pub(super) last_login: Option<DateTime<Utc>>,
    pub(super) superuser: bool,
    pub(super) active: bool,
    pub(super) email: String,
    pub(super) marketing: bool,
    pub(super) violations: i64,
    pub(super) banned: bool,
}

pub(super) struct Email {
    pub(super) user: usize,
    /// 0 sent, 1 failed, 2 queued, 3 queued again.
    pub(super) status: i64,
    pub(super) created: DateTime<Utc>,
}

pub(super) struct Definition {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    pub(super) name: &'static str,
}

pub(super) struct Collection {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    pub(super) visibility: &'static str,
}

pub(super) struct Item {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    pub(super) status: &'static str,
    pub(super) collection: usize,
    pub(super) item_type: Option<usize>,
    pub(super) favourite: bool,
}

pub(super) struct AttributeValue {
    pub(super) deleted: bool,
    pub(super) item: usize,
    pub(super) attribute: usize,
    pub(super) text: &'static str,
}

pub(super) struct Link {
    pub(super) deleted: bool,
    pub(super) item: usize,
    pub(super) pattern: Option<usize>,
}

pub(super) struct File {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    pub(super) size: Option<i64>,
    pub(super) kind: &'static str,
    pub(super) exists: bool,
    pub(super) moderation: &'static str,
}

/// A file shown with an item or a collection.
pub(super) struct Image {
    pub(super) deleted: bool,
    pub(super) of: usize,
    pub(super) file: usize,
}

impl World {
    /// Two years up to `now`, with surprises counted back from the last complete day.
    pub(super) fn told(last_day: Day, now: DateTime<Utc>) -> Self {
        let mut chance = Chance::seeded();
        let days = stretches(last_day, now, &mut chance);
        let mut world = Self::default();
        world.define(&days);
        world.register(&days, now, &mut chance);
        world.write_emails(&days, now, &mut chance);
        world.collect(&days, &mut chance);
        world.describe(&mut chance);
        world.upload(&mut chance);
        world.surprise(&days, now, &mut chance);
        world.lose_files();
        world
    }

    fn define(&mut self, days: &[Stretch]) {
        let begun = days.first().map(|day| day.start).unwrap_or_default();
        let definition = |(at, name): (usize, &&'static str)| Definition {
            deleted: every_twentieth(at),
            created: begun + TimeDelta::days(7 * at as i64),
            name,
        };
        self.types = TYPES.iter().enumerate().map(definition).collect();
        self.patterns = PATTERNS.iter().enumerate().map(definition).collect();
        self.attributes = ATTRIBUTES
            .iter()
            .cycle()
            .take(TYPES.len() * ATTRIBUTES_PER_TYPE)
            .enumerate()
            .map(|(at, name)| (at / ATTRIBUTES_PER_TYPE, definition((at, name))))
            .collect();
    }

    fn register(&mut self, days: &[Stretch], now: DateTime<Utc>, chance: &mut Chance) {
        let weight = |day: &Stretch| match day.ago {
            SIGNUPS_BROKEN_AGO => day.weight * 0.03,
            ARTICLE_AGO => day.weight * 1.5,
            _ => day.weight,
        };
        for (day, count) in days.iter().zip(shares(USERS, days, weight)) {
            for joined in day.moments_and_edges(count, chance) {
                let number = self.users.len();
                self.users.push(user(number, joined, now, chance));
            }
        }
    }

    fn write_emails(&mut self, days: &[Stretch], now: DateTime<Utc>, chance: &mut Chance) {
        for (day, count) in days.iter().zip(shares(EMAILS, days, |day| day.weight)) {
            for created in day.moments(count, chance) {
                let waiting = now - created < TimeDelta::hours(3);
                let status = match waiting {
                    true => chance.weighed(&[(2, 80), (3, 20)]),
                    false => chance.weighed(&[(0, 979), (1, 20), (3, 1)]),
                };
                let joined = self.users.partition_point(|user| user.joined <= created);
                self.emails.push(Email {
                    user: chance.below(joined.max(1)),
                    status,
                    created,
                });
            }
        }
    }

    fn collect(&mut self, days: &[Stretch], chance: &mut Chance) {
        let collections = shares(COLLECTIONS, days, |day| day.weight);
        let items = shares(ITEMS, days, |day| day.weight);
        for (day, (collections, items)) in days.iter().zip(collections.into_iter().zip(items)) {
            for created in day.moments(collections, chance) {
                self.collections.push(Collection {
                    deleted: every_twentieth(self.collections.len()),
                    created,
                    visibility: chance.weighed(&VISIBILITIES),
                });
            }
            for created in day.moments_and_edges(items, chance) {
                let known = self
                    .collections
                    .partition_point(|each| each.created <= created);
                self.items.push(Item {
                    deleted: every_twentieth(self.items.len()),
                    created,
                    status: chance.weighed(&STATUSES),
                    collection: chance.below(known.max(1)),
                    item_type: (!chance.percent(10)).then(|| chance.favouring_low(TYPES.len())),
                    favourite: chance.percent(8),
                });
            }
        }
    }

    /// Attribute values and links; what hangs on a deleted item is mostly still there.
    fn describe(&mut self, chance: &mut Chance) {
        for (item, row) in self.items.iter().enumerate() {
            if let Some(item_type) = row.item_type {
                let known = chance.weighed(&[(0, 25), (1, 33), (2, 26), (3, 16)]);
                for which in 0..known {
                    self.values.push(AttributeValue {
                        deleted: chance.percent(5),
                        item,
                        attribute: item_type * ATTRIBUTES_PER_TYPE + which,
                        text: VALUES[chance.below(VALUES.len())],
                    });
                }
            }
            for _ in 0..chance.weighed(&[(0, 69), (1, 25), (2, 6)]) {
                self.links.push(Link {
                    deleted: chance.percent(5),
                    item,
                    pattern: chance
                        .percent(72)
                        .then(|| chance.favouring_low(PATTERNS.len())),
                });
            }
        }
    }

    /// Pictures of items and collections, and faces. Deleting a thing mostly deletes its file too.
    fn upload(&mut self, chance: &mut Chance) {
        for item in 0..self.items.len() {
            for _ in 0..chance.weighed(&[(0, 58), (1, 36), (2, 6)]) {
                let created = self.items[item].created;
                let deleted = self.items[item].deleted && !chance.percent(10);
                self.picture(item, created, chance);
                self.mark_last_picture(deleted);
            }
        }
        for of in 0..self.collections.len() {
            if chance.percent(38) {
                let Collection {
                    created, deleted, ..
                } = self.collections[of];
                let file = self.file("COLLECTION_HEADER", created, chance);
                self.media[file].deleted = deleted;
                self.collection_images.push(Image { deleted, of, file });
            }
        }
        for user in 0..self.users.len() {
            if chance.percent(22) {
                self.file("AVATAR", self.users[user].joined, chance);
            }
        }
        for _ in 0..OTHER_FILES {
            let created = self.items[chance.below(self.items.len())].created;
            self.file("OTHER", created, chance);
        }
    }

    fn surprise(&mut self, days: &[Stretch], now: DateTime<Utc>, chance: &mut Chance) {
        for day in days {
            let (flagged, pending) = match day.ago {
                0..=FLOOD_SINCE_AGO => (FLOOD_FLAGGED_A_DAY, FLOOD_PENDING_A_DAY),
                _ => (0, 0),
            };
            let archive = if day.ago == ARCHIVE_AGO {
                ARCHIVE_FILES
            } else {
                0
            };
            let moments = day.moments(flagged + pending + archive, chance);
            for (at, created) in moments.into_iter().enumerate() {
                let older = self.items.partition_point(|item| item.created < day.start);
                let file = self.picture(chance.below(older.max(1)), created, chance);
                self.media[file].moderation = match at {
                    _ if archive > 0 => "APPROVED",
                    _ if at % (flagged + pending) < flagged => "FLAGGED",
                    _ => "PENDING",
                };
            }
        }
        for file in &mut self.media {
            let fresh = now - file.created < TimeDelta::hours(2);
            if fresh && file.moderation == "APPROVED" {
                file.moderation = "PENDING";
            }
        }
    }

    /// Three live files have lost their content; so has one deleted file, which must not count.
    fn lose_files(&mut self) {
        for quarter in 1..=3 {
            let from = self.media.len() * quarter / 4;
            if let Some(file) = self.media[from..].iter_mut().find(|file| !file.deleted) {
                file.exists = false;
            }
        }
        if let Some(file) = self.media.iter_mut().find(|file| file.deleted) {
            file.exists = false;
        }
    }

    fn picture(&mut self, of: usize, created: DateTime<Utc>, chance: &mut Chance) -> usize {
        let file = self.file("COLLECTION_ITEM", created, chance);
        let deleted = self.media[file].deleted;
        self.item_images.push(Image { deleted, of, file });
        file
    }

    fn mark_last_picture(&mut self, deleted: bool) {
        if let (true, Some(image)) = (deleted, self.item_images.last_mut()) {
            image.deleted = true;
            self.media[image.file].deleted = true;
        }
    }

    fn file(&mut self, kind: &'static str, created: DateTime<Utc>, chance: &mut Chance) -> usize {
        self.media.push(File {
            deleted: chance.percent(1),
            created,
            size: (!chance.percent(1)).then(|| 40_000 + chance.favouring_low(6_000_000) as i64),
            kind,
            exists: true,
            moderation: chance.weighed(&[("APPROVED", 98), ("REJECTED", 2)]),
        });
        self.media.len() - 1
    }
}

/// The first four are superusers; of them the second has no address and the third has left.
fn user(number: usize, joined: DateTime<Utc>, now: DateTime<Utc>, chance: &mut Chance) -> User {
    let microseconds = (now - joined).num_microseconds().unwrap_or_default() as f64;
    let since = TimeDelta::microseconds((microseconds * chance.fraction().powi(3)) as i64);
    let violations = chance.weighed(&[(0, 970), (1, 18), (2, 9), (5, 3)]);
    User {
        joined,
        last_login: (!chance.percent(12)).then(|| joined.max(now - since - TimeDelta::seconds(1))),
        superuser: number < 4,
        active: number != 2 && !(number > 3 && chance.percent(2)),
        email: match number {
            1 => String::new(),
            _ => format!("user{}@example.org", number + 1),
        },
        marketing: chance.percent(29),
        violations,
        banned: violations > 4,
    }
}

/// About five in a hundred rows are deleted, evenly, so that no day looks worse by accident.
fn every_twentieth(position: usize) -> bool {
    position % 20 == 13
}
