//! A metric that measures a column of times, which are no numbers.

use daybook::operate::doctor::{Level, examine};
use tokio_util::sync::CancellationToken;

use crate::world::{App, World, instant};

const NOW: &str = "2025-10-04T06:00:00Z";

const MEASURED: &str = r#"
    [tables.orders]
    name = "orders"

    [[metrics]]
    key = "newest_payment"
    table = "orders"
    max = "paid_at"

    [[metrics]]
    key = "dearest"
    table = "orders"
    max = "amount"
"#;

/// `kind` is how the server calls the column's type itself.
pub(crate) async fn are_named_by_their_type(app: &App, declared: &str, kind: &str) {
    app.execute(&format!(
        "CREATE TABLE orders (paid_at {declared}, amount numeric(12, 2))"
    ))
    .await;
    let mut world = World::new(NOW, MEASURED);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let findings = examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
    let errors = findings.iter().filter(|one| one.level == Level::Error);
    let errors: Vec<(&str, &str)> = errors
        .filter(|one| one.area == "database")
        .map(|one| (one.what.as_str(), one.means.as_str()))
        .collect();
    let what = format!(
        "the app database: orders.paid_at is of the type {kind}, and a time is not a number: `newest` measures the age of the newest"
    );
    assert_eq!(
        errors,
        [(
            what.as_str(),
            "These metrics fail each night: newest_payment."
        )]
    );
}
