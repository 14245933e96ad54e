INSERT INTO runs (started_at, ended_at, command, outcome, first_date, last_date, days, error, duration_ms, collect_ms, store_ms, deliver_ms, prune_ms)
VALUES ('2025-10-04T22:15:00.000000Z', '2025-10-04T22:15:02.000000Z', 'collect', 'stored', '2025-10-04', '2025-10-04', 1, NULL, 2000,
        1500, 30, 420, NULL);
