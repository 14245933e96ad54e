//! Counts in memory what the statements of Beryl's catalog would find, since a year of nights would take SQLite half a
//! minute. Tests compare the two.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::world::{
    Definition, EmailStatus, FileKind, Image, Item, Moderation, STATUSES, User, VISIBILITIES, World,
};
use crate::calendar::AsOf;
use crate::collect::outcome::Tallies;
use crate::entry::Value;
use crate::plan::Tally;

/// In the order of [`VISIBILITIES`].
const COLLECTIONS_BY_VISIBILITY: [&str; 3] = [
    "collections_private",
    "collections_public",
    "collections_unlisted",
];
/// In the order of [`STATUSES`].
const ITEMS_BY_STATUS: [&str; 6] = [
    "items_in_collection",
    "items_wanted",
    "items_previously_owned",
    "items_lent",
    "items_reserved",
    "items_ordered",
];
const WINDOWS: [(u32, &str); 3] = [(1, "24h"), (7, "7d"), (30, "30d")];

/// Counts every metric that is not made of others.
pub(super) fn count(world: &World, as_of: &AsOf) -> Tallies {
    let mut night = Night {
        world,
        as_of,
        found: Tallies::new(),
    };
    night.users();
    night.collections();
    night.items();
    night.values();
    night.links();
    night.files();
    night.images();
    night.emails();
    night.found
}

struct Night<'a> {
    world: &'a World,
    as_of: &'a AsOf,
    found: Tallies,
}

impl<'a> Night<'a> {
    fn users(&mut self) {
        let users = self.until_then(&self.world.users, |user| user.joined);
        let end = self.as_of.instant;
        let count = |is: fn(&&User) -> bool| users.iter().filter(is).count();
        self.put("total_users", users.len());
        self.put("marketing_opt_in", count(|user| user.marketing));
        self.put("marketing_opt_out", count(|user| !user.marketing));
        self.put("user_violations", count(|user| user.violations > 0));
        self.put("banned_users", count(|user| user.banned));
        self.windows("active_users", |since| {
            let logins = users.iter().filter_map(|user| user.last_login);
            logins.filter(|at| since <= *at && *at < end).count()
        });
        self.windows("new_users", |since| {
            users.len() - users.partition_point(|user| user.joined < since)
        });
    }

    fn collections(&mut self) {
        let all = self.until_then(&self.world.collections, |one| one.created);
        let live = all.iter().filter(|one| !one.deleted);
        self.put("total_collections", live.clone().count());
        self.put("per_avg_items_per_collection", live.clone().count());
        self.windows("collections_created", |since| {
            let new = &all[all.partition_point(|one| one.created < since)..];
            new.iter().filter(|one| !one.deleted).count()
        });
        let by_visibility = by_number(live.map(|one| one.visibility), VISIBILITIES.len());
        for (key, count) in COLLECTIONS_BY_VISIBILITY.iter().zip(by_visibility) {
            self.put(key, count);
        }
    }

    fn items(&mut self) {
        let collections = &self.world.collections;
        let items = self.items_then();
        let live = items.iter().filter(|item| !item.deleted);
        let collected = live
            .clone()
            .filter(|item| !collections[item.collection].deleted);
        let favourites = live.clone().filter(|item| item.favourite);
        self.put("total_items", live.clone().count());
        self.put("per_avg_attributes_per_item", live.clone().count());
        self.put("of_avg_items_per_collection", collected.count());
        self.put("favorite_items_total", favourites.count());
        self.windows("items_created", |since| {
            let new = &items[items.partition_point(|item| item.created < since)..];
            new.iter().filter(|item| !item.deleted).count()
        });
        let by_status = by_number(live.clone().map(|item| item.status), STATUSES.len());
        for (key, count) in ITEMS_BY_STATUS.iter().zip(by_status) {
            self.put(key, count);
        }
        self.put("items_sold", 0);
        self.put("items_given_away", 0);
        let types = self.until_then(&self.world.types, |one| one.created);
        let live_types = types.iter().filter(|one| !one.deleted);
        self.put("item_types_count", live_types.count());
        let by_type = by_number(live.filter_map(|item| item.item_type), types.len());
        self.put_by_definition("item_type_distribution", by_type, types);
    }

    fn values(&mut self) {
        let items = self.items_then();
        let values = self.until_then(&self.world.values, |value| value.created);
        let live = values
            .iter()
            .filter(|value| !value.deleted && !items[value.item].deleted);
        let described = distinct(live.clone().map(|value| value.item), items.len());
        self.put("of_avg_attributes_per_item", live.clone().count());
        self.put("items_with_attributes", described);
        let attributes = self.until_then(&self.world.attributes, |(_, one)| one.created);
        let live_attributes = attributes.iter().filter(|(_, one)| !one.deleted);
        self.put("total_attributes", live_attributes.count());
        let by_attribute = by_number(live.map(|value| value.attribute), attributes.len());
        let used = attributes
            .iter()
            .zip(by_attribute)
            .filter(|(_, count)| *count > 0);
        let mut by_name: BTreeMap<String, Decimal> = BTreeMap::new();
        for ((_, attribute), count) in used {
            *by_name.entry(attribute.name.to_owned()).or_default() += Decimal::from(count);
        }
        self.put_parts("attribute_usage", by_name, BTreeMap::new(), 0);
    }

    fn links(&mut self) {
        let items = self.items_then();
        let links = self.until_then(&self.world.links, |link| link.created);
        let live = links
            .iter()
            .filter(|link| !link.deleted && !items[link.item].deleted);
        let matched = live.clone().filter_map(|link| link.pattern);
        let unmatched = live.clone().filter(|link| link.pattern.is_none());
        let linked = distinct(live.clone().map(|link| link.item), items.len());
        self.put("total_links", live.count());
        self.put("matched_link_patterns", matched.clone().count());
        self.put("unmatched_link_patterns", unmatched.count());
        self.put("items_with_links", linked);
        let patterns = self.until_then(&self.world.patterns, |one| one.created);
        let by_pattern = by_number(matched, patterns.len());
        self.put_by_definition("link_pattern_distribution", by_pattern, patterns);
    }

    fn files(&mut self) {
        let files = self.until_then(&self.world.media, |file| file.created);
        let live = files.iter().filter(|file| !file.deleted);
        let moderated = |state| live.clone().filter(|file| file.moderation == state).count();
        let corrupted = live.clone().filter(|file| !file.exists);
        self.put("total_media_files", live.clone().count());
        self.put("flagged_content", moderated(Moderation::Flagged));
        self.put("pending_review", moderated(Moderation::Pending));
        self.put("corrupted_files", corrupted.count());
        self.windows("recent_uploads", |since| {
            let new = &files[files.partition_point(|file| file.created < since)..];
            new.iter().filter(|file| !file.deleted).count()
        });
        let without_size = live.clone().filter(|file| file.size.is_none()).count() as i64;
        let mut bytes: BTreeMap<&'static str, i64> = BTreeMap::new();
        for file in live {
            *bytes.entry(file.kind.word()).or_default() += file.size.unwrap_or(0);
        }
        self.put_value("total_storage_bytes", bytes.values().sum(), without_size);
        let by_kind = bytes.into_iter().filter(|(_, bytes)| *bytes > 0);
        let by_kind = by_kind.map(|(kind, bytes)| (kind.to_owned(), bytes.into()));
        self.put_parts(
            "storage_by_type",
            by_kind.collect(),
            BTreeMap::new(),
            without_size,
        );
    }

    fn images(&mut self) {
        let (world, items) = (self.world, self.items_then());
        let is_live = |image: &&Image| !image.deleted && !items[image.of].deleted;
        let of_items = self.until_then(&world.item_images, |image| image.created);
        let of_items = of_items.iter().filter(is_live);
        let pictured = distinct(of_items.clone().map(|image| image.of), items.len());
        self.put("items_with_images", pictured);
        let is_live = |image: &&Image| !image.deleted && !world.collections[image.of].deleted;
        let of_collections = self.until_then(&world.collection_images, |image| image.created);
        let of_collections = of_collections.iter().filter(is_live);
        let files = self.until_then(&world.media, |file| file.created);
        let mut is_shown = vec![false; files.len()];
        for image in of_items.chain(of_collections) {
            is_shown[image.file] = true;
        }
        let hidden = files.iter().zip(is_shown).filter(|(_, is_shown)| !is_shown);
        let orphaned = hidden.filter(|(file, _)| !file.deleted && file.kind != FileKind::Avatar);
        self.put("orphaned_files", orphaned.count());
    }

    fn emails(&mut self) {
        let emails = self.until_then(&self.world.emails, |email| email.created);
        let count = |is: EmailStatus| emails.iter().filter(|email| email.status == is).count();
        let pending = count(EmailStatus::Queued) + count(EmailStatus::Requeued);
        self.put("total_emails", emails.len());
        self.put("emails_pending", pending);
        self.put("emails_sent", count(EmailStatus::Sent));
        self.put("emails_failed", count(EmailStatus::Failed));
        self.put("emails_synced_resend", 0);
    }

    /// The rows that existed then; newer ones come last.
    fn until_then<'w, T>(&self, rows: &'w [T], created: impl Fn(&T) -> DateTime<Utc>) -> &'w [T] {
        &rows[..rows.partition_point(|row| created(row) < self.as_of.instant)]
    }

    fn items_then(&self) -> &'a [Item] {
        self.until_then(&self.world.items, |item| item.created)
    }

    fn windows(&mut self, family: &str, count_since: impl Fn(DateTime<Utc>) -> usize) {
        for (days, suffix) in WINDOWS {
            let since = self.as_of.window_start(days).instant;
            self.put(&format!("{family}_{suffix}"), count_since(since));
        }
    }

    fn put(&mut self, key: &str, count: usize) {
        self.put_value(key, count as i64, 0);
    }

    fn put_value(&mut self, key: &str, value: i64, nulls: i64) {
        let tally = Tally::Value {
            value: Some(Value::Whole(value)),
            nulls,
            binary: false,
            details: None,
        };
        self.put_tally(key, tally);
    }

    /// Parts by the ids of definitions, which have names.
    fn put_by_definition(&mut self, key: &str, counts: Vec<usize>, definitions: &[Definition]) {
        let id = |position: usize| (position + 1).to_string();
        let counted = counts
            .into_iter()
            .enumerate()
            .filter(|(_, count)| *count > 0);
        let parts = counted.map(|(position, count)| (id(position), Decimal::from(count)));
        let names = definitions.iter().enumerate();
        let names = names.map(|(position, one)| (id(position), one.name.to_owned()));
        self.put_parts(key, parts.collect(), names.collect(), 0);
    }

    fn put_parts(
        &mut self,
        key: &str,
        parts: BTreeMap<String, Decimal>,
        names: BTreeMap<String, String>,
        nulls: i64,
    ) {
        let tally = Tally::Parts {
            parts,
            names,
            none: Decimal::ZERO,
            rest: Decimal::ZERO,
            nulls,
            binary: false,
        };
        self.put_tally(key, tally);
    }

    fn put_tally(&mut self, key: &str, tally: Tally) {
        self.found
            .insert((key.to_owned(), self.as_of.day.date), tally);
    }
}

/// How often each number occurs.
fn by_number(numbers: impl Iterator<Item = usize>, below: usize) -> Vec<usize> {
    let mut counts = vec![0; below];
    numbers.for_each(|number| counts[number] += 1);
    counts
}

/// How many different numbers there are.
fn distinct(numbers: impl Iterator<Item = usize>, below: usize) -> usize {
    let mut met = vec![false; below];
    numbers.for_each(|number| met[number] = true);
    met.into_iter().filter(|met| *met).count()
}
