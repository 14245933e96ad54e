INSERT INTO reports (collection_date, subject, planned_at, also_dates, told, corrections, recipients, stale_recipients, bad_addresses, reason)
VALUES ('2025-10-04', 'open', '2025-10-04T09:30:00.000000Z', '["2025-10-02"]', '{"total_users":5020}',
        '[{"date":"2025-10-03","key":"total_users","mailed":5012,"now":5013}]',
        '[{"address":"ada@example.org","name":"Ada","language":"de","numbers":"ch","when":"daily"}]', NULL,
        '[["ada@","no domain"]]', NULL),
       ('2025-10-05', 'failure', '2025-10-05T22:15:00.000000Z', '[]', '{}', '[]', '[]', 'unreachable', '[]', 'unreachable');

INSERT INTO deliveries (collection_date, subject, channel, recipient, copy, name, language, numbers, message_id, state, attempts, planned_at, claimed_at, retry_at, accepted_at, reply)
VALUES ('2025-10-04', 'open', 'email', 'ada@example.org', 2, 'Ada', 'de', 'ch', 'open.2025-10-04.1@example.org', 'ambiguous', 1,
        '2025-10-04T09:30:00.000000Z', '2025-10-04T09:30:01.000000Z', NULL, NULL, 'connection lost');
