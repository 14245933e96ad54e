#!/usr/bin/env python3
"""What a well-known forecaster's 99.7 % interval finds in the days of `days.py`, for comparison (needs statsforecast).

  forecaster.py DIR [DIR …]

AutoETS with a season of a week, fitted anew every seven days on all days before; a value outside its interval alerts where the
plain threshold (10 % against 1, 7 or 30 days before, from a value of 20 and a change of 5 on) is reached too, as in Daybook.
"""
import csv
import datetime
import pathlib
import sys

import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoETS

JUDGED = 180


def main():
    mornings, found, planted, outages, days_by_kind = [], 0, 0, [0, 0], {}
    for folder in map(pathlib.Path, sys.argv[1:]):
        table = pd.read_csv(folder / "days.csv", parse_dates=["date"]).rename(
            columns={"date": "ds", "key": "unique_id", "value": "y"})
        incidents = {}
        for row in csv.DictReader(open(folder / "incidents.csv")):
            place = (row["date"], row["key"])
            if row["kind"] == "first" or place not in incidents:
                incidents[place] = (row["kind"], float(row["size"]))
        windows = JUDGED // 7 + 1
        told = StatsForecast([AutoETS(season_length=7)], freq="D", n_jobs=2).cross_validation(
            df=table, h=7, step_size=7, n_windows=windows, level=[99.7])
        values = {(str(ds.date()), key): y for ds, key, y in zip(table.ds, table.unique_id, table.y)}
        first = table.ds.max().date() - datetime.timedelta(JUDGED - 1)
        alerts = set()
        for row in told.itertuples():
            date = row.ds.date()
            low, high = row[told.columns.get_loc("AutoETS-lo-99.7") + 1], row[told.columns.get_loc("AutoETS-hi-99.7") + 1]
            if date < first or low <= row.y <= high:
                continue
            for span in (1, 7, 30):
                before = values[(str(date - datetime.timedelta(span)), row.unique_id)]
                change = row.y - before
                if (change > 0) != (row.y > high):
                    continue
                if row.unique_id.startswith("rate"):
                    reached = abs(change) >= 2 and abs(change) >= 0.1 * max(0.5, min(before, 100 - before))
                else:
                    reached = abs(before) >= 20 and abs(change) >= 5 and abs(change) >= 0.1 * abs(before)
                if reached:
                    alerts.add((str(date), row.unique_id))
        false = [place for place in alerts if place not in incidents]
        for _, key in false:
            kind = key.split("_")[0]
            days_by_kind[kind] = days_by_kind.get(kind, 0) + 1
        mornings.append(len({date for date, _ in false}))
        for place, (kind, size) in incidents.items():
            if kind == "first":
                planted += 1
                found += place in alerts
                if size == 0:
                    outages[1] += 1
                    outages[0] += place in alerts
    print(f"mornings of {JUDGED} with a false alert: {sum(mornings) / len(mornings):.1f} {mornings}")
    print(f"incidents found on their first day: {found} of {planted} ({100 * found / planted:.1f} %)")
    print(f"outages among them: {outages[0]} of {outages[1]}")
    print("false metric-days:", dict(sorted(days_by_kind.items())))


if __name__ == "__main__":
    main()
