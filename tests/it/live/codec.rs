//! Chunks hold whatever points there are, and bytes that are no chunk are an error.

use daybook::live::chunk::{Chunk, Effort, encode};
use daybook::live::columns::{ABSENT, Column, Columns, Numbers, Texts};
use proptest::prelude::*;

fn texts() -> impl Strategy<Value = Vec<String>> {
    let ids = (0..3_u8, 0..5_usize, 0..9_u64).prop_map(|(form, width, seed)| {
        let text = move |at: u64| match form {
            0 => format!("task_{:0width$}", (at * 7 + seed) % 1000),
            1 => format!("{:08x}-0000-4000-8000-{:012x}", at * 7919, seed + at),
            _ => ["", "a", "other", "«ü»", "a long text with words"][((at + seed) % 5) as usize]
                .to_owned(),
        };
        (0..200).map(text).collect()
    });
    prop_oneof![ids, prop::collection::vec(".{0,12}", 200)]
}

fn whole() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => -1000..1000_i64,
        1 => Just(ABSENT),
        1 => Just(i64::MAX),
        1 => Just(i64::MIN + 1),
        1 => any::<i64>(),
    ]
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => (-100_000..100_000_i64).prop_map(|whole| whole as f64 / 100.0),
        1 => Just(f64::NAN),
        1 => Just(-0.0),
        1 => Just(0.0),
        1 => Just(f64::MIN_POSITIVE / 2.0),
        1 => prop::num::f64::NORMAL,
    ]
}

prop_compose! {
    fn columns()(
        count in 0..200_usize,
        at in prop::collection::vec(whole(), 200),
        raw in prop::collection::vec(whole(), 200),
        floats in prop::collection::vec(float(), 200),
        ok in prop::collection::vec(prop_oneof![Just(ABSENT), Just(0), Just(1)], 200),
        labels in texts(),
        details in texts(),
        is_coded in any::<bool>(),
        decimals in 0..10_u32,
    ) -> Columns {
        let fill = |mut cells: Texts, texts: &[String]| {
            texts[..count].iter().for_each(|text| cells.push(text));
            cells
        };
        let empty = if is_coded { Texts::coded() } else { Texts::default() };
        Columns {
            at: at[..count].to_vec(),
            labels: vec![Column { name: "label".to_owned(), cells: fill(empty, &labels) }],
            values: vec![
                Column { name: "fixed".to_owned(), cells: Numbers::Fixed { decimals, raw: raw[..count].to_vec() } },
                Column { name: "float".to_owned(), cells: Numbers::Float(floats[..count].to_vec()) },
            ],
            ok: ok[..count].to_vec(),
            details: fill(Texts::default(), &details),
        }
    }
}

/// Texts one by one, floats by their bits: how they are held does not matter.
fn cells(points: &Columns) -> Vec<String> {
    let point = |at: usize| {
        let labels: Vec<&str> = points
            .labels
            .iter()
            .map(|column| column.cells.text(at))
            .collect();
        let values: Vec<String> = points
            .values
            .iter()
            .map(|column| match &column.cells {
                Numbers::Fixed { raw, .. } => raw[at].to_string(),
                Numbers::Float(floats) if floats[at].is_nan() => "none".to_owned(),
                Numbers::Float(floats) => format!("{:x}", floats[at].to_bits()),
            })
            .collect();
        format!(
            "{} {labels:?} {values:?} {} {:?}",
            points.at[at],
            points.ok[at],
            points.details.text(at)
        )
    };
    (0..points.len()).map(point).collect()
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(points in columns(), is_sealed in any::<bool>()) {
        let effort = if is_sealed { Effort::Sealed } else { Effort::Fresh };
        let bytes = encode(&points, effort).unwrap();
        let chunk = Chunk::open(&bytes).unwrap();
        prop_assert_eq!(cells(&chunk.decode(chunk.all()).unwrap()), cells(&points));
    }

    #[test]
    fn a_part_of_a_chunk_is_read_by_itself(points in columns(), repeats in 1..60_usize, cuts in any::<[prop::sample::Index; 2]>(), is_sealed in any::<bool>()) {
        // More than a page of numbers.
        let mut all = points.clone();
        (1..repeats).for_each(|_| all.append(&points));
        let effort = if is_sealed { Effort::Sealed } else { Effort::Fresh };
        let bytes = encode(&all, effort).unwrap();
        let [one, other] = cuts.map(|cut| cut.index(all.len() + 1));
        let range = one.min(other)..one.max(other);
        let part = Chunk::open(&bytes).unwrap().decode(range.clone()).unwrap();
        let places: Vec<u32> = range.map(|place| place as u32).collect();
        prop_assert_eq!(cells(&part), cells(&all.pick(&places)));
    }

    #[test]
    fn a_text_that_is_there_may_always_be_there(points in columns()) {
        let bytes = encode(&points, Effort::Sealed).unwrap();
        let chunk = Chunk::open(&bytes).unwrap();
        for at in 0..points.len() {
            let text = points.labels[0].cells.text(at);
            prop_assert!(text.is_empty() || chunk.may_hold("label", text).unwrap(), "{}", text);
        }
    }

    #[test]
    fn appended_points_are_those_of_both(one in columns(), other in columns()) {
        let mut both = one.clone();
        both.append(&other);
        prop_assert_eq!(both.len(), one.len() + other.len());
        if one.values[0].cells.len() + other.values[0].cells.len() == both.len()
            && std::mem::discriminant(&one.values[0].cells) == std::mem::discriminant(&both.values[0].cells)
        {
            let all: Vec<String> = cells(&one).into_iter().chain(cells(&other)).collect();
            prop_assert_eq!(cells(&both), all);
        }
    }

    /// The checksum is made right again, so that what is behind it is reached.
    #[test]
    fn garbage_is_an_error(points in columns(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        for effort in [Effort::Fresh, Effort::Sealed] {
            let mut bytes = encode(&points, effort).unwrap();
            let place = 8 + at.index(bytes.len() - 8);
            bytes[place] = byte;
            let checksum = crc32fast::hash(&bytes[8..]).to_le_bytes();
            bytes[4..8].copy_from_slice(&checksum);
            if let Ok(chunk) = Chunk::open(&bytes) {
                drop(chunk.decode(chunk.all()));
                let _no_panic = chunk.may_hold("label", "task_7");
            }
            bytes.truncate(cut.index(bytes.len()));
            prop_assert!(Chunk::open(&bytes).is_err());
        }
    }
}
