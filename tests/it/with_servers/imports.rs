//! The original's table lies on PostgreSQL, with its own types.

use crate::postgres::database;
use support::original::the_originals_table_is_taken_over_without_what_it_got_wrong;

#[tokio::test]
async fn the_originals_table_on_postgresql() {
    the_originals_table_is_taken_over_without_what_it_got_wrong(database().await).await;
}
