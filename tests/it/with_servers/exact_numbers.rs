//! Numbers with many digits, as PostgreSQL and MariaDB give them.

use crate::{mariadb, postgres};
use support::exact_numbers::are_kept_or_fail;

#[tokio::test]
async fn postgres_decimals_are_kept_exactly_or_fail() {
    let kept = [
        ("SELECT 1234567890123.45::numeric", "1234567890123.45"),
        (
            "SELECT -0.000000000000123456789012345::numeric",
            "-1.23456789012345e-13",
        ),
        (
            "SELECT 1.50000000000000000000000000000000000000::numeric",
            "1.5",
        ),
        ("SELECT 10000::numeric * 10000 * 10000", "1000000000000"),
        ("SELECT 0::numeric", "0"),
        ("SELECT 0.1::float8 + 0.2::float8", "0.30000000000000004"),
        (
            "SELECT sum(n) FROM (VALUES (4503599627370496::bigint), (4503599627370495)) AS v(n)",
            "9007199254740991",
        ),
    ];
    let failed = [
        (
            "SELECT 12345678901234567.89::numeric",
            "12345678901234567.89 has more digits than can be stored exactly",
        ),
        (
            "SELECT 90071992547409.93::numeric",
            "90071992547409.93 has more digits",
        ),
        (
            "SELECT 9223372036854775808::numeric",
            "9223372036854775808 has more digits",
        ),
        (
            "SELECT 9007199254740993::bigint",
            "9007199254740993 has more digits",
        ),
        // Beyond what a decimal holds: its last digit is not rounded off to pass.
        (
            "SELECT 0.5000000000000000000000000000000000001::numeric",
            "more than 28 digits",
        ),
        (
            "SELECT 100000000000000000000000000000000::numeric + 1",
            "more than 28 digits",
        ),
        ("SELECT 'NaN'::numeric", "is not a number"),
        ("SELECT 'Infinity'::numeric", "is not a number"),
    ];
    are_kept_or_fail(&postgres::database().await, &kept, &failed).await;
}

#[tokio::test]
async fn mariadb_decimals_are_kept_exactly_or_fail() {
    let kept = [
        (
            "SELECT CAST(1234567890123.45 AS decimal(65, 30))",
            "1234567890123.45",
        ),
        ("SELECT CAST(-7 AS decimal(40, 0))", "-7"),
        ("SELECT CAST(0 AS decimal(40, 30))", "0"),
        ("SELECT 0.1e0 + 0.2e0", "0.30000000000000004"),
    ];
    let failed = [
        (
            "SELECT CAST('12345678901234567.89' AS decimal(30, 2))",
            "12345678901234567.89 has more digits than can be stored exactly",
        ),
        (
            "SELECT CAST(18446744073709551615 AS unsigned)",
            "18446744073709551615 has more digits",
        ),
        (
            "SELECT CAST('0.500000000000000000000000000001' AS decimal(40, 30))",
            "more than 28 digits",
        ),
    ];
    are_kept_or_fail(&mariadb::database().await, &kept, &failed).await;
}
