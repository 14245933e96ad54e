// Sends live events to Daybook and asks about them: in Node.js 18 or newer, Deno, Bun, and workers. Not from web pages: the server refuses those.
//
//     const events = new Events("http://127.0.0.1:8321");
//     await events.send({ kind: "checkout", labels: { shop: "zh" }, values: { amount: 19.95 } });
//     await events.span("checkout", { shop: "zh" }, async (span) => { span.values.amount = await chargeTheCard(); });
//     (await events.ask("checkout/summary", { last: "24h", "label.shop": "zh" })).count;

const ATTEMPTS = 5;
const crypto = globalThis.crypto ?? (await import("node:crypto"));
const environment = globalThis.process?.env ?? {};

export class Events {
  constructor(server, token) {
    this.server = server ?? environment.DAYBOOK_URL ?? "http://127.0.0.1:8321";
    this.token = token ?? environment.DAYBOOK_TOKEN;
  }

  /** Resolves when the events are on disk. Repeats are harmless: the batch has a key. */
  send(...events) {
    const lines = events.map((event) => JSON.stringify(event) + "\n").join("");
    return this.#post("/api/events", lines, {
      "Content-Type": "application/x-ndjson",
      "Idempotency-Key": crypto.randomUUID(),
    });
  }

  /** Measures the work; an exception makes it fail, and goes on. */
  async span(kind, labels, work) {
    const id = crypto.randomUUID();
    await this.#json("/api/spans", { kind, id, labels });
    const end = { labels: {}, values: {} };
    try {
      return await work(end);
    } catch (error) {
      end.error = String(error?.message ?? error);
      throw error;
    } finally {
      await this.#json(`/api/spans/${id}/end`, end);
    }
  }

  /** The answer to a question such as `checkout/summary`; the token must be one that may read. */
  ask(question, parameters = {}) {
    const pairs = Object.entries(parameters).flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
    return this.#request("GET", `/api/live/${question}?${new URLSearchParams(pairs)}`);
  }

  #json(path, body) {
    return this.#post(path, JSON.stringify(body), { "Content-Type": "application/json" });
  }

  #post(path, body, headers) {
    return this.#request("POST", path, body, headers);
  }

  async #request(method, path, body, headers = {}) {
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await fetch(this.server + path, { method, body, headers, signal: AbortSignal.timeout(30_000) });
        if (answer.ok) return await answer.json();
        const said = await answer.text();
        if (![429, 503].includes(answer.status)) throw Object.assign(new Error(`${path}: ${answer.status} ${said}`), { isFinal: true });
        if (attempt === ATTEMPTS) throw new Error(`${path}: ${answer.status} ${said}`);
        await sleep(Number(answer.headers.get("Retry-After") ?? 1));
      } catch (error) {
        if (error.isFinal || attempt === ATTEMPTS) throw error;
        await sleep(1);
      }
    }
  }
}

const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

if (import.meta.url === `file://${globalThis.process?.argv[1]}`) {
  const events = new Events();
  const orders = Array.from({ length: 100 }, (_, order) => ({ kind: "checkout", labels: { shop: "zh", order } }));
  console.log(await events.send(...orders));
  await events.span("checkout", { shop: "be" }, async (span) => {
    await sleep(0.1);
    span.values.amount = 12.5;
  });
  await events
    .span("checkout", { shop: "be" }, async () => {
      throw new Error("card refused");
    })
    .catch((error) => console.log(`failed: ${error.message}`));
  const answer = await events.ask("checkout/aggregate", { by: "shop", figure: ["count", "sum of amount"], last: "1h" });
  for (const row of answer.rows) console.log(`${row.labels.shop}: ${row.count} checkouts, ${row["sum of amount"]} CHF`);
}
