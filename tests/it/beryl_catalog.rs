//! The example catalog for Beryl holds exactly the numbers that its users know.

use daybook::catalog::{AlertOn, Catalog, Document, History, Measure, Parts, Shape};
use daybook::catalog::{Limit, Metric, handbook};
use daybook::config::{Request, load};
use daybook::text::mistake::Source;

use crate::world::World;

use History::{Event, Now, Survivors};

const METRICS: [(&str, History); 59] = [
    ("total_users", Event),
    ("active_users_24h", Now),
    ("active_users_7d", Now),
    ("active_users_30d", Now),
    ("new_users_24h", Event),
    ("new_users_7d", Event),
    ("new_users_30d", Event),
    ("total_collections", Survivors),
    ("collections_private", Now),
    ("collections_public", Now),
    ("collections_unlisted", Now),
    ("collections_created_24h", Survivors),
    ("collections_created_7d", Survivors),
    ("collections_created_30d", Survivors),
    ("avg_items_per_collection", Now),
    ("total_items", Survivors),
    ("items_in_collection", Now),
    ("items_wanted", Now),
    ("items_reserved", Now),
    ("items_ordered", Now),
    ("items_lent", Now),
    ("items_previously_owned", Now),
    ("items_sold", Now),
    ("items_given_away", Now),
    ("items_created_24h", Survivors),
    ("items_created_7d", Survivors),
    ("items_created_30d", Survivors),
    ("item_types_count", Survivors),
    ("item_type_distribution", Now),
    ("total_attributes", Survivors),
    ("attribute_usage", Now),
    ("total_links", Survivors),
    ("matched_link_patterns", Now),
    ("unmatched_link_patterns", Now),
    ("link_pattern_distribution", Now),
    ("total_media_files", Survivors),
    ("total_storage_bytes", Survivors),
    ("recent_uploads_24h", Survivors),
    ("recent_uploads_7d", Survivors),
    ("recent_uploads_30d", Survivors),
    ("orphaned_files", Now),
    ("corrupted_files", Now),
    ("storage_by_type", Now),
    ("total_emails", Event),
    ("emails_pending", Now),
    ("emails_sent", Now),
    ("emails_failed", Now),
    ("marketing_opt_in", Now),
    ("marketing_opt_out", Now),
    ("emails_synced_resend", Now),
    ("flagged_content", Now),
    ("pending_review", Now),
    ("user_violations", Now),
    ("banned_users", Now),
    ("favorite_items_total", Now),
    ("items_with_images_pct", Now),
    ("items_with_attributes_pct", Now),
    ("items_with_links_pct", Now),
    ("avg_attributes_per_item", Now),
];

const SERIES: [(&str, &str); 24] = [
    ("total_users", "beryl_users_total"),
    ("active_users_24h", "beryl_users_active_24h"),
    ("active_users_7d", "beryl_users_active_7d"),
    ("active_users_30d", "beryl_users_active_30d"),
    ("new_users_24h", "beryl_users_new_24h"),
    ("total_collections", "beryl_collections_total"),
    ("collections_private", "beryl_collections_private"),
    ("collections_public", "beryl_collections_public"),
    ("collections_unlisted", "beryl_collections_unlisted"),
    ("total_items", "beryl_items_total"),
    ("items_in_collection", "beryl_items_in_collection"),
    ("items_wanted", "beryl_items_wanted"),
    ("items_reserved", "beryl_items_reserved"),
    ("total_media_files", "beryl_storage_files_total"),
    ("total_storage_bytes", "beryl_storage_bytes_total"),
    ("recent_uploads_24h", "beryl_storage_uploads_24h"),
    ("orphaned_files", "beryl_storage_orphaned_files"),
    ("flagged_content", "beryl_moderation_flagged"),
    ("pending_review", "beryl_moderation_pending"),
    ("user_violations", "beryl_moderation_violations"),
    ("banned_users", "beryl_moderation_banned_users"),
    ("favorite_items_total", "beryl_engagement_favorites"),
    (
        "items_with_images_pct",
        "beryl_engagement_items_with_images_pct",
    ),
    (
        "avg_attributes_per_item",
        "beryl_engagement_avg_attributes_per_item",
    ),
];

fn beryl() -> Catalog {
    let source = Source {
        name: "daybook.toml".to_owned(),
        text: include_str!("../../examples/beryl/daybook.toml").to_owned(),
    };
    let document = Document::parse(&source).expect("valid TOML");
    Catalog::read(&[document], None).unwrap_or_else(|mistakes| {
        let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}", told.join("\n"))
    })
}

fn metric<'a>(catalog: &'a Catalog, key: &str) -> &'a Metric {
    catalog
        .metric(key)
        .unwrap_or_else(|| panic!("no metric {key}"))
}

#[test]
fn the_beryl_catalog_shows_the_59_numbers_with_their_kinds_of_history() {
    let shown: Vec<(String, History)> = beryl()
        .shown()
        .map(|metric| (metric.key.clone(), metric.history))
        .collect();
    let expected: Vec<(String, History)> = METRICS
        .iter()
        .map(|(key, history)| ((*key).to_owned(), *history))
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn every_shown_number_of_beryl_says_what_it_means() {
    for metric in beryl().shown() {
        assert!(metric.description.ends_with('.'), "{}", metric.key);
        assert_ne!(metric.section, "Other", "{}", metric.key);
    }
}

#[test]
fn sections_of_beryl_stand_in_the_readers_order() {
    assert_eq!(
        beryl().sections(),
        [
            "Users",
            "Collections",
            "Items",
            "Links",
            "Storage",
            "E-mail",
            "Content moderation",
            "Engagement"
        ]
    );
}

#[test]
fn beryls_series_keep_the_names_its_dashboards_ask_for() {
    let catalog = beryl();
    for (key, series) in SERIES {
        assert_eq!(
            metric(&catalog, key).prometheus.as_deref(),
            Some(series),
            "{key}"
        );
    }
    let mut names: Vec<&str> = catalog
        .shown()
        .filter_map(|metric| metric.prometheus.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 59, "a series of its own for every metric");
}

#[test]
fn lent_items_are_those_lent_out_and_requeued_mail_is_pending() {
    let catalog = beryl();
    let values = |key: &str| match &metric(&catalog, key).shape {
        Shape::Counted(counted) => match &counted.parts {
            Parts::Share { values, .. } => values.clone(),
            other => panic!("{key} is {other:?}"),
        },
        other => panic!("{key} is {other:?}"),
    };
    assert_eq!(values("items_lent"), ["LENT_OUT"]);
    assert_eq!(values("items_sold"), ["SOLD"]);
    assert_eq!(values("items_given_away"), ["GIVEN_AWAY"]);
    assert_eq!(values("emails_pending"), ["2", "3"]);
    assert_eq!(values("emails_sent"), ["0"]);
    assert_eq!(values("emails_failed"), ["1"]);
}

#[test]
fn rows_count_only_while_what_they_belong_to_does() {
    let catalog = beryl();
    let dependent = [
        ("links", "items"),
        ("attribute_values", "items"),
        ("item_images", "items"),
        ("collected_items", "collections"),
        ("profiles", "users"),
    ];
    for table in &catalog.tables {
        let parents: Vec<&str> = table
            .parents
            .iter()
            .map(|parent| catalog.tables[parent.table].id.as_str())
            .collect();
        let expected: Vec<&str> = dependent
            .iter()
            .filter(|(id, _)| *id == table.id)
            .map(|(_, parent)| *parent)
            .collect();
        assert_eq!(parents, expected, "{}", table.id);
    }
    let Shape::Counted(images) = &metric(&catalog, "items_with_images").shape else {
        panic!("items with images are counted");
    };
    assert_eq!(images.measure, Measure::Distinct("item_id".to_owned()));
    assert_eq!(catalog.tables[images.table].id, "item_images");
}

#[test]
fn beryls_alert_rules_are_those_its_operators_wrote_down() {
    let catalog = beryl();
    let percent = |key: &str| metric(&catalog, key).alert.percent.clone();
    assert_eq!(percent("total_users").on, AlertOn::Off);
    let active = percent("active_users_24h");
    assert_eq!(
        (active.on, active.warning, active.critical),
        (AlertOn::Falls, Some(0.0), Some(25.0))
    );
    let new = percent("new_users_24h");
    assert_eq!(
        (new.on, new.warning, new.critical),
        (AlertOn::Rises, Some(25.0), Some(0.0))
    );
    assert_eq!(percent("active_users_7d").on, AlertOn::Both);

    let above = |bound: f64| {
        Some(Limit {
            over: true,
            inclusive: false,
            bound,
        })
    };
    let absolute = |key: &str| {
        let rules = &metric(&catalog, key).alert;
        (rules.warning, rules.critical)
    };
    assert_eq!(absolute("orphaned_files"), (above(0.0), None));
    assert_eq!(absolute("corrupted_files"), (None, above(0.0)));
    assert_eq!(absolute("flagged_content"), (above(10.0), None));
    assert_eq!(absolute("pending_review"), (above(20.0), None));
}

#[test]
fn the_committed_handbook_is_the_page_made_from_the_configuration() {
    let request = Request {
        path: Some("examples/beryl/daybook.toml".into()),
        environment: std::collections::BTreeMap::new(),
        cwd: env!("CARGO_MANIFEST_DIR").into(),
    };
    let page = daybook::config::handbook::page(&load(&request).expect("a configuration"));
    assert!(
        page == include_str!("../../docs/METRICS.md"),
        "docs/METRICS.md is out of date: `make docs`"
    );
}

#[test]
fn the_handbook_tells_each_rule_in_words() {
    let page = handbook::metrics(&beryl());
    for line in [
        "| Total users<br>`total_users` | Everyone who ever registered and was not removed, active or not. | event | none |",
        "| Active users, 24 h<br>`active_users_24h` | Users whose last login lies within the window. | now | fall: critical from 25 %, never warning |",
        "| Corrupted files<br>`corrupted_files` | Live media files whose content is missing from the storage. | now | critical &gt; 0; change |",
        "| Items with links<br>`items_with_links_pct` | Share of live items that have at least one live link. | now | change in points |",
    ] {
        assert!(page.lines().any(|each| each == line), "{line}\n{page}");
    }
    assert!(!page.contains("`items_with_links`"), "helpers stay out");
}

#[test]
fn the_handbook_says_how_to_run_and_who_gets_the_report_and_names_no_reader() {
    const MORE: &str = r#"
        [app]
        database_url = "sqlite:app.db"

        [mail]
        smtp_url = "smtp://mailer:s3cretly@mail.example.org:587"
        from = "Shop <shop@example.org>"

        [report]
        due = "07:15"
        public_url = "https://metrics.example.org"
        recipients = ["carla@example.com", "dora@example.com"]

        [prometheus]
        prefix = "shop"

        [tables.users]
        name = "users"

        [[metrics]]
        key = "users"
        table = "users"
        count = "*"
    "#;
    let page = daybook::config::handbook::page(&World::new("2025-10-04T06:00:00Z", MORE).config());
    for heading in [
        "## Overview",
        "## Metrics collected",
        "## Running manually",
        "## Email reports",
        "## Dashboard",
        "## Prometheus and Grafana",
    ] {
        assert!(
            page.lines().any(|line| line == heading),
            "{heading}\n{page}"
        );
    }
    for line in [
        "The report goes to the 2 addresses in `recipients` under `[report]`.",
        "It is sent from shop@example.org through mail.example.org:587. The report is due by 07:15.",
        "shows the days at <https://metrics.example.org/>. `daybook top` shows them in a terminal.",
        "| `users` | `shop_users` |",
    ] {
        assert!(page.lines().any(|each| each == line), "{line}\n{page}");
    }
    for hidden in ["carla", "dora", "mailer", "s3cretly"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
}

#[test]
fn the_mapping_of_the_former_table_leaves_out_only_what_the_catalog_would_import() {
    let mapping = include_str!("../../examples/beryl/import.toml");
    let mapping: toml::Table = toml::from_str(mapping).expect("valid TOML");
    let left_out = mapping["left_out"].as_table().expect("a table");
    assert_eq!(left_out.len(), 22);
    let catalog = beryl();
    for column in left_out.keys() {
        metric(&catalog, column);
    }
}
