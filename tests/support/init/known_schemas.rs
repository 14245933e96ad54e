//! Schemas that many know, with a few rows: what is proposed for them, and that it counts right.

use std::collections::BTreeSet;

use daybook::commands::Ended;

use super::{collects, fill, proposed};
use crate::world::{App, World};

pub struct Known {
    tables: &'static str,
    rows: &'static str,
    /// Every total that is proposed, and others, each with a statement of its own.
    numbers: &'static [(&'static str, &'static str)],
}

/// A film rental. In PostgreSQL its payments are in parts by month.
pub const PAGILA: Known = Known {
    tables: include_str!("pagila.sql"),
    rows: include_str!("pagila_rows.sql"),
    numbers: &[
        (
            "customers_active",
            "SELECT count(*) FROM customer WHERE active = 1 AND create_date < '2025-10-03'",
        ),
        (
            "customers_activebool",
            "SELECT count(*) FROM customer WHERE activebool AND create_date < '2025-10-03'",
        ),
        (
            "films_rating_pg_13",
            "SELECT count(*) FROM film WHERE rating = 'PG-13'",
        ),
        (
            "new_rentals_7d",
            "SELECT count(*) FROM rental WHERE rental_date >= '2025-09-25 22:00:00' AND rental_date < '2025-10-02 22:00:00'",
        ),
        (
            "payments_amount_24h",
            "SELECT round(sum(amount), 2) FROM payment WHERE payment_date >= '2025-10-01 22:00:00' AND payment_date < '2025-10-02 22:00:00'",
        ),
        (
            "rentals_open",
            "SELECT count(*) FROM rental WHERE rental_date < '2025-10-02 22:00:00' AND (return_date IS NULL OR return_date >= '2025-10-02 22:00:00')",
        ),
        ("staff_active", "SELECT count(*) FROM staff WHERE active"),
        ("total_actors", "SELECT count(*) FROM actor"),
        ("total_addresses", "SELECT count(*) FROM address"),
        ("total_categories", "SELECT count(*) FROM category"),
        ("total_cities", "SELECT count(*) FROM city"),
        ("total_countries", "SELECT count(*) FROM country"),
        (
            "total_customers",
            "SELECT count(*) FROM customer WHERE create_date < '2025-10-03'",
        ),
        ("total_film_actors", "SELECT count(*) FROM film_actor"),
        (
            "total_film_categories",
            "SELECT count(*) FROM film_category",
        ),
        ("total_films", "SELECT count(*) FROM film"),
        ("total_inventory", "SELECT count(*) FROM inventory"),
        ("total_languages", "SELECT count(*) FROM language"),
        (
            "total_payments",
            "SELECT count(*) FROM payment WHERE payment_date < '2025-10-02 22:00:00'",
        ),
        (
            "total_rentals",
            "SELECT count(*) FROM rental WHERE rental_date < '2025-10-02 22:00:00'",
        ),
        ("total_staff", "SELECT count(*) FROM staff"),
        ("total_stores", "SELECT count(*) FROM store"),
    ],
};

/// A shop for music, its names in CamelCase.
pub const CHINOOK: Known = Known {
    tables: include_str!("chinook.sql"),
    rows: include_str!("chinook_rows.sql"),
    numbers: &[
        (
            "invoice_lines_quantity",
            "SELECT sum(\"Quantity\") FROM \"InvoiceLine\"",
        ),
        (
            "invoices_total_30d",
            "SELECT round(sum(\"Total\"), 2) FROM \"Invoice\" WHERE \"InvoiceDate\" >= '2025-09-02 22:00:00' AND \"InvoiceDate\" < '2025-10-02 22:00:00'",
        ),
        ("total_albums", "SELECT count(*) FROM \"Album\""),
        ("total_artists", "SELECT count(*) FROM \"Artist\""),
        ("total_customers", "SELECT count(*) FROM \"Customer\""),
        (
            "total_employees",
            "SELECT count(*) FROM \"Employee\" WHERE \"HireDate\" < '2025-10-02 22:00:00'",
        ),
        ("total_genres", "SELECT count(*) FROM \"Genre\""),
        (
            "total_invoice_lines",
            "SELECT count(*) FROM \"InvoiceLine\"",
        ),
        (
            "total_invoices",
            "SELECT count(*) FROM \"Invoice\" WHERE \"InvoiceDate\" < '2025-10-02 22:00:00'",
        ),
        ("total_media_types", "SELECT count(*) FROM \"MediaType\""),
        ("total_playlists", "SELECT count(*) FROM \"Playlist\""),
        ("total_tracks", "SELECT count(*) FROM \"Track\""),
        ("tracks_bytes", "SELECT sum(\"Bytes\") FROM \"Track\""),
    ],
};

/// A forum on the schema of Lobsters, with the tables of its framework.
pub const LOBSTERS: Known = Known {
    tables: include_str!("lobsters.sql"),
    rows: include_str!("lobsters_rows.sql"),
    numbers: &[
        (
            "domains_banned",
            "SELECT count(*) FROM domains WHERE created_at < '2025-10-02 22:00:00' AND banned_at IS NOT NULL",
        ),
        (
            "total_categories",
            "SELECT count(*) FROM categories WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_comments",
            "SELECT count(*) FROM comments WHERE created_at < '2025-10-02 22:00:00' AND is_deleted = 0",
        ),
        (
            "total_domains",
            "SELECT count(*) FROM domains WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_hat_requests",
            "SELECT count(*) FROM hat_requests WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_hats",
            "SELECT count(*) FROM hats WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_hidden_stories",
            "SELECT count(*) FROM hidden_stories WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_invitations",
            "SELECT count(*) FROM invitations WHERE created_at < '2025-10-02 22:00:00'",
        ),
        ("total_keystores", "SELECT count(*) FROM keystores"),
        ("total_links", "SELECT count(*) FROM links"),
        (
            "total_mastodon_apps",
            "SELECT count(*) FROM mastodon_apps WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_messages",
            "SELECT count(*) FROM messages WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_mod_notes",
            "SELECT count(*) FROM mod_notes WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_moderations",
            "SELECT count(*) FROM moderations WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_notifications",
            "SELECT count(*) FROM notifications WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_read_ribbons",
            "SELECT count(*) FROM read_ribbons WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_saved_stories",
            "SELECT count(*) FROM saved_stories WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_stories",
            "SELECT count(*) FROM stories WHERE created_at < '2025-10-02 22:00:00' AND is_deleted = 0",
        ),
        (
            "total_story_texts",
            "SELECT count(*) FROM story_texts WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_suggested_titles",
            "SELECT count(*) FROM suggested_titles",
        ),
        (
            "total_tag_filters",
            "SELECT count(*) FROM tag_filters WHERE created_at < '2025-10-02 22:00:00'",
        ),
        ("total_tags", "SELECT count(*) FROM tags"),
        (
            "total_user_names",
            "SELECT count(*) FROM usernames WHERE created_at < '2025-10-02 22:00:00'",
        ),
        (
            "total_users",
            "SELECT count(*) FROM users WHERE created_at < '2025-10-02 22:00:00' AND (deleted_at IS NULL OR deleted_at >= '2025-10-02 22:00:00')",
        ),
        ("total_votes", "SELECT count(*) FROM votes"),
        (
            "users_banned",
            "SELECT count(*) FROM users WHERE created_at < '2025-10-02 22:00:00' AND (deleted_at IS NULL OR deleted_at >= '2025-10-02 22:00:00') AND banned_at IS NOT NULL",
        ),
    ],
};

const PAGILA_TYPES: &str = "CREATE TYPE mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17'); CREATE DOMAIN year AS integer";

const PAGILA_PARTS: &str = "
    CREATE TABLE payment_p2025_08 PARTITION OF payment FOR VALUES FROM ('2025-08-01') TO ('2025-09-01');
    CREATE TABLE payment_p2025_09 PARTITION OF payment FOR VALUES FROM ('2025-09-01') TO ('2025-10-01');
    CREATE TABLE payment_p2025_10 PARTITION OF payment FOR VALUES FROM ('2025-10-01') TO ('2025-11-01')";

pub async fn fill_with(app: &App, known: &Known) {
    let year = match app {
        App::Sqlite(_) => "integer",
        _ => "year",
    };
    let tables = known.tables.replace("$year", year);
    let is_parted = matches!(app, App::Postgres(_)) && tables.contains("$partitioned");
    if is_parted {
        app.execute(PAGILA_TYPES).await;
    }
    fill(app, (&tables, "SELECT 1")).await;
    if is_parted {
        app.execute(PAGILA_PARTS).await;
    }
    app.execute(known.rows).await;
}

/// What is proposed passes its check, collects, and agrees with plain SQL.
pub async fn counts_right(world: &World, app: &App, known: &Known) -> String {
    let text = proposed(world).await;
    let checked = world.command(&["config", "check"]).await;
    assert_eq!(
        checked.unwrap_or_else(|error| panic!("{error}")),
        Ended::Done
    );
    collects(world).await;
    let config = world.config();
    let keys = config
        .catalog
        .metrics
        .iter()
        .map(|metric| metric.key.as_str());
    let totals: BTreeSet<&str> = keys.filter(|key| key.starts_with("total_")).collect();
    let known_keys = known.numbers.iter().map(|(key, _)| *key);
    let known_keys: BTreeSet<&str> = known_keys.filter(|key| key.starts_with("total_")).collect();
    assert_eq!(totals, known_keys);
    for (key, sql) in known.numbers {
        let expected = app.number(sql).await.unwrap_or_default();
        let counted = world.value("2025-10-02", key).await;
        assert_eq!(
            counted.to_string(),
            expected.normalize().to_string(),
            "{key}"
        );
    }
    text
}
