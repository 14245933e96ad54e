//! What Beryl's metrics amount to on any day: growth, the week's rhythm and a little chance, the same every time.

use chrono::{Datelike, NaiveDate};
use daybook::entry::{Part, PartKey, Reading, Value};
use rust_decimal::Decimal;

/// A metric's number on 3 October 2025, its growth over 30 days in percent, how much weekends lack in
/// percent, and its digits behind the point.
type Course = (&'static str, f64, f64, f64, u32);

const COURSES: &[Course] = &[
    ("total_users", 41_203.0, 4.8, 0.0, 0),
    ("active_users_24h", 4_790.0, 1.2, 22.0, 0),
    ("active_users_7d", 11_870.0, 1.4, 0.0, 0),
    ("active_users_30d", 19_320.0, 2.1, 0.0, 0),
    ("new_users_24h", 40.0, 2.0, 20.0, 0),
    ("new_users_7d", 291.0, 3.0, 0.0, 0),
    ("new_users_30d", 1_204.0, 3.5, 0.0, 0),
    ("marketing_opt_in", 12_874.0, 2.2, 0.0, 0),
    ("marketing_opt_out", 28_329.0, 6.0, 0.0, 0),
    ("total_items", 1_284_551.0, 4.2, 0.0, 0),
    ("items_in_collection", 1_190_220.0, 4.2, 0.0, 0),
    ("items_wanted", 61_204.0, 3.9, 0.0, 0),
    ("items_reserved", 812.0, 1.0, 0.0, 0),
    ("items_ordered", 2_140.0, 2.0, 0.0, 0),
    ("items_lent", 5_813.0, 3.4, 0.0, 0),
    ("items_previously_owned", 24_362.0, 5.1, 0.0, 0),
    ("items_created_24h", 2_170.0, 4.8, 8.0, 0),
    ("items_created_7d", 14_622.0, 4.6, 0.0, 0),
    ("items_created_30d", 61_240.0, 4.4, 0.0, 0),
    ("favourite_items", 88_410.0, 2.7, 0.0, 0),
    ("items_with_images_pct", 25.5, 3.7, 0.0, 1),
    ("items_with_links_pct", 11.2, 0.9, 0.0, 1),
    ("attributes_per_item", 3.41, 0.6, 0.0, 2),
    ("total_links", 203_118.0, 3.1, 0.0, 0),
    ("links_matched", 151_900.0, 3.3, 0.0, 0),
    ("links_unmatched", 51_218.0, 2.4, 0.0, 0),
    ("total_collections", 18_402.0, 2.9, 0.0, 0),
    ("collections_private", 11_730.0, 2.7, 0.0, 0),
    ("collections_public", 5_911.0, 3.2, 0.0, 0),
    ("collections_unlisted", 761.0, 4.0, 0.0, 0),
    ("collections_created_24h", 21.0, 1.0, 5.0, 0),
    ("collections_created_7d", 139.0, 2.0, 0.0, 0),
    ("collections_created_30d", 588.0, 2.0, 0.0, 0),
    ("items_per_collection", 69.81, 1.3, 0.0, 2),
    ("total_media_files", 734_015.0, 4.1, 0.0, 0),
    ("total_storage_bytes", 2_512_384_000_000.0, 6.9, 0.0, 0),
    ("recent_uploads_24h", 3_020.0, 2.9, 6.0, 0),
    ("recent_uploads_7d", 21_640.0, 3.0, 0.0, 0),
    ("recent_uploads_30d", 92_388.0, 3.1, 0.0, 0),
    ("orphaned_files", 12_635.0, 3.2, 0.0, 0),
    ("corrupted_files", 0.0, 0.0, 0.0, 0),
    ("total_emails", 310_277.0, 5.5, 0.0, 0),
    ("emails_pending", 2.0, 0.0, 0.0, 0),
    ("emails_failed", 4.0, 0.0, 0.0, 0),
    ("resend_delivered", 1_902.0, 1.0, 7.0, 0),
    ("bounce_rate", 0.42, 0.0, 0.0, 2),
    ("flagged_content", 6.0, 0.0, 0.0, 0),
    ("pending_review", 11.0, 0.0, 0.0, 0),
    ("user_violations", 140.0, 2.0, 0.0, 0),
    ("banned_users", 23.0, 4.0, 0.0, 0),
    ("paying_users", 3_102.0, 3.6, 0.0, 0),
    ("revenue_24h", 1_480.5, 3.0, 9.0, 2),
    ("revenue_30d", 43_912.85, 3.4, 0.0, 2),
    ("average_payment", 12.9, 0.3, 0.0, 2),
    ("refunds_7d", 9.0, 0.0, 0.0, 0),
    ("cancellations_24h", 4.0, 0.0, 0.0, 0),
    ("open_tickets", 17.0, 0.0, 0.0, 0),
];

type Shares = (&'static str, &'static [(&'static str, i64)], i64);

const SHARES: &[Shares] = &[
    (
        "active_users_by_client_24h",
        &[
            ("web_mobile", 2_640),
            ("web_desktop", 1_120),
            ("ios", 640),
            ("android", 390),
        ],
        0,
    ),
    (
        "items_by_type",
        &[
            ("Books", 402_318),
            ("Records", 288_004),
            ("Films", 190_577),
            ("Board games", 122_008),
            ("Stamps", 96_410),
            ("Coins", 71_233),
            ("Maps", 30_590),
        ],
        83_411,
    ),
    (
        "storage_by_type",
        &[
            ("ITEM_IMAGE", 1_904_110_000_000),
            ("COLLECTION_COVER", 431_250_000_000),
            ("AVATAR", 177_024_000_000),
        ],
        0,
    ),
];

/// Every metric's reading on that day.
pub fn of(date: NaiveDate) -> Vec<(&'static str, Reading)> {
    let numbers = COURSES
        .iter()
        .map(|course| (course.0, number(course, date)));
    let parts = SHARES.iter().map(|(key, named, others)| {
        let named: Vec<(&str, i64)> = named.to_vec();
        (*key, parts(&named, *others))
    });
    numbers.chain(parts).collect()
}

pub(super) fn whole(number: i64) -> Reading {
    Reading::observed(Some(Value::Whole(number)))
}

/// A part's key is its label in lower case.
pub(super) fn parts(named: &[(&str, i64)], others: i64) -> Reading {
    let mut parts: Vec<Part> = named
        .iter()
        .map(|(label, count)| Part {
            key: PartKey::Value(label.to_lowercase()),
            label: (*label).to_owned(),
            count: (*count).into(),
        })
        .collect();
    if others > 0 {
        parts.push(Part {
            key: PartKey::Other,
            label: String::new(),
            count: others.into(),
        });
    }
    Reading::observed(Some(Value::Parts(parts)))
}

fn number((key, now, growth, weekend, decimals): &Course, date: NaiveDate) -> Reading {
    let anchor = NaiveDate::from_ymd_opt(2025, 10, 3).expect("a date");
    let days = (date - anchor).num_days() as f64;
    let has_rhythm = *weekend > 0.0;
    let lack = match date.weekday().num_days_from_monday() {
        5 | 6 => *weekend,
        _ => 0.0,
    };
    let swing = if has_rhythm { chance(key, date) } else { 0.0 };
    let factor = (1.0 + growth / 100.0 * days / 30.0) * (1.0 - lack / 100.0) * (1.0 + swing);
    let text = format!("{:.*}", *decimals as usize, now * factor);
    let decimal: Decimal = text.parse().expect("a number");
    Reading::observed(Some(Value::from_decimal(decimal)))
}

/// From −2.5 % to +2.5 %.
fn chance(key: &str, date: NaiveDate) -> f64 {
    let seed = key
        .bytes()
        .fold(i64::from(date.num_days_from_ce()), |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(i64::from(byte))
        });
    (seed.wrapping_mul(2_654_435_761).rem_euclid(1_000) - 500) as f64 / 20_000.0
}
