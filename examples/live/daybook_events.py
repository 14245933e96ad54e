"""Sends live events to Daybook and asks about them, with the standard library only.

    events = Events("http://127.0.0.1:8321")
    events.send({"kind": "checkout", "labels": {"shop": "zh"}, "values": {"amount": 19.95}})
    with events.span("checkout", {"shop": "zh"}) as span:
        span["values"]["amount"] = charge_the_card()
    events.ask("checkout/summary", last="24h", **{"label.shop": "zh"})["count"]
"""

import gzip
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from contextlib import contextmanager

ATTEMPTS = 5


class Events:
    def __init__(self, server=None, token=None):
        self.server = server or os.environ.get("DAYBOOK_URL", "http://127.0.0.1:8321")
        self.token = token or os.environ.get("DAYBOOK_TOKEN")

    def send(self, *events):
        """Returns when the events are on disk. Repeats are harmless: the batch has a key."""
        lines = "".join(json.dumps(event, allow_nan=False) + "\n" for event in events)
        headers = {
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        return self._post("/api/events", gzip.compress(lines.encode()), headers)

    @contextmanager
    def span(self, kind, labels=None):
        """Measures the block; an exception makes it fail, and goes on."""
        span_id = str(uuid.uuid4())
        self._json("/api/spans", {"kind": kind, "id": span_id, "labels": labels or {}})
        end = {"labels": {}, "values": {}}
        try:
            yield end
        except BaseException as error:
            end["error"] = str(error) or type(error).__name__
            raise
        finally:
            self._json(f"/api/spans/{span_id}/end", end)

    def ask(self, question, **parameters):
        """The answer to a question such as `checkout/summary`; the token must be one that may read."""
        return self._request("GET", f"/api/live/{question}?{urllib.parse.urlencode(parameters, doseq=True)}")

    def _json(self, path, body):
        return self._post(path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _post(self, path, body, headers):
        return self._request("POST", path, body, headers)

    def _request(self, method, path, body=None, headers=None):
        headers = headers or {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        for attempt in range(ATTEMPTS):
            request = urllib.request.Request(self.server + path, body, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code not in (429, 503) or attempt + 1 == ATTEMPTS:
                    raise RuntimeError(f"{path}: {error.code} {error.read().decode()}") from error
                time.sleep(int(error.headers.get("Retry-After", 1)))
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if attempt + 1 == ATTEMPTS:
                    raise
                time.sleep(1)


if __name__ == "__main__":
    events = Events()
    print(events.send(*({"kind": "checkout", "labels": {"shop": "zh", "order": n}} for n in range(100))))
    with events.span("checkout", {"shop": "be"}) as span:
        time.sleep(0.1)
        span["values"]["amount"] = 12.5
    try:
        with events.span("checkout", {"shop": "be"}):
            raise ValueError("card refused")
    except ValueError as error:
        print(f"failed: {error}")
    answer = events.ask("checkout/aggregate", by="shop", figure=["count", "sum of amount"], last="1h")
    for row in answer["rows"]:
        print(f"{row['labels']['shop']}: {row['count']} checkouts, {row['sum of amount']} CHF")
