//! Whatever hashes hold, they are read, and their sums do not depend on the order.

use std::collections::HashMap;

use daybook::live::compat::latency::latency_breakdown;
use daybook::live::compat::scan_hashes::{Hashes, sums};
use daybook::live::compat::scan_sums::{Measure, ScanSums};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::as_answered;
use super::redis::FULL;

fn absurd() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<i128>().prop_map(|number| number.to_string()),
        Just(FULL.to_string()),
        Just("NaN".to_owned()),
        Just("{\"a\": NaN}".to_owned()),
        Just("99999-99-99T00:00:00Z".to_owned()),
        "\\PC{0,20}",
    ]
}

const FIELDS: [&str; 20] = [
    "scans_count",
    "flagged_count",
    "flags_sum",
    "total_bytes",
    "total_bytes_sq",
    "total_bytes_sq_exact",
    "bytes_missing",
    "total_duration_ms",
    "total_duration_sq_ms",
    "total_frames_scanned",
    "total_frames_target",
    "total_frames_media",
    "last_duration_ms",
    "last_status",
    "last_flagged_at",
    "last_details",
    "last_us",
    "last_details_us",
    "updated_at",
    "accelerated_last_at",
];

fn hash() -> impl Strategy<Value = HashMap<String, String>> {
    let field = prop_oneof![
        proptest::sample::select(FIELDS.to_vec()).prop_map(str::to_owned),
        "\\PC{0,9}"
    ];
    proptest::collection::hash_map(field, absurd(), 0..20)
}

proptest! {
    #[test]
    fn absurd_texts_are_read_without_a_panic(counters in hash(), baseline in hash(), status in hash()) {
        let [counters, baseline, status] = [&counters, &baseline, &status].map(as_answered);
        let status_baseline = baseline.clone();
        let mut all = sums(&Hashes { counters, baseline, status, status_baseline });
        all.add(&all.clone());
        let totals = Json::Object(all.totals());
        latency_breakdown(&totals, &[Json::Object(all.summary("x"))]);
    }

    #[test]
    fn sums_are_the_same_in_any_order(
        hashes in proptest::collection::vec((hash(), hash()), 1..6),
        order in any::<prop::sample::Index>(),
    ) {
        // Small enough that no sum is full: what is full stays full.
        let small = |hash: &HashMap<String, String>| -> HashMap<String, String> {
            let small = |text: &String| match text.parse::<i128>() {
                Ok(number) => (number % 1_000_000_000_000).to_string(),
                Err(_) => text.clone(),
            };
            hash.iter().map(|(name, text)| (name.clone(), small(text))).collect()
        };
        let one = |(counters, status): &(_, _)| {
            let (counters, status) = (small(counters), small(status));
            sums(&Hashes { counters: as_answered(&counters), status: as_answered(&status), ..Hashes::default() })
        };
        let mut all: Vec<ScanSums> = hashes.iter().map(one).collect();
        let added = |all: &[ScanSums]| all.iter().fold(ScanSums::default(), |mut sum, one| { sum.add(one); sum });
        let forwards = added(&all);
        let middle = order.index(all.len());
        all.rotate_left(middle);
        prop_assert_eq!(&added(&all), &forwards);
        all.reverse();
        prop_assert_eq!(&added(&all), &forwards);
        let mut halves = added(&all[..middle]);
        halves.add(&added(&all[middle..]));
        prop_assert_eq!(&halves, &forwards);
    }

    #[test]
    fn deviations_are_those_of_two_passes(base in 0_i64..1_000_000_000_000, distances in proptest::collection::vec(0_i64..1000, 2..40)) {
        let mut measure = Measure::default();
        distances.iter().for_each(|distance| measure.see((base + distance).into()));
        // Distances alone are small, so that floats hold them exactly.
        let n = distances.len() as f64;
        let mean = distances.iter().sum::<i64>() as f64 / n;
        let variance = distances.iter().map(|distance| (*distance as f64 - mean).powi(2)).sum::<f64>() / n;
        let mut sums = ScanSums::default();
        sums.all.scans = distances.len() as i128;
        sums.all.bytes = measure;
        let found = sums.totals()["bytes_std_dev"].as_f64().unwrap();
        prop_assert!((found - variance.sqrt()).abs() < 1e-6, "{found} and {}", variance.sqrt());
    }
}
