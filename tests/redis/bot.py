"""The moderation bot's layout as `live-layouts.md` 1A tells it: a writer, one command after another, and its reads.

`later=False` is the documented form, `later=True` the later one. Knows nothing of Daybook's scripts.
"""
import json
import math
import re
from datetime import date, datetime, timezone
from urllib.parse import quote, unquote

from resp import RedisError

MOST = 2**63 - 1
EPOCH = 719163


class Bot:
    def __init__(self, redis, prefix="moderator:metrics", stream="moderator:metrics", maxlen=None, approx=True,
                 later=False, saturate=False):
        self.redis, self.prefix, self.stream = redis, prefix, stream
        self.maxlen, self.approx, self.later, self.saturate = maxlen, approx, later, saturate
        self.updated = "2024-06-01T00:00:00+00:00"
        self.commands = []

    # -- writing: 1A.2 to 1A.4 --

    def run(self, *parts):
        self.redis(*parts)

    def add(self, key, field, count):
        try:
            self.redis("HINCRBY", key, field, count)
        except RedisError as error:
            # The bot gives up here (A1). What Daybook promises instead: the field stays at the most.
            if not self.saturate or not re.search("overflow|out of range", str(error)):
                raise
            self.redis("HSET", key, field, MOST)

    def write(self, scan):
        guild = int(scan["guild_id"]) if scan["guild_id"] else 0
        at = scan["occurred_at"]
        if at.tzinfo is None:
            at = at.replace(tzinfo=timezone.utc)
        at = at.astimezone(timezone.utc)
        day = at.date()
        content_type = scan["content_type"] or "unknown"
        ctype = quote(content_type, safe="")
        details = dict(scan["details"])
        details.setdefault("status", scan["status"])
        details.setdefault("was_flagged", scan["was_flagged"])
        details.setdefault("flags_count", scan["flags_count"])
        if isinstance(scan["accelerated"], bool):
            details.setdefault("accelerated", scan["accelerated"])
        details.setdefault("occurred_at", at.isoformat())
        if not self.later:
            details.setdefault("reference", scan["reference"])
        detail_json = json.dumps(details, ensure_ascii=False)
        event = {
            "occurred_at": at.isoformat(), "metric_date": day.isoformat(),
            "guild_id": guild if self.later else scan["guild_id"], "content_type": content_type,
            "status": scan["status"], "was_flagged": scan["was_flagged"], "flags_count": scan["flags_count"],
            "file_size": scan["file_size"], "scan_duration_ms": scan["scan_duration_ms"]}
        if not self.later:
            event["reference"] = scan["reference"]
        event["details"] = details
        if self.later:
            event |= {"accelerated": scan["accelerated"], "frames_scanned": scan["frames"][0],
                      "frames_target": scan["frames"][1], "frames_media_total": scan["frames"][2]}
        bound = []
        if self.maxlen:
            bound = ["MAXLEN", "~", self.maxlen] if self.approx else ["MAXLEN", self.maxlen]
        self.run("XADD", self.stream, *bound, "*", "event", json.dumps(event, ensure_ascii=False))
        guilds = [guild]
        if self.later and guild != 0:
            guilds.append(0)
        for token in guilds:
            rollup = f"{self.prefix}:rollup:{day.isoformat()}:{token}:{ctype}"
            if self.later:
                self.run("HSET", rollup, "metric_date", day.isoformat())
            self.hash(rollup, scan, at, detail_json)
            self.run("HINCRBY", f"{rollup}:status", scan["status"], 1)
            ordinal = float(day.toordinal())
            self.run("ZADD", f"{self.prefix}:rollups:index", ordinal, rollup)
            self.run("ZADD", f"{self.prefix}:rollups:index:guild:{token}", ordinal, rollup)
        self.hash(f"{self.prefix}:totals", scan, at, detail_json, is_totals=True)
        self.run("HINCRBY", f"{self.prefix}:totals:status", scan["status"], 1)

    def hash(self, key, scan, at, detail_json, is_totals=False):
        self.counters(key, "", scan)
        self.run("HSET", key, "last_status", scan["status"])
        if scan["was_flagged"]:
            fields = ["last_flagged_at", at.isoformat(), "last_details", detail_json]
            if not self.later:
                fields += ["last_reference", scan["reference"] or ""]
            self.run("HSET", key, *fields)
        elif scan["status"] != "scan_complete":
            self.run("HSET", key, "last_details", detail_json)
        if self.later or is_totals:
            self.run("HSET", key, "updated_at", self.updated)
        if self.later:
            bucket = {True: "accelerated", False: "non_accelerated"}.get(scan["accelerated"], "unknown_acceleration")
            self.counters(key, bucket + "_", scan)
            fields = [f"{bucket}_last_at", at.isoformat(), f"{bucket}_last_status", scan["status"],
                      f"{bucket}_last_details", detail_json]
            if scan["was_flagged"]:
                fields += [f"{bucket}_last_flagged_at", at.isoformat()]
            self.run("HSET", key, *fields)

    def counters(self, key, p, scan):
        self.add(key, p + "scans_count", 1)
        if scan["was_flagged"]:
            self.add(key, p + "flagged_count", 1)
            if scan["flags_count"] > 0:
                self.add(key, p + "flags_sum", scan["flags_count"])
        if scan["file_size"]:
            size = max(scan["file_size"], 0)
            self.add(key, p + "total_bytes", size)
            if self.later:
                self.add(key, p + "total_bytes_sq", size * size)
        if scan["scan_duration_ms"] is not None:
            duration = max(scan["scan_duration_ms"], 0)
            self.add(key, p + "total_duration_ms", duration)
            self.run("HSET", key, p + "last_duration_ms", duration)
            if self.later:
                self.add(key, p + "total_duration_sq_ms", duration * duration)
        else:
            self.run("HSET", key, p + "last_duration_ms", 0)
        if self.later:
            for name, frames in zip(("scanned", "target", "media"), scan["frames"]):
                if frames is not None:
                    self.add(key, f"{p}total_frames_{name}", frames)

    # -- reading: 1A.5 --

    def all(self, key):
        flat = self.redis("HGETALL", key)
        fields = {flat[at].decode(): flat[at + 1].decode() for at in range(0, len(flat), 2)}
        return fields

    def counted(self, key):
        fields, baseline = self.all(key), self.all(f"{key}:baseline") if self.later else {}
        for field, before in baseline.items():
            value = whole(fields, field)
            fields[field] = str(value - int(before)) if value - int(before) >= 0 else str(value)
        return fields

    def parse(self, key):
        parts = key.rsplit(":", 3)
        if len(parts) != 4 or not parts[0].endswith(":rollup") or not re.fullmatch(r"\d{4}-\d\d-\d\d", parts[1]):
            return None
        return date.fromisoformat(parts[1]), int(parts[2]) or None, unquote(parts[3])

    def candidates(self, guild, since, most):
        low = "-inf" if since is None else since.toordinal()
        limit = [] if most is None else ["LIMIT", 0, most]
        index = f"{self.prefix}:rollups:index"
        found = []
        if guild is not None:
            found = self.redis("ZREVRANGEBYSCORE", f"{index}:guild:{guild}", "+inf", low, *limit)
        elif self.later:
            found = self.redis("ZREVRANGEBYSCORE", f"{index}:guild:0", "+inf", low, *limit)
        if not found:
            found = self.redis("ZREVRANGEBYSCORE", index, "+inf", low, *limit)
        return [key.decode() for key in found]

    def rollups(self, guild=None, content_type=None, since=None, limit=30):
        rows = []
        for key in self.candidates(guild, since, max(limit * 5, 50)):
            parsed = self.parse(key)
            if not parsed or since and parsed[0] < since or content_type and parsed[2] != content_type:
                continue
            if guild is not None and (parsed[1] or 0) != guild:
                continue
            row = self.row(self.counted(key))
            row |= {"metric_date": parsed[0], "guild_id": parsed[1], "content_type": parsed[2],
                    "status_counts": {name: int(count) for name, count in self.all(f"{key}:status").items()}}
            rows.append(row)
            if len(rows) >= limit:
                break
        return rows

    def summary(self, guild=None, since=None):
        types = {}
        for key in self.candidates(guild, since, None):
            parsed = self.parse(key)
            if not parsed or guild is not None and (parsed[1] or 0) != guild:
                continue
            fields, sums = self.counted(key), types.setdefault(parsed[2], {"content_type": parsed[2]})
            for name, field in (("scans", "scans_count"), ("flagged", "flagged_count"), ("flags_sum", "flags_sum"),
                                ("bytes_total", "total_bytes"), ("duration_total_ms", "total_duration_ms")):
                sums[name] = sums.get(name, 0) + whole(fields, field)
        return sorted(types.values(), key=lambda sums: -sums["scans"])

    def totals(self):
        row = self.row(self.counted(f"{self.prefix}:totals"))
        status = self.all(f"{self.prefix}:totals:status")
        return row | {"status_counts": {name: int(count) for name, count in status.items()}}

    def row(self, fields):
        row = {name: whole(fields, name)
               for name in ("scans_count", "flagged_count", "flags_sum", "total_bytes", "total_duration_ms")}
        n = row["scans_count"]
        row["last_latency_ms"] = whole(fields, "last_duration_ms")
        row["average_latency_ms"] = row["total_duration_ms"] / n if n > 0 else 0
        row["last_status"] = fields.get("last_status")
        row["last_reference"] = fields.get("last_reference") or None
        row["last_flagged_at"] = fields.get("last_flagged_at") and datetime.fromisoformat(fields["last_flagged_at"])
        try:
            row["last_details"] = json.loads(fields.get("last_details", "{}"))
        except ValueError:
            row["last_details"] = {}
        if self.later:
            row |= self.derived(fields, "") | {"updated_at": fields.get("updated_at")}
            row["acceleration"] = {name: self.derived(fields, p + "_") for name, p in (
                ("accelerated", "accelerated"), ("non_accelerated", "non_accelerated"), ("unknown", "unknown_acceleration"))}
        return row

    def derived(self, fields, p):
        get = lambda name: whole(fields, p + name)
        n, size, duration = get("scans_count"), get("total_bytes"), get("total_duration_ms")
        scanned, target, media = (get(f"total_frames_{name}") for name in ("scanned", "target", "media"))
        whole_frames = media if media > 0 else target
        if whole_frames == 0 or whole_frames < scanned:
            whole_frames = scanned
        deviation = lambda total, squares: math.sqrt(max(squares / n - (total / n) ** 2, 0)) if n > 1 else 0
        return {
            "scans_count": n, "average_bytes": size / n if n > 0 else 0,
            "bytes_std_dev": deviation(size, get("total_bytes_sq")),
            "average_latency_ms": duration / n if n > 0 else 0,
            "latency_std_dev_ms": deviation(duration, get("total_duration_sq_ms")),
            "frames": (scanned, target, media), "average_frames_per_scan": scanned / n if n > 0 else 0,
            "average_latency_per_frame_ms": duration / scanned if scanned else duration / n if n else 0,
            "frames_per_second": scanned * 1000 / duration if duration > 0 else 0,
            "frame_coverage_rate": scanned / whole_frames if whole_frames else 0,
            "flagged_rate": get("flagged_count") / n if n else 0,
            "average_flags_per_scan": get("flags_sum") / n if n else 0}


def whole(fields, name):
    try:
        return int(fields.get(name, "0"))
    except ValueError:
        return 0
