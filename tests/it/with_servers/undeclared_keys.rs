//! Keys that nobody declared, on servers.

use crate::undeclared_keys::children_of_living_parents_are_counted;
use crate::{mariadb, postgres};

#[tokio::test]
async fn children_are_counted_with_and_without_declared_keys_in_postgresql() {
    let (declared, held, broken) = (
        postgres::database().await,
        postgres::database().await,
        postgres::database().await,
    );
    children_of_living_parents_are_counted([&declared, &held, &broken]).await;
}

#[tokio::test]
async fn children_are_counted_with_and_without_declared_keys_in_mariadb() {
    let (declared, held, broken) = (
        mariadb::database().await,
        mariadb::database().await,
        mariadb::database().await,
    );
    children_of_living_parents_are_counted([&declared, &held, &broken]).await;
}
