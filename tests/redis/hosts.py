"""The host monitor's layout as `live-layouts.md` 1B.4 tells it: a writer, one command after another, and its reads."""
import json


def as_json(sample):
    return json.dumps(sample, separators=(",", ":"), ensure_ascii=False)


class Hosts:
    def __init__(self, redis, retention_days=30):
        self.redis, self.lives = redis, retention_days * 86400

    def store(self, host, sample):
        text = as_json(sample)
        self.redis("SETEX", f"metrics:current:{host}", 3600, text)
        self.redis("ZADD", f"metrics:history:{host}", sample["timestamp"], text)
        self.redis("EXPIRE", f"metrics:history:{host}", self.lives)
        self.redis("SADD", "metrics:hosts", host)

    def latest(self, host):
        found = self.redis("GET", f"metrics:current:{host}")
        return found and json.loads(found)

    def all_latest(self):
        return {host.decode(): self.latest(host.decode()) for host in self.redis("SMEMBERS", "metrics:hosts")}

    def range(self, host, start, end, limit=1000):
        found = self.redis("ZRANGEBYSCORE", f"metrics:history:{host}", start, end, "LIMIT", 0, limit)
        return [json.loads(sample) for sample in found]

    def recent(self, host, count=100):
        """What the document says and the original does not do: the newest."""
        found = self.redis("ZRANGE", f"metrics:history:{host}", 0, count - 1, "REV")
        return [json.loads(sample) for sample in found]

    def count(self, host):
        return self.redis("ZCARD", f"metrics:history:{host}")

    def hosts(self):
        return self.redis("SCARD", "metrics:hosts")
