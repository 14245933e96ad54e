//! Two connections, one snapshot.

use crate::one_snapshot::linked_counts_add_up;
use crate::postgres::database;

#[tokio::test]
async fn linked_counts_add_up_while_the_application_writes() {
    linked_counts_add_up(&database().await).await;
}
