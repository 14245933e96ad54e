-- What was sent: one row a report, one delivery for each recipient and copy. A delivery sent again on
-- purpose is a further copy; the rows of the earlier ones stay as they were answered.

CREATE TABLE reports (
    collection_date  TEXT NOT NULL,
    subject          TEXT NOT NULL CHECK (subject IN ('report', 'open', 'failure')),
    planned_at       TEXT NOT NULL,
    -- Further days of the same run, which got no report of their own.
    also_dates       TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(also_dates)),
    -- The numbers as they were sent, by key.
    told             TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(told)),
    -- Numbers of earlier reports that had changed when this one was planned.
    corrections      TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(corrections)),
    -- Whom the query gave, whether or not there was something for them that day: they stand in when it fails.
    recipients       TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(recipients)),
    stale_recipients TEXT,
    bad_addresses    TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(bad_addresses)),
    -- Why there are no numbers.
    reason           TEXT,
    PRIMARY KEY (collection_date, subject)
) STRICT;

CREATE TABLE deliveries_of_reports (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_date TEXT    NOT NULL,
    subject         TEXT    NOT NULL CHECK (subject IN ('report', 'open', 'failure')),
    channel         TEXT    NOT NULL,
    recipient       TEXT    NOT NULL,
    -- One person, however the address is written; names of webhooks are told apart by their letters.
    addressee       TEXT    NOT NULL GENERATED ALWAYS AS
                            (CASE channel WHEN 'email' THEN lower(recipient) ELSE recipient END) VIRTUAL,
    copy            INTEGER NOT NULL DEFAULT 1 CHECK (copy >= 1),
    name            TEXT,
    language        TEXT    NOT NULL DEFAULT 'en',
    numbers         TEXT    NOT NULL DEFAULT 'ch',
    message_id      TEXT    NOT NULL,
    state           TEXT    NOT NULL DEFAULT 'planned'
                            CHECK (state IN ('planned', 'sending', 'accepted', 'failed', 'ambiguous')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    planned_at      TEXT    NOT NULL,
    claimed_at      TEXT,
    -- When it first left without an answer; whatever comes after, perhaps it arrived then.
    in_doubt_since  TEXT,
    -- A failure that passes is tried again at the next opportunity; one without it is final.
    retry_at        TEXT,
    accepted_at     TEXT,
    reply           TEXT,
    UNIQUE (collection_date, subject, channel, addressee, copy)
) STRICT;

INSERT INTO reports (collection_date, subject, planned_at, also_dates)
SELECT collection_date, subject, min(planned_at), min(also_dates)
FROM deliveries GROUP BY collection_date, subject;

INSERT INTO deliveries_of_reports (id, collection_date, subject, channel, recipient, copy, message_id, state,
    attempts, planned_at, claimed_at, in_doubt_since, retry_at, accepted_at, reply)
SELECT id, collection_date, subject, channel, recipient,
    row_number() OVER (PARTITION BY collection_date, subject, channel, lower(recipient) ORDER BY id),
    message_id, state, attempts, planned_at, claimed_at, CASE state WHEN 'ambiguous' THEN claimed_at END,
    retry_at, accepted_at, reply
FROM deliveries;

DROP TABLE deliveries;

ALTER TABLE deliveries_of_reports RENAME TO deliveries;

CREATE INDEX deliveries_state ON deliveries (state);
