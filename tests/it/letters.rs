//! Letters in words: what a reader is told, to the letter.

use daybook::report::Content;

use crate::sample_letters;

#[test]
fn the_sample_has_sixty_metrics_and_tells_of_what_it_was_made_for() {
    let letter = sample_letters::named("critical");
    let Content::Day(report) = &letter.content else {
        panic!("it has numbers")
    };
    let told: Vec<&str> = report
        .matters
        .iter()
        .map(|matter| report.rows[matter.row].key.as_str())
        .collect();
    assert_eq!(
        (report.rows.len(), told),
        (
            60,
            vec![
                "corrupted_files",
                "active_users_24h",
                "items_created_24h",
                "recent_uploads_24h",
                "new_users_24h",
                "emails_failed",
            ]
        ),
    );
}
