-- Nothing here is undone when a statement fails, so every one of them may be run again. Names in double quotes
-- and `||` as in the other engines; instants are UTC.

-- One row: who writes increments the revision first, so that writers wait for one another and readers see
-- that something changed.
CREATE TABLE IF NOT EXISTS book_state (
    only_row tinyint     NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    made_at  datetime(6) NOT NULL DEFAULT current_timestamp(6),
    revision bigint      NOT NULL DEFAULT 0,
    -- The columns of the view daily_metrics_columns as they were last made.
    columns  longtext    NOT NULL DEFAULT ('')
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO book_state (only_row) VALUES (1);

CREATE TABLE IF NOT EXISTS daily_metrics (
    collection_date        date        NOT NULL PRIMARY KEY,
    collected_at           datetime(6) NOT NULL,
    as_of                  datetime(6) NOT NULL,
    partial                boolean     NOT NULL,
    time_zone              varchar(64) NOT NULL,
    day_start              datetime(6) NOT NULL,
    day_end                datetime(6) NOT NULL,
    collection_duration_ms bigint      NOT NULL,
    catalog_hash           varchar(64) NOT NULL,
    -- Text, since the type `json` writes decimals and the order of keys anew.
    metrics                longtext    NOT NULL CHECK (json_valid(metrics)),
    provenance             longtext    NOT NULL DEFAULT ('{}') CHECK (json_valid(provenance)),
    revision               bigint      NOT NULL DEFAULT 1
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS metric_columns (
    position bigint      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    "key"    varchar(64) NOT NULL UNIQUE,
    kind     varchar(16) NOT NULL CHECK (kind IN ('whole', 'real', 'parts', 'mixed'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS runs (
    id          bigint      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    started_at  datetime(6) NOT NULL,
    ended_at    datetime(6),
    command     varchar(64) NOT NULL,
    outcome     varchar(16) NOT NULL DEFAULT 'running',
    first_date  date,
    last_date   date,
    days        bigint      NOT NULL DEFAULT 0,
    error       longtext,
    duration_ms bigint,
    -- How long each stage took; null where it was not reached.
    collect_ms  bigint,
    store_ms    bigint,
    deliver_ms  bigint,
    prune_ms    bigint,
    INDEX runs_started_at (started_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS run_statements (
    run_id      bigint   NOT NULL,
    position    bigint   NOT NULL,
    "database"  longtext NOT NULL,
    what        longtext NOT NULL,
    duration_ms bigint   NOT NULL,
    "rows"      bigint   NOT NULL,
    error       longtext,
    PRIMARY KEY (run_id, position),
    FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What was sent: one row a report, one delivery for each recipient and copy. A delivery sent again on
-- purpose is a further copy; the rows of the earlier ones stay as they were answered.
CREATE TABLE IF NOT EXISTS reports (
    collection_date  date        NOT NULL,
    subject          varchar(16) NOT NULL CHECK (subject IN ('report', 'open', 'failure')),
    planned_at       datetime(6) NOT NULL,
    -- Further days of the same run, which got no report of their own.
    also_dates       longtext    NOT NULL DEFAULT ('[]') CHECK (json_valid(also_dates)),
    -- The numbers as they were sent, by key.
    told             longtext    NOT NULL DEFAULT ('{}') CHECK (json_valid(told)),
    -- Numbers of earlier reports that had changed when this one was planned.
    corrections      longtext    NOT NULL DEFAULT ('[]') CHECK (json_valid(corrections)),
    -- Whom the query gave, whether or not there was something for them that day: they stand in when it fails.
    recipients       longtext    NOT NULL DEFAULT ('[]') CHECK (json_valid(recipients)),
    stale_recipients longtext,
    bad_addresses    longtext    NOT NULL DEFAULT ('[]') CHECK (json_valid(bad_addresses)),
    -- Why there are no numbers.
    reason           longtext,
    PRIMARY KEY (collection_date, subject)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS deliveries (
    id              bigint       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    collection_date date         NOT NULL,
    subject         varchar(16)  NOT NULL CHECK (subject IN ('report', 'open', 'failure')),
    channel         varchar(16)  NOT NULL,
    recipient       varchar(500) NOT NULL,
    -- One person, however the address is written; names of webhooks are told apart by their letters.
    addressee       varchar(500) GENERATED ALWAYS AS
                        (CASE channel WHEN 'email' THEN lower(recipient) ELSE recipient END) STORED,
    copy            bigint       NOT NULL DEFAULT 1 CHECK (copy >= 1),
    name            longtext,
    language        varchar(16)  NOT NULL DEFAULT 'en',
    numbers         varchar(16)  NOT NULL DEFAULT 'ch',
    message_id      longtext     NOT NULL,
    state           varchar(16)  NOT NULL DEFAULT 'planned'
                        CHECK (state IN ('planned', 'sending', 'accepted', 'failed', 'ambiguous')),
    attempts        bigint       NOT NULL DEFAULT 0,
    planned_at      datetime(6)  NOT NULL,
    claimed_at      datetime(6),
    -- When it first left without an answer; whatever comes after, perhaps it arrived then.
    in_doubt_since  datetime(6),
    -- A failure that passes is tried again at the next opportunity; one without it is final.
    retry_at        datetime(6),
    accepted_at     datetime(6),
    reply           longtext,
    UNIQUE (collection_date, subject, channel, addressee, copy),
    INDEX deliveries_state (state)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS mutes (
    id         bigint      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    "key"      varchar(64) NOT NULL,
    muted_at   datetime(6) NOT NULL,
    until_date date        NOT NULL,
    because    longtext    NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
