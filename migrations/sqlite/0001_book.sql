-- Instants are RFC 3339 in UTC with microseconds, days are YYYY-MM-DD.

CREATE TABLE daily_metrics (
    collection_date        TEXT    NOT NULL PRIMARY KEY,
    collected_at           TEXT    NOT NULL,
    as_of                  TEXT    NOT NULL,
    partial                INTEGER NOT NULL CHECK (partial IN (0, 1)),
    time_zone              TEXT    NOT NULL,
    day_start              TEXT    NOT NULL,
    day_end                TEXT    NOT NULL,
    collection_duration_ms INTEGER NOT NULL,
    catalog_hash           TEXT    NOT NULL,
    metrics                TEXT    NOT NULL CHECK (json_valid(metrics)),
    provenance             TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(provenance)),
    revision               INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE metric_columns (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    key      TEXT    NOT NULL UNIQUE,
    kind     TEXT    NOT NULL CHECK (kind IN ('whole', 'real', 'parts', 'mixed'))
) STRICT;

CREATE TABLE runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at  TEXT    NOT NULL,
    ended_at    TEXT,
    command     TEXT    NOT NULL,
    outcome     TEXT    NOT NULL DEFAULT 'running',
    first_date  TEXT,
    last_date   TEXT,
    days        INTEGER NOT NULL DEFAULT 0,
    error       TEXT,
    duration_ms INTEGER
) STRICT;

CREATE INDEX runs_started_at ON runs (started_at);

CREATE TABLE run_statements (
    run_id      INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    database    TEXT    NOT NULL,
    what        TEXT    NOT NULL,
    duration_ms INTEGER NOT NULL,
    rows        INTEGER NOT NULL,
    error       TEXT,
    PRIMARY KEY (run_id, position)
) STRICT;

-- One row per message and recipient; `also_dates` are the further days that the message names.
CREATE TABLE deliveries (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_date TEXT    NOT NULL,
    subject         TEXT    NOT NULL CHECK (subject IN ('report', 'failure')),
    channel         TEXT    NOT NULL,
    recipient       TEXT    NOT NULL,
    message_id      TEXT    NOT NULL,
    also_dates      TEXT    NOT NULL DEFAULT '[]' CHECK (json_valid(also_dates)),
    state           TEXT    NOT NULL DEFAULT 'planned'
                            CHECK (state IN ('planned', 'sending', 'accepted', 'failed', 'ambiguous')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    planned_at      TEXT    NOT NULL,
    claimed_at      TEXT,
    retry_at        TEXT,
    accepted_at     TEXT,
    reply           TEXT,
    UNIQUE (collection_date, subject, channel, recipient)
) STRICT;

CREATE TABLE mutes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT NOT NULL,
    muted_at   TEXT NOT NULL,
    until_date TEXT NOT NULL,
    because    TEXT NOT NULL
) STRICT;
