//! A span records itself, however the work ends.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{points, recorder};

#[tokio::test]
async fn a_span_that_ends_fails_or_panics_is_recorded_with_how_it_went() {
    let (recorder, writer) = recorder().await;
    drop(
        recorder
            .span("checkout")
            .label("shop", "zh")
            .label("order", "well"),
    );
    let mut span = recorder
        .span("checkout")
        .label("shop", "zh")
        .label("order", "failed");
    span.error("card refused");
    drop(span);
    let early = || -> Option<()> {
        let _span = recorder
            .span("checkout")
            .label("shop", "zh")
            .label("order", "early");
        None?;
        unreachable!();
    };
    assert_eq!(early(), None);
    let panics = || {
        let _span = recorder
            .span("checkout")
            .label("shop", "zh")
            .label("order", "panicked");
        panic!("on purpose");
    };
    catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
    let mut store = writer.stop().await.unwrap();
    let mut ends: Vec<(String, bool)> = points(&mut store, "checkout")
        .await
        .iter()
        .map(|point| {
            assert!(point["values"]["duration"].as_f64().unwrap() >= 0.0);
            (
                point["labels"]["order"].as_str().unwrap().to_owned(),
                point["ok"].as_bool().unwrap(),
            )
        })
        .collect();
    ends.sort();
    let expected = [
        ("early", true),
        ("failed", false),
        ("panicked", false),
        ("well", true),
    ];
    assert_eq!(ends, expected.map(|(order, ok)| (order.to_owned(), ok)));
    assert_eq!(recorder.lost_spans(), 0);
}

#[tokio::test]
async fn a_span_that_cannot_be_kept_is_counted() {
    let (recorder, writer) = recorder().await;
    drop(recorder.span("checkout"));
    drop(recorder.span("no such kind"));
    assert_eq!(recorder.lost_spans(), 2);
    writer.stop().await.unwrap();
}
