//! Settings proposed for schemas that many know.

use support::init::known_schemas::{CHINOOK, LOBSTERS, PAGILA, counts_right, fill_with};
use support::init::{bare, is_as_stored};

#[tokio::test]
async fn a_film_rentals_settings_are_proposed_and_count_right() {
    let (world, app) = bare().await;
    fill_with(&app, &PAGILA).await;
    is_as_stored("pagila.toml", &counts_right(&world, &app, &PAGILA).await);
}

#[tokio::test]
async fn a_music_shops_settings_are_proposed_and_count_right() {
    let (world, app) = bare().await;
    fill_with(&app, &CHINOOK).await;
    is_as_stored("chinook.toml", &counts_right(&world, &app, &CHINOOK).await);
}

#[tokio::test]
async fn a_link_forums_settings_are_proposed_and_count_right() {
    let (world, app) = bare().await;
    fill_with(&app, &LOBSTERS).await;
    is_as_stored(
        "lobsters.toml",
        &counts_right(&world, &app, &LOBSTERS).await,
    );
}
