//! Books that monitoring systems read: a quiet one, an empty one, one with an open day, one full of malice.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Europe::Zurich;
use daybook::book::{self, Book};
use daybook::calendar::Day;
use daybook::config::Config;
use daybook::entry::merge::Mode;
use daybook::entry::{Entry, Part, PartKey, Reading, Value};
use daybook::look::edition::Edition;
use daybook::look::export::prometheus::exposition;
use rust_decimal::Decimal;

use crate::world::{World, date, instant};

/// Six hours after the last complete day ended.
pub const MORNING: &str = "2025-10-04T04:00:00Z";
pub const LAST: &str = "2025-10-03";
const DAYS: u64 = 60;

const SETTINGS: &str = r#"
    name = "Shop"

    [app]
    database_url = "sqlite:app.db"

    [prometheus]
    prefix = "shop"

    [tables.orders]
    name = "orders"
    created_at = "created"

    [[metrics]]
    key = "orders"
    label = "Orders"
    table = "orders"
    count = "*"
    alert = { warning = "> 1000", critical = "> 2000", percent = { on = "off" } }

    [[metrics]]
    key = "revenue"
    description = """
Money in, "net"; C:\\new
per day."""
    table = "orders"
    sum = "price"

    [[metrics]]
    key = "visits"
    table = "orders"
    count = "*"
    prometheus = "shop_visits_total"

    [[metrics]]
    key = "kinds"
    table = "orders"
    count = "*"
    by = { column = "kind", top = 20 }

    [[metrics]]
    key = "gone"
    table = "orders"
    count = "*"

    [[metrics]]
    key = "broken"
    table = "orders"
    count = "*"

    [[metrics]]
    key = "helper"
    table = "orders"
    count = "*"
    hidden = true
"#;

/// What malice or chance may have made of names in the application's database.
pub const HOSTILE: [&str; 16] = [
    "",
    "other",
    "coins_&_\"notes\"_<rare>",
    "a\" 1\nup 0\n#",
    "back\\slash\\",
    "back\\nslash",
    "\n",
    "\r\n\t",
    "\0\u{1}\u{1b}[31m\u{7f}",
    "\u{2028}\u{85}\u{feff}",
    "}",
    "{key=\"other\",rest=\"true\"}",
    " spaces ",
    "\u{202e}gnp.exe",
    "Пётр 🦀 e\u{301}",
    "# EOF",
];

/// A terrible name as it is exposed: what a terminal would obey or hide is spelled out.
pub fn spelled_out(name: &str) -> &str {
    match name {
        "\r\n\t" => "\\u000d\n\\u0009",
        "\0\u{1}\u{1b}[31m\u{7f}" => "\\u0000\\u0001\\u001b[31m\\u007f",
        "\u{2028}\u{85}\u{feff}" => "\\u2028\\u0085\\ufeff",
        "\u{202e}gnp.exe" => "\\u202egnp.exe",
        harmless => harmless,
    }
}

pub struct Monitored {
    _world: World,
    pub config: Config,
    pub edition: Edition,
    pub entries: Vec<Entry>,
}

pub async fn quiet() -> Monitored {
    Monitored::new(days()).await
}

pub async fn empty() -> Monitored {
    Monitored::new(Vec::new()).await
}

/// The newest day was counted at ten in the morning.
pub async fn open() -> Monitored {
    let ten = instant("2025-10-04T08:00:00Z");
    let today = Day::new(date("2025-10-04"), Zurich).unwrap();
    let mut entry = Entry::empty(&today.as_of(ten), ten, "hash");
    fill(&mut entry, 5000);
    let mut entries = days();
    entries.push(entry);
    Monitored::new(entries).await
}

/// Every part of the last day has a terrible name, and the rest is there too.
pub async fn hostile() -> Monitored {
    let mut entries = days();
    let last = entries.last_mut().unwrap();
    let named = HOSTILE.iter().zip(1i64..).map(|(name, count)| Part {
        key: PartKey::Value((*name).to_owned()),
        label: (*name).to_owned(),
        count: count.into(),
    });
    let rest = Part {
        key: PartKey::Other,
        label: String::new(),
        count: 99.into(),
    };
    let parts = Value::Parts(named.chain([rest]).collect());
    known(last, "kinds", parts);
    Monitored::new(entries).await
}

impl Monitored {
    pub async fn new(entries: Vec<Entry>) -> Self {
        let world = World::new(MORNING, SETTINGS);
        let url = world.book_url();
        let book = Book::open(&url, Duration::ZERO).await.unwrap();
        book::store_many(&book, entries.clone(), Mode::Replace)
            .await
            .unwrap();
        book.close().await;
        let config = world.config();
        let book = Book::open_to_read(&url).await.unwrap();
        let edition = Edition::read(1, book, &config, NaiveDate::MAX)
            .await
            .unwrap();
        Self {
            _world: world,
            config,
            edition,
            entries,
        }
    }

    pub async fn exposition(&self) -> String {
        let text = exposition(&self.edition, &self.config, instant(MORNING)).await;
        text.unwrap()
    }
}

/// Two months of days, `gone` and `broken` on all of them.
fn days() -> Vec<Entry> {
    let first = date(LAST) - chrono::Days::new(DAYS - 1);
    let day = |(date, n): (NaiveDate, i64)| {
        let day = Day::new(date, Zurich).unwrap();
        let mut entry = Entry::empty(&day.close(), day.end, "hash");
        fill(
            &mut entry,
            if date.to_string() == LAST {
                1500
            } else {
                100 + n % 2
            },
        );
        entry
    };
    first.iter_days().zip(0..60).map(day).collect()
}

fn fill(entry: &mut Entry, orders: i64) {
    entry.duration_ms = 1840;
    known(entry, "orders", Value::Whole(orders));
    known(
        entry,
        "revenue",
        Value::Decimal(Decimal::new(orders * 1000 + 5, 2)),
    );
    known(entry, "visits", Value::Whole((1 << 53) + orders));
    known(entry, "helper", Value::Whole(7));
    let part = |key: Option<&str>, label: &str, count: i64| Part {
        key: key.map_or(PartKey::Other, |key| PartKey::Value(key.to_owned())),
        label: label.to_owned(),
        count: count.into(),
    };
    let parts = vec![
        part(Some("1"), "Books", orders - 30),
        part(Some("2"), "other", 20),
        part(None, "", 10),
    ];
    known(entry, "kinds", Value::Parts(parts));
    let gone = Reading::unavailable("nobody knows");
    entry.readings.insert("gone".to_owned(), gone);
    let broken = Reading::failed("no such column");
    entry.readings.insert("broken".to_owned(), broken);
}

fn known(entry: &mut Entry, key: &str, value: Value) {
    let reading = Reading::observed(Some(value));
    entry.readings.insert(key.to_owned(), reading);
}
