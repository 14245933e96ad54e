//! The application's events: each adds or changes rows, and may lead to another one. Changes are drawn from the same
//! chances as new rows, so that no share drifts as the application grows.

use chrono::{DateTime, Utc};

use super::chance::Chance;
use super::names::{ATTRIBUTES, ATTRIBUTES_PER_TYPE, PATTERNS, TYPES, VALUES};
use super::world::{
    AttributeValue, Collection, Definition, Email, EmailStatus, File, FileKind, Image, Item, Link,
    Moderation, User, World,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The day of this number begins.
    Morning(usize),
    DefineType,
    DefinePattern,
    Register,
    LogIn,
    ChangeOptIn,
    WriteEmail,
    SendEmail(usize),
    MakeCollection,
    ShowCollection,
    DeleteCollection,
    AddItem,
    ChangeStatus,
    ChangeFavourite,
    DeleteItem,
    AddValue,
    DeleteValue,
    AddLink,
    MatchLink,
    DeleteLink,
    AddPicture,
    DeletePicture,
    Moderate(usize),
    Decide(usize),
    LoseFile,
}

type Next = Option<(DateTime<Utc>, Event)>;

/// In the order of [`super::world::STATUSES`].
const STATUS_CHANCES: [(usize, usize); 6] = [(0, 72), (1, 10), (2, 9), (3, 4), (4, 3), (5, 2)];
/// In the order of [`super::world::VISIBILITIES`].
const VISIBILITY_CHANCES: [(usize, usize); 3] = [(0, 62), (1, 25), (2, 13)];
/// How many of the newest items get most of the attention.
const NEW_ROWS: usize = 150;

impl World {
    /// Lets an event happen; returns the one that follows from it, and when.
    pub(super) fn happen(&mut self, event: Event, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        match event {
            Event::Morning(_) => None,
            Event::DefineType => self.define_type(at),
            Event::DefinePattern => self.define_pattern(at),
            Event::Register => self.register(at, chance),
            Event::LogIn => self.log_in(at, chance),
            Event::ChangeOptIn => self.change_opt_in(chance),
            Event::WriteEmail => self.write_email(at, chance),
            Event::SendEmail(email) => self.send_email(email, at, chance),
            Event::MakeCollection => self.make_collection(at, chance),
            Event::ShowCollection => self.show_collection(chance),
            Event::DeleteCollection => self.delete_collection(chance),
            Event::AddItem => self.add_item(at, chance),
            Event::ChangeStatus => self.change_status(chance),
            Event::ChangeFavourite => self.change_favourite(chance),
            Event::DeleteItem => self.delete_item(chance),
            Event::AddValue => self.add_value(at, chance),
            Event::DeleteValue => self.delete_value(chance),
            Event::AddLink => self.add_link(at, chance),
            Event::MatchLink => self.match_link(chance),
            Event::DeleteLink => self.delete_link(chance),
            Event::AddPicture => self.add_picture(at, chance),
            Event::DeletePicture => self.delete_picture(chance),
            Event::Moderate(file) => self.moderate(file, at, chance),
            Event::Decide(file) => self.decide(file, chance),
            Event::LoseFile => self.lose_file(chance),
        }
    }

    /// A type comes with its attributes.
    fn define_type(&mut self, at: DateTime<Utc>) -> Next {
        let position = self.types.len();
        self.types.push(definition(position, TYPES[position], at));
        for _ in 0..ATTRIBUTES_PER_TYPE {
            let number = self.attributes.len();
            let name = ATTRIBUTES[number % ATTRIBUTES.len()];
            self.attributes
                .push((position, definition(number, name, at)));
        }
        None
    }

    fn define_pattern(&mut self, at: DateTime<Utc>) -> Next {
        let position = self.patterns.len();
        self.patterns
            .push(definition(position, PATTERNS[position], at));
        None
    }

    /// The first four are superusers; of them the third has left. One in eight never comes back after signing up.
    fn register(&mut self, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        let number = self.users.len();
        self.users.push(User {
            joined: at,
            last_login: (!stays_away(number)).then_some(at),
            superuser: number < 4,
            active: number != 2 && !(number > 3 && chance.percent(2)),
            marketing: chance.percent(29),
            violations: 0,
            banned: false,
        });
        let shows_a_face = number.is_multiple_of(3);
        shows_a_face.then(|| moderation(self.file(FileKind::Avatar, at, chance), at, chance))
    }

    /// The longer somebody has been there, the more often they come.
    fn log_in(&mut self, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        if !self.users.is_empty() {
            let longest = chance.favouring_low(self.users.len());
            let number = chance.below(longest + 1);
            let user = &mut self.users[number];
            if user.active && !stays_away(number) {
                user.last_login = Some(at);
            }
        }
        None
    }

    fn change_opt_in(&mut self, chance: &mut Chance) -> Next {
        let user = some(&self.users, chance, |_| true)?;
        self.users[user].marketing = chance.percent(29);
        None
    }

    fn write_email(&mut self, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        let user = some(&self.users, chance, |_| true)?;
        self.emails.push(Email {
            user,
            status: EmailStatus::Queued,
            created: at,
        });
        let sent = at + chance.minutes(10, 60);
        Some((sent, Event::SendEmail(self.emails.len() - 1)))
    }

    fn send_email(&mut self, email: usize, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        let choices = [
            (EmailStatus::Sent, 96),
            (EmailStatus::Failed, 2),
            (EmailStatus::Requeued, 2),
        ];
        let status = chance.weighed(&choices);
        self.emails[email].status = status;
        let again = at + chance.minutes(60, 240);
        (status == EmailStatus::Requeued).then_some((again, Event::SendEmail(email)))
    }

    fn make_collection(&mut self, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        let position = self.collections.len();
        let has_header = position % 5 < 2;
        let file = has_header.then(|| self.file(FileKind::Header, at, chance));
        self.collections.push(Collection {
            deleted: false,
            created: at,
            visibility: chance.weighed(&VISIBILITY_CHANCES),
            header: file.map(|_| self.collection_images.len()),
        });
        let file = file?;
        self.collection_images.push(image(position, file, at));
        Some(moderation(file, at, chance))
    }

    fn show_collection(&mut self, chance: &mut Chance) -> Next {
        let collection = some(&self.collections, chance, |one| !one.deleted)?;
        self.collections[collection].visibility = chance.weighed(&VISIBILITY_CHANCES);
        None
    }

    /// Its items stay.
    fn delete_collection(&mut self, chance: &mut Chance) -> Next {
        let collection = some(&self.collections, chance, |one| !one.deleted)?;
        let collection = &mut self.collections[collection];
        collection.deleted = true;
        if let Some(header) = collection.header {
            let image = &mut self.collection_images[header];
            image.deleted = true;
            self.media[image.file].delete();
        }
        None
    }

    fn add_item(&mut self, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        let collection = some(&self.collections, chance, |one| !one.deleted)?;
        self.items.push(Item {
            deleted: false,
            created: at,
            status: chance.weighed(&STATUS_CHANCES),
            collection,
            item_type: (!chance.percent(10)).then(|| chance.favouring_low(self.types.len())),
            favourite: chance.percent(8),
            images: Vec::new(),
        });
        None
    }

    fn change_status(&mut self, chance: &mut Chance) -> Next {
        let item = some(&self.items, chance, |item| !item.deleted)?;
        self.items[item].status = chance.weighed(&STATUS_CHANCES);
        None
    }

    fn change_favourite(&mut self, chance: &mut Chance) -> Next {
        let item = some(&self.items, chance, |item| !item.deleted)?;
        self.items[item].favourite = chance.percent(8);
        None
    }

    /// Its pictures go with it, so no file is orphaned; its values and links stay as they are.
    fn delete_item(&mut self, chance: &mut Chance) -> Next {
        let item = some(&self.items, chance, |item| !item.deleted)?;
        let item = &mut self.items[item];
        item.deleted = true;
        for image in &item.images {
            let image = &mut self.item_images[*image];
            image.deleted = true;
            self.media[image.file].delete();
        }
        None
    }

    fn add_value(&mut self, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        let item = self.item_to_work_on(chance)?;
        let item_type = self.items[item].item_type?;
        self.values.push(AttributeValue {
            deleted: false,
            created: at,
            item,
            attribute: item_type * ATTRIBUTES_PER_TYPE + chance.below(ATTRIBUTES_PER_TYPE),
            text: VALUES[chance.below(VALUES.len())],
        });
        None
    }

    fn delete_value(&mut self, chance: &mut Chance) -> Next {
        let value = some(&self.values, chance, |value| !value.deleted)?;
        self.values[value].deleted = true;
        None
    }

    fn add_link(&mut self, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        let item = self.item_to_work_on(chance)?;
        self.links.push(Link {
            deleted: false,
            created: at,
            item,
            pattern: self.matching(chance),
        });
        None
    }

    fn match_link(&mut self, chance: &mut Chance) -> Next {
        let link = some(&self.links, chance, |link| !link.deleted)?;
        self.links[link].pattern = self.matching(chance);
        None
    }

    fn matching(&self, chance: &mut Chance) -> Option<usize> {
        chance
            .percent(72)
            .then(|| chance.favouring_low(self.patterns.len()))
    }

    fn delete_link(&mut self, chance: &mut Chance) -> Next {
        let link = some(&self.links, chance, |link| !link.deleted)?;
        self.links[link].deleted = true;
        None
    }

    fn add_picture(&mut self, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        let of = self.item_to_work_on(chance)?;
        let kind = chance.weighed(&[(FileKind::Picture, 98), (FileKind::Other, 2)]);
        let file = self.file(kind, at, chance);
        self.items[of].images.push(self.item_images.len());
        self.item_images.push(image(of, file, at));
        Some(moderation(file, at, chance))
    }

    fn delete_picture(&mut self, chance: &mut Chance) -> Next {
        let image = some(&self.item_images, chance, |image| !image.deleted)?;
        let image = &mut self.item_images[image];
        image.deleted = true;
        self.media[image.file].delete();
        None
    }

    /// What has been flagged waits for somebody to decide.
    fn moderate(&mut self, file: usize, at: DateTime<Utc>, chance: &mut Chance) -> Next {
        let choices = [
            (Moderation::Approved, 96),
            (Moderation::Flagged, 2),
            (Moderation::Rejected, 2),
        ];
        let found = chance.weighed(&choices);
        self.media[file].moderation = found;
        match found {
            Moderation::Flagged => {
                Some((at + chance.minutes(24 * 60, 72 * 60), Event::Decide(file)))
            }
            Moderation::Rejected => self.warn_somebody(chance),
            Moderation::Approved | Moderation::Pending => None,
        }
    }

    fn decide(&mut self, file: usize, chance: &mut Chance) -> Next {
        let rejected = chance.percent(50);
        if rejected {
            self.media[file].moderation = Moderation::Rejected;
            return self.warn_somebody(chance);
        }
        self.media[file].moderation = Moderation::Approved;
        None
    }

    fn warn_somebody(&mut self, chance: &mut Chance) -> Next {
        let user = some(&self.users, chance, |user| !user.superuser)?;
        if chance.percent(30) {
            let user = &mut self.users[user];
            user.violations += 1;
            user.banned = user.violations > 1;
        }
        None
    }

    /// The storage has lost its content.
    fn lose_file(&mut self, chance: &mut Chance) -> Next {
        let file = some(&self.media, chance, |file| !file.deleted && file.exists)?;
        self.media[file].exists = false;
        None
    }

    fn item_to_work_on(&self, chance: &mut Chance) -> Option<usize> {
        let new = &self.items[self.items.len().saturating_sub(NEW_ROWS)..];
        let older = self.items.len() - new.len();
        match chance.percent(70) {
            true => some(new, chance, |item| !item.deleted).map(|at| older + at),
            false => some(&self.items, chance, |item| !item.deleted),
        }
    }

    fn file(&mut self, kind: FileKind, at: DateTime<Utc>, chance: &mut Chance) -> usize {
        self.media.push(File {
            deleted: false,
            created: at,
            size: (!chance.percent(1)).then(|| 40_000 + chance.favouring_low(6_000_000) as i64),
            kind,
            exists: true,
            moderation: Moderation::Pending,
        });
        self.media.len() - 1
    }
}

impl File {
    fn delete(&mut self) {
        self.deleted = true;
        self.exists = false;
    }
}

/// One in eight signs up and never logs in again.
fn stays_away(number: usize) -> bool {
    number % 8 == 5
}

fn definition(position: usize, name: &'static str, created: DateTime<Utc>) -> Definition {
    Definition {
        deleted: position % 20 == 13,
        created,
        name,
    }
}

fn image(of: usize, file: usize, created: DateTime<Utc>) -> Image {
    Image {
        deleted: false,
        created,
        of,
        file,
    }
}

/// Somebody looks at every new file within some hours.
fn moderation(file: usize, at: DateTime<Utc>, chance: &mut Chance) -> (DateTime<Utc>, Event) {
    (at + chance.minutes(2 * 60, 8 * 60), Event::Moderate(file))
}

/// The position of a random row of that kind; none if a few tries find none.
fn some<T>(rows: &[T], chance: &mut Chance, is_wanted: impl Fn(&T) -> bool) -> Option<usize> {
    const TRIES: usize = 30;
    if rows.is_empty() {
        return None;
    }
    let mut tries = (0..TRIES).map(|_| chance.below(rows.len()));
    tries.find(|at| is_wanted(&rows[*at]))
}
