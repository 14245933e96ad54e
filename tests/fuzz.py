"""Sends a real server requests that its OpenAPI document allows, and others: `make fuzz`.

    python tests/fuzz.py PROGRAM EXAMPLES

The first round takes the document as it is. In the second one kinds, labels, values and times are drawn from those that the server knows, so
that requests come further than to a name that nothing has.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

TOKEN = "the token of the fuzzer"
KINDS = ["checkout", "stage", "task", "host", "filter", "session", "scan"]
# A name that nobody declared is refused, though the document allows any; wrong tokens are counted, which slows the server down.
LEFT_OUT = "positive_data_acceptance,ignored_auth"
# What the second round narrows, the server still takes.
NARROWED = LEFT_OUT + ",negative_data_rejection"


# An address that is too long is refused with 414.
CHECKS = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 421, 429]
"""


def settings():
    example = Path(__file__).parent.parent / "examples/live/daybook.toml"
    presets = 'presets = ["bot", "agents", "hosts", "moderation"]'
    return example.read_text().replace('presets = ["bot"]', presets) + "\n[live.tokens.fuzz]\nmay = \"admin\"\n"


def start(program, folder):
    Path(folder, "daybook.toml").write_text(settings())
    environment = {"DAYBOOK_LIVE_TOKEN_FUZZ": TOKEN, "PATH": os.environ["PATH"]}
    log = Path(folder, "log")
    words = [program, "serve", "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(words, cwd=folder, env=environment, stderr=log.open("w"))
    for _ in range(600):
        if "http://" in log.read_text():
            return server, log, "http://" + log.read_text().split("http://")[1].split("/sys")[0]
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    sys.exit(f"the server did not start: {log.read_text()}")


def either(*known, pattern=None):
    """One of these words or of this pattern, or any text."""
    patterns = [{"type": "string", "pattern": pattern}] if pattern else []
    return {"anyOf": [{"enum": list(known)}, *patterns, {"type": "string"}]}


def of_events(document):
    """Without the records of other systems, whose fields the document leaves to them."""
    parameters = document["paths"]["/api/events"]["post"]["parameters"]
    next(one for one in parameters if one.get("name") == "format")["schema"]["enum"] = ["events"]
    return document


def narrowed(document):
    times = either("2h", "2026-11-20", "2026-11-20T11:00:00Z", pattern="^[0-9]{1,20}[smhd]$")
    names = {
        "kind": {"enum": [*KINDS, "checkout,task"]},
        "from": times,
        "to": times,
        "by": either("shop", "order", "shop,order", "agent_id", "stage"),
        "value": either("duration", "amount"),
    }
    figures = either("count", "success_pct", "sum of amount", "last of duration", pattern="^p[0-9.]{1,9} of duration$")
    for operations in document["paths"].values():
        for parameter in (one for operation in operations.values() for one in operation.get("parameters", [])):
            name = parameter.get("name")
            parameter["schema"] = names.get(name, parameter.get("schema"))
            if name == "figure":
                parameter["schema"]["items"] = figures
    for name in ["OrgId", "Organization"]:
        document["components"]["parameters"][name]["schema"] = {"enum": ["acme"]}
    schemas = document["components"]["schemas"]
    for name in ["Heartbeat", "GoHeartbeat"]:
        schemas[name]["properties"]["hostId"] = either("web-1")
    schemas["GoHeartbeat"]["properties"]["organizationSlug"] = {"enum": ["acme"]}
    text = {"type": ["string", "integer", "boolean", "null"]}
    labels = {name: text for name in ["order", "session_id", "task_id", "agent_id", "host", "user_id"]}
    labels |= {"shop": {"enum": ["zh", "be"]}, "stage": {"enum": ["ai_processing"]}, "reason": {"enum": ["none"]}}
    values = ["duration", "amount", "tokens_used", "cpu", "message_length"]
    for name in ["Event", "SpanBegin"]:
        fields = schemas[name]["properties"]
        fields["kind"] = {"enum": KINDS}
        fields["labels"] = {"type": "object", "properties": labels, "additionalProperties": False}
        numbers = {value: {"type": ["number", "null"]} for value in values}
        fields["values"] = {"type": "object", "properties": numbers, "additionalProperties": False}
    target = schemas["Panel"]["properties"]["targets"]["items"]["properties"]
    target["target"] = {"enum": KINDS}
    figure = {"figure": {"enum": ["count", "p95 of duration"]}, "by": {"enum": ["shop", "agent_id"]}, "ok": {}}
    target["payload"] = {"type": "object", "properties": figure}
    return document


def fuzz(document, address, checks_left_out, examples, folder):
    command = [
        Path(sys.executable).parent / "schemathesis", "run", document, "--url", address, "--header", f"Authorization: Bearer {TOKEN}",
        "--checks", "all", "--exclude-checks", checks_left_out, "--max-examples", examples, "--seed", "1", "--continue-on-failure",
    ]  # fmt: skip
    return subprocess.run(command, cwd=folder).returncode


def main(program, examples):
    with tempfile.TemporaryDirectory() as folder:
        server, log, address = start(os.path.abspath(program), folder)
        try:
            whole, narrow = Path(folder, "openapi.json"), Path(folder, "narrowed.json")
            with urllib.request.urlopen(address + "/api/openapi.json") as answer:
                document = of_events(json.load(answer))
            whole.write_text(json.dumps(document))
            narrow.write_text(json.dumps(narrowed(document)))
            Path(folder, "schemathesis.toml").write_text(CHECKS)
            failed = fuzz(whole, address, LEFT_OUT, examples, folder)
            failed |= fuzz(narrow, address, NARROWED, examples, folder)
            if server.poll() is not None or "panicked" in log.read_text():
                sys.exit(f"the server fell: {log.read_text()}")
        finally:
            server.terminate()
            server.wait()
    sys.exit(failed)


main(*sys.argv[1:])
