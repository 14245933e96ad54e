INSERT INTO daily_metrics (collection_date, collected_at, as_of, partial, time_zone, day_start, day_end,
    collection_duration_ms, catalog_hash, metrics, provenance)
VALUES
    ('2025-10-03', '2025-10-03T22:15:00.000000Z', '2025-10-03T22:00:00.000000Z', 0, 'Europe/Zurich',
     '2025-10-02T22:00:00.000000Z', '2025-10-03T22:00:00.000000Z', 1840, 'c0ffee',
     '{"total_users":5012,"active_users_24h":null,"items_with_images_pct":61.25}',
     '{"active_users_24h":{"kind":"unavailable","reason":"last_login is overwritten"}}'),
    ('2025-10-04', '2025-10-04T09:30:00.000000Z', '2025-10-04T09:30:00.000000Z', 1, 'Europe/Zurich',
     '2025-10-03T22:00:00.000000Z', '2025-10-04T22:00:00.000000Z', 912, 'c0ffee',
     '{"item_type_distribution":[{"key":"1","label":"Books","count":29439},{"other":true,"count":20645}]}', '{}');

INSERT INTO metric_columns (key, kind) VALUES ('total_users', 'whole'), ('item_type_distribution', 'parts');

INSERT INTO runs (started_at, ended_at, command, outcome, first_date, last_date, days, error, duration_ms)
VALUES ('2025-10-03T22:15:00.000000Z', '2025-10-03T22:15:02.000000Z', 'collect', 'stored', '2025-10-03', '2025-10-03', 1, NULL, 2000);

INSERT INTO run_statements (run_id, position, database, what, duration_ms, rows, error)
VALUES (1, 1, '', 'total_users', 12, 1, NULL), (1, 2, 'shop', 'orders', 30000, 0, 'statement timeout');

INSERT INTO deliveries (collection_date, subject, channel, recipient, message_id, state, attempts, planned_at, claimed_at, accepted_at, reply)
VALUES ('2025-10-03', 'report', 'email', 'ada@example.org', '2025-10-03.report.1@example.org', 'accepted', 1,
        '2025-10-03T22:15:02.000000Z', '2025-10-03T22:15:02.000000Z', '2025-10-03T22:15:03.000000Z', '250 2.0.0 Ok: queued');

INSERT INTO mutes (key, muted_at, until_date, because)
VALUES ('corrupted_files', '2025-10-03T07:00:00.000000Z', '2025-10-10', 'the disk is being replaced');
