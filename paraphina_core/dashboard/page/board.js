// Shows what the session tells: one stream of events in, text and lines out. Nothing is decided here.

import { draw } from "./charts.js";

const MOST_POINTS = 900, MOST_LINES = 200, SILENT_MS = 5000, POINT_EVERY_MS = 1000;
const byId = (id) => document.getElementById(id);
const points = [];
let token = "", ended = false, heard = performance.now();

function element(name, text = "", kind = "") {
  const node = document.createElement(name);
  node.textContent = text;
  if (kind) node.className = kind;
  return node;
}

function row(cells, kind = "") {
  const node = element("tr", "", kind);
  node.append(...cells.map((cell) => (cell instanceof Node ? cell : element("td", cell))));
  return node;
}

const whole = (text) => (Number(text) === 0 ? "0" : String(Number(text)));
const MARKS = { good: "●", warn: "▲", bad: "■" };
const HEALTH = { healthy: "good", init: "warn", degraded: "warn" };
const marked = (level, text) => `${MARKS[level]} ${text}`;

function badge(level, text) {
  return element("span", marked(level, text), `badge ${level}`);
}

const receive = {
  introduction(told) {
    if (!told) return;
    byId("mode").textContent = `${told.mode} run ${told.run}, version ${told.version}`;
    byId("gates").replaceChildren(...told.gates.filter((gate) => gate.required).map((gate) => {
      const verdict = element("td");
      verdict.append(badge(gate.status === "pass" ? "good" : "bad", gate.status));
      return row([verdict, gate.id, gate.reason]);
    }));
    byId("stages").textContent = "Declared stages: "
      + Object.entries(told.stages).map(([name, stage]) => `${name} ${stage}`).join(", ");
  },
  past(told) {
    points.splice(0, points.length, ...told);
  },
  feed(told) {
    const list = byId("feed");
    for (const event of told) {
      const level = { info: "good", warning: "warn", critical: "bad" }[event.level];
      const line = element("li");
      const time = element("time", new Date(event.at_ms).toISOString().slice(11, 19));
      line.append(time, " ", badge(level, event.where), ` ${event.text}`);
      list.prepend(line);
    }
    while (list.childElementCount > MOST_LINES) list.lastElementChild.remove();
  },
  snapshot(told) {
    if (!told) return;
    heard = performance.now();
    const now = told.snapshot;
    remember(now);
    showSession(now);
    byId("venues").replaceChildren(...now.venues.map(venueCard));
    showOrders(now.venues);
    showLines();
  },
  ended(told) {
    ended = true;
    const state = byId("state");
    state.className = "badge bad";
    state.textContent = marked("bad", `the run is over: ${told.because}, exit code ${told.exit_code}`);
    byId("kill").disabled = true;
  },
};

function remember(now) {
  const at_ms = now.at_ns / 1e6;
  if (points.length && at_ms - points.at(-1).at_ms < POINT_EVERY_MS) return;
  const markets = now.venues.flatMap((venue) => venue.markets);
  const mid = (market) => (market.best_bid && market.best_ask ? (market.best_bid + market.best_ask) / 2 : null);
  points.push({
    at_ms,
    profit_usd: Number(now.profit_usd),
    positions: Object.fromEntries(markets.map((market) => [market.instrument, Number(market.position_base)])),
    mids: Object.fromEntries(markets.map((market) => [market.instrument, mid(market)])),
  });
  if (points.length > MOST_POINTS) points.shift();
}

function showSession(now) {
  const level = { active: "good", reducing: "warn", halted: "bad" }[now.state];
  const state = byId("state"), text = marked(level, now.state.toUpperCase() + (now.reason ? `: ${now.reason}` : ""));
  if (state.textContent !== text && !ended) {  // only a change is read out
    state.className = `badge ${level}`;
    state.textContent = text;
  }
  const totals = {
    "PnL": `${Number(now.profit_usd).toFixed(2)} USD`, "fills": now.fills, "placed": now.placed,
    "cancels": now.cancels, "frames": now.frames,
  };
  byId("totals").replaceChildren(...Object.entries(totals).map(([name, value]) => {
    const pair = element("div");
    pair.append(element("dt", name), element("dd", String(value)));
    return pair;
  }));
  const refused = Object.entries(now.refusals).map(([code, count]) => `${code} ${count}`);
  byId("refusals").textContent = `Orders refused: ${refused.join(", ") || "none"}`;
}

function venueCard(venue) {
  const usable = venue.markets.length > 0 && venue.markets.every((market) => !market.unusable);
  const health = HEALTH[venue.health] ?? "bad";
  const level = venue.state === "halted" ? "bad" : health === "good" && !(usable && venue.state === "active") ? "warn" : health;
  const card = element("article", "", `venue ${level === "good" ? "" : `${level}-edge`}`);
  card.dataset.connector = venue.connector;
  const head = element("p");
  head.append(badge(level, venue.health + (venue.reason ? `: ${venue.reason}` : "")));
  card.append(element("h3", venue.connector), head);
  if (venue.state !== "active") card.append(element("p", marked("bad", `trading is ${venue.state}: ${venue.state_reason}`), "bad"));
  const reasons = [...venue.notices];
  for (const one of venue.connections) {
    const again = one.next_attempt_s === null ? "" : `, again in ${one.next_attempt_s.toFixed(0)} s`;
    if (one.fault) reasons.push(`cannot reach ${one.where} for ${one.what}: ${one.fault}${again}`);
  }
  if (reasons.length) card.append(listOf(reasons));
  for (const market of venue.markets) card.append(...marketParts(market));
  return card;
}

function listOf(lines) {
  const list = element("ul");
  list.append(...lines.map((line) => element("li", line)));
  return list;
}

function marketParts(market) {
  const age = market.book_age_ms === null ? "no book yet" : `book ${market.book_age_ms.toFixed(0)} ms old`;
  const parts = [element("p", `${market.instrument}: ${age}, position ${whole(market.position_base)}, ${market.fills} fills`, "facts")];
  if (market.unusable) parts.push(element("p", marked("warn", `not quoted: ${market.unusable}`), "warn"));
  if (market.not_quoted.length) parts.push(listOf(market.not_quoted));
  const table = element("table", "", "ladder");
  table.setAttribute("aria-label", `book of ${market.instrument}`);
  const own = (side) => market.orders.filter((order) => order.side === side);
  table.append(
    ...ladderSide(market.asks, own("sell"), "ask").reverse(),
    ...ladderSide(market.bids, own("buy"), "bid"),
  );
  parts.push(table);
  return parts;
}

/** Rows of one side, best first: the levels, with our own orders at their place among them. */
function ladderSide(levels, orders, kind) {
  const rows = new Map(levels.map(([price, size]) => [price, { size: String(size), own: "" }]));
  for (const order of orders) {
    const price = Number(order.price);
    const found = rows.get(price) ?? { size: "", own: "" };
    found.own = `own ${whole(order.size)} ${order.state}`;
    rows.set(price, found);
  }
  const sign = kind === "ask" ? 1 : -1;
  return [...rows].sort((a, b) => sign * (a[0] - b[0])).map(([price, { size, own }]) =>
    row([kind, String(price), size, own], own ? `${kind} own` : kind));
}

function showOrders(venues) {
  const rows = venues.flatMap((venue) => venue.markets.flatMap((market) => market.orders.map((order) =>
    row([market.instrument, order.side, whole(order.price), whole(order.size), whole(order.filled_size), order.state],
      order.state === "unknown" ? "bad" : ""))));
  byId("orders").replaceChildren(...(rows.length ? rows : [row(["no order is open"])]));
}

function showLines() {
  const names = [...new Set(points.flatMap((point) => Object.keys(point.mids)))];
  const lines = (read) => Object.fromEntries(names.map((name) => [name, points.map((point) => [point.at_ms, read(point, name)])]));
  draw(byId("profit"), { "": points.map((point) => [point.at_ms, point.profit_usd]) });
  draw(byId("position"), lines((point, name) => point.positions[name] ?? null));
  draw(byId("mids"), lines((point, name) => {
    const known = Object.values(point.mids).filter((mid) => mid !== null);
    const mean = known.reduce((sum, mid) => sum + mid, 0) / known.length;
    const mid = point.mids[name] ?? null;
    return mid === null ? null : ((mid - mean) / mean) * 1e4;
  }));
}

// --- the stream --------------------------------------------------------------------------------

/** Read server-sent events with `fetch`, which unlike `EventSource` can send a token. */
async function watch() {
  const answer = await fetch("/events", { headers: token ? { authorization: `Bearer ${token}` } : {} });
  if (answer.status === 401) return byId("login").showModal();
  if (!answer.ok) throw new Error(`the dashboard answers ${answer.status}`);
  byId("feed").replaceChildren();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the session is gone");
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const found = /^event: (\w+)\ndata: (.*)$/.exec(block);
      if (found) receive[found[1]]?.(JSON.parse(found[2]));
    }
  }
}

function lost(reason) {
  byId("lost").hidden = !reason;
  byId("lost").textContent = reason ? marked("bad", `${reason}; what is shown is old`) : "";
}

async function keepWatching() {
  try {
    await watch();
  } catch (error) {
    if (ended) return;
    lost(error.message);
    setTimeout(keepWatching, 2000);
  }
}

setInterval(() => {
  const silent_ms = performance.now() - heard;
  if (silent_ms <= SILENT_MS && !ended) lost("");
  else if (!ended) lost(`the session is silent for ${(silent_ms / 1000).toFixed(0)} s`);
}, 1000);

// --- the kill button ---------------------------------------------------------------------------

byId("kill").addEventListener("click", () => {
  byId("answer").textContent = "";
  byId("token").value = token;
  byId("confirm").showModal();
});
byId("leave").addEventListener("click", () => byId("confirm").close());
byId("form").addEventListener("input", () => {
  byId("fire").disabled = !(byId("word").value === "KILL" && byId("token").value);
});
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  fire();
});

async function fire() {
  const answer = await fetch("/kill", {
    method: "POST",
    headers: { authorization: `Bearer ${byId("token").value}`, "content-type": "application/json" },
    body: JSON.stringify({ confirmation: byId("word").value, reason: byId("reason").value }),
  }).catch((error) => ({ status: 0, text: async () => error.message }));
  if (answer.status === 202) byId("confirm").close();
  else byId("answer").textContent = marked("bad", `not done: ${await answer.text()}`);
}

byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("pass").value;
  byId("login").close();
  keepWatching();
});
keepWatching();
