//! Past days as text: every known number at its instant, nothing else.

use std::collections::BTreeMap;
use std::io::{self, Write};

use daybook::look::export::ExportError;
use daybook::look::export::backfill::write;
use daybook::text::exposition::Form;

use crate::monitored::{self, LAST, Monitored};
use crate::world::date;

#[tokio::test]
async fn the_days_of_a_range_are_told_with_their_instants() {
    let book = monitored::quiet().await;
    let (count, text) = told(&book, "2025-10-02", Form::Prometheus).await;
    assert_eq!(count, 2);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        [
            "shop_orders 100 1759442400000",
            "shop_revenue 1000.05 1759442400000",
            "shop_visits_total 9007199254741092 1759442400000",
            "shop_kinds{key=\"1\",label=\"Books\"} 70 1759442400000",
            "shop_kinds{key=\"2\",label=\"other\"} 20 1759442400000",
            "shop_kinds{label=\"other\",rest=\"true\"} 10 1759442400000",
            "shop_orders 1500 1759528800000",
            "shop_revenue 15000.05 1759528800000",
            "shop_visits_total 9007199254742492 1759528800000",
            "shop_kinds{key=\"1\",label=\"Books\"} 1470 1759528800000",
            "shop_kinds{key=\"2\",label=\"other\"} 20 1759528800000",
            "shop_kinds{label=\"other\",rest=\"true\"} 10 1759528800000",
        ]
    );
}

#[tokio::test]
async fn open_metrics_tells_seconds_ends_and_has_no_untyped() {
    let book = monitored::quiet().await;
    let (_, text) = told(&book, LAST, Form::OpenMetrics).await;
    assert!(text.contains("\nshop_orders 1500 1759528800\n"));
    assert!(text.contains("\n# TYPE shop_visits_total unknown\n"));
    assert!(text.contains("\n# HELP shop_revenue Money in, \\\"net\\\"; C:\\\\new\\nper day.\n"));
    assert!(text.ends_with("\n# EOF\n"));
}

#[tokio::test]
async fn both_forms_tell_the_same_series_and_numbers() {
    let book = monitored::hostile().await;
    let numbers = |text: &str, per_second: f64| -> BTreeMap<(String, i64), String> {
        let lines = text.split('\n').filter(|line| line.starts_with("shop_"));
        lines
            .map(|line| {
                let (rest, time) = line.rsplit_once(' ').unwrap();
                let (series, value) = rest.rsplit_once(' ').unwrap();
                let time: f64 = time.parse().unwrap();
                (
                    (series.to_owned(), (time / per_second) as i64),
                    value.to_owned(),
                )
            })
            .collect()
    };
    let (_, plain) = told(&book, "2025-01-01", Form::Prometheus).await;
    let (_, open) = told(&book, "2025-01-01", Form::OpenMetrics).await;
    let plain = numbers(&plain, 1000.0);
    assert_eq!(plain, numbers(&open, 1.0));
    assert_eq!(plain.len(), 59 * 6 + 3 + monitored::HOSTILE.len() + 1);
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_writing() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let book = monitored::quiet().await;
    let days = date(LAST)..=date(LAST);
    let done = write(
        &book.edition.book,
        &book.config,
        days,
        Form::Prometheus,
        &mut Gone,
    )
    .await;
    assert!(matches!(done, Err(ExportError::Write(_))), "{done:?}");
}

async fn told(book: &Monitored, from: &str, form: Form) -> (usize, String) {
    let mut text = Vec::new();
    let days = date(from)..=date(LAST);
    let count = write(&book.edition.book, &book.config, days, form, &mut text).await;
    (count.unwrap(), String::from_utf8(text).unwrap())
}
