//! What leaves the store is found again in Parquet files, as another program reads them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use chrono::{NaiveDate, TimeDelta};
use daybook::config::live::Archive;
use daybook::kinds::Kind;
use daybook::live::archive::{self, Layout, Writer};
use daybook::live::columns::Columns;
use daybook::live::event::{self, Event};
use daybook::live::store::{ChunkRow, Level};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::record::Field;
use serde_json::{Value as Json, json};
use support::world::World;

use super::{METRICS, kind, kinds, noon};

fn date() -> NaiveDate {
    noon().date_naive()
}

fn chunk(id: i64) -> ChunkRow {
    ChunkRow {
        id,
        level: Level::Sealed,
        low: noon().timestamp_micros(),
        high: noon().timestamp_micros() + id,
        day: None,
        cluster: None,
        points: 100,
        size: 1000,
        widest: 800,
        broken: None,
    }
}

fn points(kind: &Kind, events: &[Event<'_>]) -> Columns {
    let mut points = Columns::new(kind);
    for event in events {
        event::add(event, kind, noon(), &mut points).unwrap();
    }
    points
}

fn written(path: &Path, layout: Layout, all: &[&Columns]) {
    let mut writer = Writer::create(path, layout).unwrap();
    for points in all {
        writer.add(points).unwrap();
    }
    writer.finish().unwrap();
}

/// Every row by the names of its columns.
pub(super) fn rows(path: &Path) -> Vec<BTreeMap<String, Json>> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let cells = |row: parquet::record::Row| {
        let cell = |(name, field): (&String, &Field)| (name.clone(), cell(field));
        row.get_column_iter().map(cell).collect()
    };
    reader.into_iter().map(|row| cells(row.unwrap())).collect()
}

fn cell(field: &Field) -> Json {
    match field {
        Field::Null => Json::Null,
        Field::Bool(is_so) => json!(is_so),
        Field::Long(whole) | Field::TimestampMicros(whole) => json!(whole),
        Field::Double(float) => json!(float),
        Field::Str(text) => json!(text),
        Field::Decimal(decimal) => {
            let raw = i64::from_be_bytes(decimal.data().try_into().unwrap());
            json!(format!("{raw}e-{}", decimal.scale()))
        }
        field => panic!("{field:?}"),
    }
}

fn schema(path: &Path) -> Vec<String> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let described = schema.columns().iter().map(|column| {
        let (name, physical) = (column.name(), column.physical_type());
        let logical = column
            .logical_type_ref()
            .map(|logical| format!("{logical:?}"));
        format!("{name} {physical} {}", logical.unwrap_or_default())
    });
    described.collect()
}

#[test]
fn the_archive_lies_beside_the_configuration_and_has_one_form() {
    let world = |settings: &str| {
        let settings = format!("[live]\npresets = [\"hosts\"]\n{settings}{METRICS}");
        World::new("2026-11-20T11:00:00Z", &settings)
    };
    let without = world("").config().live.unwrap();
    assert_eq!(without.archive, None);
    let archiving = world("archive = \"parquet\"\n");
    let live = archiving.config().live.unwrap();
    assert_eq!(live.archive, Some(Archive::Parquet));
    assert_eq!(live.archive_folder, archiving.path("live-archive"));
    let refused = world("archive = \"csv\"\n").binary(&["config", "check"]);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("`csv` is not `parquet`"), "{message}");
}

#[test]
fn points_are_found_again_with_nothing_where_there_was_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let checkout = &kinds()["checkout"];
    let events = [
        Event::new("checkout")
            .label("shop", "zh")
            .label("method", "card")
            .label("order", "Zürich \"17\"")
            .value("duration", 120.25)
            .value("amount", -19.95)
            .ok(true)
            .details(json!({ "note": "gift" })),
        Event::new("checkout")
            .at(noon() - TimeDelta::microseconds(1))
            .label("shop", "be")
            .ok(false),
        Event::new("checkout")
            .label("shop", "zh")
            .value("amount", 3),
    ];
    let path = archive::path(folder.path(), "checkout", date(), &chunk(7));
    let points = points(checkout, &events);
    written(&path, Layout::new(checkout), &[&points]);
    let at = noon().timestamp_micros();
    let expected = [
        json!({ "at": at, "shop": "zh", "method": "card", "order": "Zürich \"17\"", "duration": 120.25,
            "amount": "-1995e-2", "ok": true, "details": "{\"note\":\"gift\"}" }),
        json!({ "at": at - 1, "shop": "be", "method": null, "order": null, "duration": null, "amount": null,
            "ok": false, "details": null }),
        json!({ "at": at, "shop": "zh", "method": null, "order": null, "duration": null, "amount": "300e-2",
            "ok": null, "details": null }),
    ];
    assert_eq!(json!(rows(&path)), json!(expected));
    assert_eq!(
        schema(&path),
        [
            "at INT64 Timestamp(TimestampType { is_adjusted_to_u_t_c: true, unit: MICROS })",
            "method BYTE_ARRAY String",
            "order BYTE_ARRAY String",
            "shop BYTE_ARRAY String",
            "amount INT64 Decimal(DecimalType { scale: 2, precision: 18 })",
            "duration DOUBLE ",
            "ok BOOLEAN ",
            "details BYTE_ARRAY String",
        ]
    );
    let names: Vec<String> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, [path.file_name().unwrap().to_str().unwrap()]);
    assert!(names[0].starts_with("2026-11-20.7-"), "{names:?}");
}

#[test]
fn many_points_in_many_pieces_come_back_in_their_order_and_say_between_which_times_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tick/day.parquet");
    let tick = kind(
        "tick",
        "shape = \"sample\"\nlabels = { host = {} }\nvalues = { load = { decimals = 0 }, heat = {} }",
    );
    let mut all = Columns::new(&tick);
    let (mut pieces, mut expected) = (Vec::new(), Vec::new());
    for number in 0..150_000_i64 {
        let at = noon() - TimeDelta::milliseconds(number * number % 1_000_003);
        // Runs, leaps over all 64 bits, and nothing now and then.
        let host = format!("host-{}", number / 37 % 300);
        let load = match number % 5 {
            0 => i64::MAX - number,
            1 => -i64::MAX + number,
            _ => number % 9,
        };
        let mut event = Event::new("tick").at(at).value("heat", number as f64 / 3.0);
        if number % 11 != 0 {
            event = event.label("host", host.clone()).value("load", load);
        }
        event::add(&event, &tick, noon(), &mut all).unwrap();
        let (host, load) = match number % 11 {
            0 => (Json::Null, Json::Null),
            _ => (json!(host), json!(load)),
        };
        expected.push((
            at.timestamp_micros(),
            host,
            load,
            json!(number as f64 / 3.0),
        ));
        if [1, 1000, 149_999].contains(&number) {
            pieces.push(std::mem::replace(&mut all, Columns::new(&tick)));
        }
    }
    written(
        &path,
        Layout::new(&tick),
        &pieces.iter().collect::<Vec<_>>(),
    );
    let found: Vec<(i64, Json, Json, Json)> = rows(&path)
        .into_iter()
        .map(|row| {
            (
                row["at"].as_i64().unwrap(),
                row["host"].clone(),
                row["load"].clone(),
                row["heat"].clone(),
            )
        })
        .collect();
    assert!(found == expected);
    let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
    let mut first = 0;
    for group in reader.metadata().row_groups() {
        let rows = group.num_rows() as usize;
        assert!(rows < 140_000);
        let Some(Statistics::Int64(at)) = group.column(0).statistics() else {
            panic!("times have statistics");
        };
        let times = || expected[first..first + rows].iter().map(|row| row.0);
        assert_eq!(at.min_opt().copied(), times().min());
        assert_eq!(at.max_opt().copied(), times().max());
        first += rows;
    }
    assert_eq!(first, expected.len());
}

#[test]
fn points_of_an_earlier_declaration_keep_what_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offer/day.parquet");
    let before = kind(
        "offer",
        "shape = \"event\"\nlabels = { city = {} }\nvalues = { price = { decimals = 1 }, huge = { decimals = 2 }, ok = {} }",
    );
    let now = kind(
        "offer",
        "shape = \"event\"\nlabels = { town = {} }\nvalues = { price = { decimals = 2 }, huge = { decimals = 2 } }",
    );
    let old = [Event::new("offer")
        .label("city", "Bern")
        .value("price", 1.5)
        .value("huge", 2e16)
        .value("ok", 7.0)];
    let new = [Event::new("offer")
        .label("town", "Thun")
        .value("price", 2.25)];
    let (old, new) = (points(&before, &old), points(&now, &new));
    let mut layout = Layout::new(&now);
    layout.include(&old);
    layout.include(&new);
    written(&path, layout, &[&new, &old]);
    let at = noon().timestamp_micros();
    assert_eq!(
        json!(rows(&path)),
        json!([
            { "at": at, "city": null, "town": "Thun", "price": 2.25, "huge": null, "ok_": null, "ok": null, "details": null },
            { "at": at, "city": "Bern", "town": null, "price": 1.5, "huge": 2e16, "ok_": 7.0, "ok": null, "details": null },
        ])
    );
    let mut writer = Writer::create(&path, Layout::new(&now)).unwrap();
    let refused = writer.add(&old).and_then(|()| writer.finish());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "points have a column that the file has not"
    );
    assert_eq!(rows(&path).len(), 2);
}

#[test]
fn a_step_that_was_broken_off_is_known_again_and_a_new_store_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let checkout = &kinds()["checkout"];
    let day = [chunk(3), chunk(5), chunk(9)];
    let found = |chunks: &[ChunkRow]| archive::archived(folder.path(), "checkout", date(), chunks);
    assert_eq!(found(&day), 0);
    let path = archive::path(folder.path(), "checkout", date(), &day[1]);
    let points = points(checkout, &[Event::new("checkout").label("shop", "zh")]);
    for _ in 0..2 {
        written(&path, Layout::new(checkout), &[&points]);
    }
    assert_eq!(
        fs::read_dir(folder.path().join("checkout"))
            .unwrap()
            .count(),
        1
    );
    assert_eq!(found(&day), 2);
    assert_eq!(found(&day[2..]), 0);
    let of_another_store = ChunkRow {
        points: 101,
        ..chunk(5)
    };
    assert_eq!(found(&[of_another_store]), 0);
}

#[test]
fn a_file_that_was_not_finished_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let checkout = &kinds()["checkout"];
    let path = folder.path().join("checkout/day.parquet");
    let points = points(checkout, &[Event::new("checkout").label("shop", "zh")]);
    let mut writer = Writer::create(&path, Layout::new(checkout)).unwrap();
    writer.add(&points).unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
}
