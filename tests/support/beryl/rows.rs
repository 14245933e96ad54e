//! The rows, the same every time, as `INSERT`s that every engine understands.

use chrono::{DateTime, Utc};

use super::EDGES;
use crate::dice::{Dice, flag};
use crate::world::instant;

/// Item types 5 to 12 have the same number of items, and the cut after 20 goes through them.
const TIED_TYPES: std::ops::RangeInclusive<u64> = 5..=12;
const ITEM_TYPES: u64 = 28;
const ATTRIBUTES: u64 = 40;
const PATTERNS: u64 = 27;
const USERS: u64 = 600;
const COLLECTIONS: u64 = 300;
const ITEMS: u64 = 2600;
const MEDIA: u64 = 1500;

const NAMES: [&str; 12] = [
    "Books",
    "Books",
    "\"Rare\" <b>coins</b>",
    "O'Neil''s cards",
    "切手",
    "other",
    "Grüße & Küsse",
    "back\\slash",
    "Émaux",
    "%_%",
    " leading",
    "Vinyl",
];

pub(super) fn all() -> String {
    let mut dice = Dice(20_251_026);
    [
        users(&mut dice),
        profiles(&mut dice),
        named(&mut dice, "web_itemtype", ITEM_TYPES),
        attributes(&mut dice),
        named(&mut dice, "web_linkpattern", PATTERNS),
        collections(&mut dice),
        items(&mut dice),
        values(&mut dice),
        links(&mut dice),
        media(&mut dice),
        images(
            &mut dice,
            ("web_collectionimage", 260),
            ("collection_id", COLLECTIONS),
        ),
        images(
            &mut dice,
            ("web_collectionitemimage", 1500),
            ("item_id", ITEMS),
        ),
        emails(&mut dice),
    ]
    .concat()
}

fn users(dice: &mut Dice) -> String {
    insert(
        "auth_user (id, last_login, date_joined, is_superuser, is_active, email)",
        USERS,
        |id| {
            let login = if dice.one_in(5) {
                "NULL".to_owned()
            } else {
                time(dice)
            };
            let email = if dice.one_in(30) {
                String::new()
            } else {
                format!("user{id}@example.org")
            };
            format!(
                "{login}, {}, {}, {}, '{email}'",
                time(dice),
                dice.flag(50),
                dice.flag(2)
            )
        },
    )
}

fn profiles(dice: &mut Dice) -> String {
    let columns = "web_userprofile (id, user_id, receive_marketing_emails, content_moderation_violations, is_content_banned)";
    insert(columns, USERS - 17, |id| {
        let violations = if dice.one_in(9) { 1 + dice.below(4) } else { 0 };
        format!(
            "{}, {}, {violations}, {}",
            id + 11,
            dice.flag(3),
            dice.flag(25)
        )
    })
}

/// Types and patterns; every seventh is dead, though rows that are not dead refer to it.
fn named(dice: &mut Dice, table: &str, count: u64) -> String {
    insert(
        &format!("{table} (id, created, is_deleted, display_name)"),
        count,
        |id| format!("{}, {}, {}", time(dice), flag(id % 7 == 0), text(&name(id))),
    )
}

fn attributes(dice: &mut Dice) -> String {
    let columns = "web_itemattribute (id, created, is_deleted, display_name, item_type_id)";
    insert(columns, ATTRIBUTES, |id| {
        let name = name(1 + id % 26);
        format!(
            "{}, {}, {}, {}",
            time(dice),
            flag(id % 6 == 0),
            text(&name),
            1 + dice.below(ITEM_TYPES)
        )
    })
}

fn name(id: u64) -> String {
    let at = usize::try_from(id).unwrap() - 1;
    NAMES
        .get(at)
        .map_or_else(|| format!("Kind {id}"), |name| (*name).to_owned())
}

fn collections(dice: &mut Dice) -> String {
    insert(
        "web_collection (id, created, is_deleted, visibility)",
        COLLECTIONS,
        |_| {
            let visibility = dice.pick(&["PRIVATE", "PRIVATE", "PUBLIC", "UNLISTED"]);
            format!("{}, {}, '{visibility}'", time(dice), dice.flag(9))
        },
    )
}

fn items(dice: &mut Dice) -> String {
    const STATUS: [&str; 8] = [
        "IN_COLLECTION",
        "IN_COLLECTION",
        "IN_COLLECTION",
        "WANTED",
        "RESERVED",
        "ORDERED",
        "LENT_OUT",
        "PREVIOUSLY_OWNED",
    ];
    let columns = "web_collectionitem (id, created, is_deleted, status, is_favorite, collection_id, item_type_id)";
    insert(columns, ITEMS, |id| {
        let tied = TIED_TYPES.count() as u64;
        let early = "'2025-08-01 12:00:00'".to_owned();
        let (created, deleted, kind) = match id {
            // Nine live items each, older than everything that is asked.
            id if id <= 9 * tied => (
                early,
                flag(false),
                (TIED_TYPES.start() + id % tied).to_string(),
            ),
            // Two each of the rarest four.
            id if id <= 9 * tied + 8 => (early, flag(false), (ITEM_TYPES - id % 4).to_string()),
            _ => (time(dice), dice.flag(9), big_type(dice)),
        };
        let status = dice.pick(&STATUS);
        format!(
            "{created}, {deleted}, '{status}', {}, {}, {kind}",
            dice.flag(6),
            1 + dice.below(COLLECTIONS)
        )
    })
}

fn big_type(dice: &mut Dice) -> String {
    match dice.below(20) {
        0..=2 => "NULL".to_owned(),
        least @ 3..=6 => (least - 2).to_string(),
        more => (13 + (more + dice.below(12)) % 12).to_string(),
    }
}

fn values(dice: &mut Dice) -> String {
    let columns = "web_collectionitemattributevalue (id, created, is_deleted, value, item_id, item_attribute_id)";
    insert(columns, 3000, |_| {
        let (item, attribute) = (1 + dice.below(ITEMS), 1 + dice.below(ATTRIBUTES));
        format!(
            "{}, {}, 'x', {item}, {attribute}",
            time(dice),
            dice.flag(11)
        )
    })
}

fn links(dice: &mut Dice) -> String {
    insert(
        "web_collectionitemlink (id, created, is_deleted, item_id, link_pattern_id)",
        1600,
        |_| {
            let pattern = if dice.one_in(3) {
                "NULL".to_owned()
            } else {
                (1 + dice.below(PATTERNS)).to_string()
            };
            format!(
                "{}, {}, {}, {pattern}",
                time(dice),
                dice.flag(8),
                1 + dice.below(ITEMS)
            )
        },
    )
}

fn media(dice: &mut Dice) -> String {
    let columns = "web_mediafile (id, created, is_deleted, file_size, media_type, file_exists, content_moderation_status)";
    insert(columns, MEDIA, |_| {
        let size = match dice.below(15) {
            0 => "NULL".to_owned(),
            1 => "0".to_owned(),
            2 => (4_000_000_000_000 + dice.below(1_000_000_007)).to_string(),
            _ => dice.below(9_000_001).to_string(),
        };
        let kind = dice.pick(&[
            "COLLECTION_HEADER",
            "COLLECTION_ITEM",
            "COLLECTION_ITEM",
            "AVATAR",
            "OTHER",
        ]);
        let status = dice.pick(&[
            "PENDING", "APPROVED", "APPROVED", "APPROVED", "FLAGGED", "REJECTED",
        ]);
        let (created, deleted) = (time(dice), dice.flag(12));
        format!(
            "{created}, {deleted}, {size}, '{kind}', {}, '{status}'",
            flag(!dice.one_in(40))
        )
    })
}

fn images(dice: &mut Dice, (table, count): (&str, u64), (owner, owners): (&str, u64)) -> String {
    let columns = format!("{table} (id, created, is_deleted, {owner}, media_file_id)");
    insert(&columns, count, |_| {
        let (of, file) = (1 + dice.below(owners), 1 + dice.below(MEDIA));
        format!("{}, {}, {of}, {file}", time(dice), dice.flag(6))
    })
}

fn emails(dice: &mut Dice) -> String {
    insert(
        "post_office_email (id, status, created, \"to\")",
        900,
        |id| {
            let status = dice.pick(&["0", "0", "0", "1", "2", "3", "NULL"]);
            format!("{status}, {}, 'user{id}@example.org'", time(dice))
        },
    )
}

fn insert(into: &str, count: u64, mut row: impl FnMut(u64) -> String) -> String {
    let rows: Vec<String> = (1..=count)
        .map(|id| format!("({id}, {})", row(id)))
        .collect();
    // In the order of the columns: the id comes first everywhere.
    rows.chunks(400)
        .map(|chunk| format!("INSERT INTO {into} VALUES {};\n", chunk.join(", ")))
        .collect()
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// Written as Django does on SQLite.
fn time(dice: &mut Dice) -> String {
    let edges = EDGES.map(utc);
    let at = dice.instant(&edges, utc("2025-08-01 00:00:00"), 260);
    let fraction = if at.timestamp_subsec_micros() == 0 {
        ""
    } else {
        "%.6f"
    };
    at.format(&format!("'%Y-%m-%d %H:%M:%S{fraction}'"))
        .to_string()
}

fn utc(text: &str) -> DateTime<Utc> {
    instant(&format!("{}Z", text.replace(' ', "T")))
}
