#!/usr/bin/env python3
"""Contenders of the recorder that are not written in Rust, each with a durable transaction a batch: rows of a SQLite table, a
prepared statement a row, and DuckDB's appender from Arrow. Needs duckdb, numpy and pyarrow.

  contenders.py [SECONDS]
  contenders.py TASKS.csv     # the questions of `cargo bench --bench live -- questions` instead
"""
import os
import sqlite3
import sys
import tempfile
import time

import duckdb
import numpy as np
import pyarrow as pa

TABLE = "CREATE TABLE tasks (moment {time}, task_id VARCHAR, agent_id VARCHAR, duration BIGINT, tokens BIGINT, ok BOOLEAN)"
INDEXES = ["CREATE INDEX tasks_by_id ON tasks (moment, task_id)", "CREATE INDEX tasks_by_agent ON tasks (moment, agent_id)"]


def batch(first, size, rng):
    number = np.arange(first, first + size)
    rank = np.minimum(rng.zipf(1.3, size), 50) - 1
    now = np.full(size, np.datetime64(time.time_ns() // 1000, "us")) + number.astype("timedelta64[us]")
    return pa.table({
        "at": now,
        "task_id": [f"task_{at:09}" for at in number],
        "agent_id": [f"agent_{at:02}" for at in rank],
        "duration": rng.lognormal(6.5, 0.9, size).astype(np.int64) + 1,
        "tokens": rng.poisson(700, size),
        "ok": rng.random(size) < 0.96,
    })


def measured(size, seconds, write):
    """Rows a second; making them does not count."""
    rng, rows, spent = np.random.default_rng(1), 0, 0.0
    while spent < seconds:
        points = batch(rows, size, rng)
        spent += write(points)
        rows += size
    return rows / spent


def sqlite(folder, size, seconds):
    connection = sqlite3.connect(os.path.join(folder, "tasks.db"), isolation_level=None)
    for statement in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", TABLE.format(time="INTEGER"), *INDEXES]:
        connection.execute(statement)

    def write(points):
        columns = [points.column(name).to_pylist() for name in points.column_names[1:]]
        rows = list(zip(points.column("at").cast(pa.int64()).to_pylist(), *columns))
        begun = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
        return time.perf_counter() - begun

    return measured(size, seconds, write)


def appended(folder, size, seconds, indexes):
    connection = duckdb.connect(os.path.join(folder, f"tasks{len(indexes)}.duckdb"))
    for statement in ["SET threads = 1", TABLE.format(time="TIMESTAMP"), *indexes]:
        connection.execute(statement)

    def write(points):
        begun = time.perf_counter()
        connection.execute("INSERT INTO tasks SELECT * FROM points")
        return time.perf_counter() - begun

    return measured(size, seconds, write)


QUESTIONS = {
    "newest 100": "SELECT * FROM t ORDER BY ts_s DESC LIMIT 100",
    "one agent's newest page": "SELECT * FROM t WHERE agent_id = 'agent_07' ORDER BY ts_s DESC LIMIT 100",
    "one task": "SELECT * FROM t WHERE task_id = 'task_0500000'",
    "hourly average": "SELECT ts_s // 3600 h, avg(duration_ms), count(*) FROM t GROUP BY h ORDER BY h",
    "p95": "SELECT quantile_disc(duration_ms, 0.95) FROM t",
    "top agents": "SELECT agent_id, count(*), avg(duration_ms) a, avg(tokens), avg(success) FROM t GROUP BY 1 ORDER BY a LIMIT 10",
    "summary": "SELECT count(*), sum(success), avg(duration_ms), quantile_disc(duration_ms, [0.95, 0.99]), sum(tokens),"
    " count(DISTINCT agent_id) FROM t",
    "slowest 10": "SELECT * FROM t ORDER BY duration_ms DESC LIMIT 10",
}


def asked(path):
    """The task questions, answered by DuckDB in memory with one thread, medians of 21."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(f"CREATE TABLE t AS SELECT * FROM read_csv('{path}')")
    print("| question | DuckDB, median, ms |\n|---|--:|")
    for name, sql in QUESTIONS.items():
        times = []
        for _ in range(21):
            begun = time.perf_counter()
            connection.execute(sql).fetchall()
            times.append(1000 * (time.perf_counter() - begun))
        print(f"| {name} | {sorted(times)[10]:.2f} |")


def main():
    if len(sys.argv) > 1 and sys.argv[1].endswith(".csv"):
        return asked(sys.argv[1])
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    print("| what | rows a second |\n|---|--:|")
    for size in (1_000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            rates = {
                "SQLite, two indexes, a statement a row": sqlite(folder, size, seconds),
                "DuckDB, two indexes": appended(folder, size, seconds, INDEXES),
                "DuckDB, no index": appended(folder, size, seconds, []),
            }
        for words, rate in rates.items():
            print(f"| {words}, batches of {size} | {rate:.0f} |", flush=True)


if __name__ == "__main__":
    main()
