//! The server that the other tests build on.

use crate::postgres::{as_role, database};

#[tokio::test]
async fn every_test_has_a_database_of_its_own() {
    let (one, other) = (database().await, database().await);
    one.execute("CREATE TABLE t (n int); INSERT INTO t VALUES (7); CREATE ROLE guest LOGIN; GRANT SELECT ON t TO guest")
        .await;
    other.execute("CREATE TABLE t (n int)").await;
    let guest = as_role(&one, "guest");
    assert_eq!(guest.number("SELECT n FROM t").await, Some(7.into()));
    assert_eq!(other.number("SELECT count(*) FROM t").await, Some(0.into()));
}
