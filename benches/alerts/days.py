#!/usr/bin/env python3
"""Writes daily series with known incidents, to measure how often alert rules cry wolf and what they catch (needs numpy).

  days.py --out DIR [--seed 1] [--days 500] [--last 2026-11-28]
      DIR/days.csv        date,key,value: 60 metrics, as `daybook import` takes them
      DIR/incidents.csv   date,key,kind,size: what was planted in the last 180 days (everything else is ordinary);
                          kind: first (the first day of an incident), goes on, slide (1 % a day), level (0.75 x for good)

Kinds of metric: small (Poisson, 4 to 40 a day), steady (weekday rhythm, 5 % noise), busy (weekday rhythm, 12 % noise, a yearly
swing), bursty (heavy-tailed noise, as page views have), total (grows, never falls), rate (per cent, some near 100), refund (sums
of money that change their sign).
"""
import argparse
import datetime
import pathlib

import numpy as np


def series(kind, rng, days, first):
    t = np.arange(days)
    weekday = (np.array([(first + datetime.timedelta(int(i))).weekday() for i in t]))
    rhythm = 1 + rng.uniform(0.05, 0.45) * np.where(weekday >= 5, -1, rng.uniform(0.1, 0.5, 7)[weekday])
    growth = np.exp(rng.uniform(-0.2, 0.9) * t / 365)
    swing = 1 + 0.2 * np.sin(2 * np.pi * (t / 365 + rng.random()))
    if kind == "small":
        return rng.poisson(rng.uniform(4, 40) * rhythm), 0
    if kind == "steady":
        return np.round(rng.uniform(300, 30_000) * rhythm * growth * rng.lognormal(0, 0.05, days)), 0
    if kind == "busy":
        return np.round(rng.uniform(100, 5_000) * rhythm * growth * swing * rng.lognormal(0, 0.12, days)), 0
    if kind == "bursty":
        noise = rng.lognormal(0, 0.25, days) * np.where(rng.random(days) < 0.02, rng.uniform(1.5, 4, days), 1)
        return np.round(rng.uniform(200, 9_000) * rhythm * noise), 0
    if kind == "total":
        return np.round(rng.uniform(5_000, 90_000) + np.cumsum(rng.poisson(rng.uniform(5, 200) * rhythm))), 0
    if kind == "refund":
        return np.round(rng.normal(rng.uniform(-300, 600), 800, days), 2), 2
    return np.round(np.clip(rng.uniform(20, 99.6) + rng.normal(0, 0.4, days), 0, 100), 2), 2


COUNTS = {"small": 10, "steady": 10, "busy": 10, "bursty": 10, "total": 8, "rate": 7, "refund": 5}


def planted(kind, number, rng, days, values):
    """(first day, length, kind, size) of what happens to a metric; sizes of rate and refund are added, others multiply."""
    at = lambda: int(rng.integers(days - 170, days - 3))
    if kind in ("steady", "busy") and number == 8:
        return [(days - int(rng.integers(70, 120)), 45, "slide", 0.99)]
    if kind in ("steady", "busy") and number == 9:
        start = days - int(rng.integers(40, 100))
        return [(start, days - start, "level", 0.75)]
    if kind in ("steady", "busy"):
        return [(at(), int(rng.choice([1, 1, 1, 4])), "first", float(rng.choice([0.0, 0.5, 0.7, 1.5, 2.0]))) for _ in range(3)]
    if kind in ("small", "bursty") and number < 3 and np.median(values) >= 12:
        return [(at(), 3, "first", 0.0)]
    if kind == "rate" and number < 4:
        return [(at(), 1, "first", -6.5)]
    if kind == "refund" and number < 3:
        return [(at(), 1, "first", -7000.0)]
    return []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=500)
    parser.add_argument("--last", type=datetime.date.fromisoformat, default=datetime.date(2026, 11, 28))
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    first = args.last - datetime.timedelta(args.days - 1)
    args.out.mkdir(parents=True, exist_ok=True)
    incidents = []
    with open(args.out / "days.csv", "w") as out:
        print("date,key,value", file=out)
        for kind, count in COUNTS.items():
            for number in range(count):
                key, (values, decimals) = f"{kind}_{number}", series(kind, rng, args.days, first)
                values = values.astype(float)
                for at, length, what, size in planted(kind, number, rng, args.days, values):
                    for i in range(at, min(at + length, args.days)):
                        share = size ** (i - at + 1) if what == "slide" else size
                        values[i] = values[i] + size if kind in ("rate", "refund") else values[i] * share
                        incidents.append((first + datetime.timedelta(i), key, "goes on" if what == "first" and i > at else what, size))
                    if what == "slide":
                        values[at + length:] *= size ** length
                values = np.round(np.clip(values, 0, 100) if kind == "rate" else values, decimals)
                for i, value in enumerate(values):
                    print(first + datetime.timedelta(i), key, f"{value:.{decimals}f}", sep=",", file=out)
    with open(args.out / "incidents.csv", "w") as out:
        print("date,key,kind,size", file=out)
        for row in sorted(incidents):
            print(*row, sep=",", file=out)


if __name__ == "__main__":
    main()
