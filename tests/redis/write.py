"""Events as the original systems write them: `write.py PORT DATABASE documented|later|hosts`, a line of JSON for each on
standard input; `write.py PORT DATABASE compact` reads compact histories. The answer is a line of JSON."""
import json
import sys
from datetime import datetime, timezone

import compact
from bot import Bot
from hosts import Hosts
from resp import Redis

KEPT = ("is_nsfw category score reason threshold summary_categories flagged_any max_similarity max_category high_accuracy "
        "clip_threshold similarity video_frames_scanned video_frames_target video_frames_media_total").split()


def whole(value):
    try:
        return None if isinstance(value, bool) or value is None else int(value)
    except (TypeError, ValueError):
        return None


def moment(text):
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)


def normalised(line, later):
    """What `log_media_scan` makes of a scan, without what Daybook does not keep."""
    result = line.get("scan_result") or {}
    flagged = bool(result.get("is_nsfw"))
    categories = result.get("summary_categories")
    flags = int(flagged)
    if isinstance(categories, dict):
        flags = sum(1 for score in categories.values() if isinstance(score, (int, float)) and score >= 0.5)
    kept = {name: result[name] for name in KEPT if name in result}
    if isinstance(categories, dict):
        scores = [(name, float(score)) for name, score in categories.items() if isinstance(score, (int, float))]
        top = sorted(scores, key=lambda pair: -pair[1])[:5]
        if top:
            kept["top_summary_categories"] = [{"category": name, "score": score} for name, score in top]
    frames = [whole(result.get(f"video_frames_{name}")) for name in ("scanned", "target", "media_total")]
    frames = tuple(number if number is not None and number >= 0 else None for number in frames)
    size, duration = whole(line.get("file_size")) or None, whole(line.get("scan_duration_ms"))
    duration = duration if duration is None else max(duration, 0)
    accelerated = line.get("accelerated") if isinstance(line.get("accelerated"), bool) else None
    details = {name: line[name] for name in ("scanner", "source") if line.get(name)}
    if accelerated is not None:
        details["accelerated"] = accelerated
    details["flags_count"] = flags
    if kept:
        details["scan"] = kept
    status = (line.get("status") or "").strip()[:32] or "scan_complete"
    guild = int(line["guild_id"] or 0)
    if later:
        names = ("bytes", "duration_ms", "frames_scanned", "frames_target", "frames_media_total")
        workload = {name: number for name, number in zip(names, (size, duration, *frames)) if number is not None}
        if workload:
            details["workload"] = workload
    else:
        details["file"] = {"name": None, "mime": None, "size_bytes": size}
        for name in ("scanner", "source", "channel_id", "user_id", "message_id", "context"):
            details.setdefault(name, None)
        # The sanitised details of the documented form always say it.
        details |= {"status": status, "was_flagged": flagged}
        details.setdefault("accelerated", None)
    return {
        "occurred_at": moment(line["occurred_at"]), "guild_id": guild or None,
        "content_type": line.get("content_type"), "status": status, "was_flagged": flagged, "flags_count": flags,
        "file_size": size, "scan_duration_ms": duration, "frames": frames, "accelerated": accelerated, "reference": None,
        "details": details}


def write_scans(redis, lines, later):
    scans = [normalised(line, later) for line in lines]
    bot = Bot(redis, later=later, saturate=True)
    for scan in sorted(scans, key=lambda scan: scan["occurred_at"]):
        bot.write(scan)
    sums = {"total_bytes": [scan["file_size"] or 0 for scan in scans],
            "total_duration_ms": [scan["scan_duration_ms"] or 0 for scan in scans]}
    if later:
        sums["total_bytes_sq"] = [size * size for size in sums["total_bytes"]]
        sums["total_duration_sq_ms"] = [duration * duration for duration in sums["total_duration_ms"]]
    return {name: str(sum(numbers)) for name, numbers in sums.items()}


def sample(line):
    values = {name: int(number) if number == int(number) else number for name, number in line["values"].items()}
    group = lambda name: {"total": values[f"{name}_total"], "used": values[f"{name}_used"], "free": values[f"{name}_free"],
                          "usagePercent": values[name]}
    told = {"hostId": line["labels"]["host"], "timestamp": int(moment(line["at"]).timestamp() * 1000 + 0.5),
            "cpu": {"usage": values["cpu"], "cores": values["cores"],
                    "loadAvg": [values["load1"], values["load5"], values["load15"]]},
            "memory": group("memory"), "disk": group("disk")}
    if "bytes_in" in values:
        told["network"] = {"bytesIn": values["bytes_in"], "bytesOut": values["bytes_out"],
                           "packetsIn": values["packets_in"], "packetsOut": values["packets_out"]}
    return told


def write_hosts(redis, lines):
    hosts = Hosts(redis)
    for one in sorted(map(sample, lines), key=lambda one: one["timestamp"]):
        hosts.store(one["hostId"], one)
    return None


def read_compact(redis):
    """[host, instant, numbers by their fields] of all samples."""
    found = []
    for key in redis("KEYS", "metrics:compact:*"):
        host, day = key.decode().removeprefix("metrics:compact:").rsplit(":", 1)
        data = b"".join(redis("LRANGE", key, 0, -1))
        for at, numbers in compact.read(int(day) * compact.DAY, data):
            found.append([host, at, {name: number for name, number in zip(compact.FIELDS, numbers) if number is not None}])
    return found


def main():
    redis, what = Redis(int(sys.argv[1]), db=int(sys.argv[2])), sys.argv[3]
    lines = [json.loads(line) for line in sys.stdin]
    if what == "compact":
        answer = read_compact(redis)
    elif what == "hosts":
        answer = write_hosts(redis, lines)
    else:
        answer = write_scans(redis, lines, later=what == "later")
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
