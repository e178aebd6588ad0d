// The routes, and why requests failed.
import { byId, el, keyed, setText, setAttribute, show, rate, time, count } from "./dom.js";
import { newSpark, spark } from "./chart.js";
import { look } from "./traffic.js";

const cell = (label, kind, ...children) => el("td", { role: "cell", class: kind, "data-label": label }, ...children);

function makeRoute(r) {
  const name = el("button", { type: "button", class: "plain", title: r.name ? `Show the charts of route ${r.name}` : "Show the charts of requests without a route" }, r.name || "(no route)");
  name.addEventListener("click", () => look("route", r.name));
  return el("tr", { role: "row" }, el("th", { role: "rowheader", scope: "row" }, name),
    cell("Takes", "takes wrap whole"), cell("Goes to", "goes wrap"), cell("Requests/s", "num persec"), cell("Last minute", "", newSpark()),
    cell("4xx/s", "num client"), cell("Errors/s", "num errors"), cell("p50", "num p50"), cell("p99", "num p99"), cell("Total", "num total"));
}

function predicates(r) {
  const list = [];
  for (const [what, set] of [["header", r.headers], ["query", r.query], ["cookie", r.cookies]]) {
    for (const [name, value] of Object.entries(set ?? {})) list.push(`${what} ${name}: ${value}`);
  }
  return list;
}

function goesTo(r) {
  if (r.upstream) return r.upstream;
  if (r.respond) return `answers ${r.respond}`;
  return r.name ? "a middleware answers" : "answers 404 and the like";
}

// sign tells whether what stands in a row would differ.
const sign = (r) => JSON.stringify([r.hosts, r.path, r.methods, r.headers, r.query, r.cookies, r.middlewares, r.upstream, r.respond]);

function describe(row, r) {
  if (row.sign === sign(r)) return;
  row.sign = sign(r);
  const takes = [];
  for (const host of r.hosts ?? []) takes.push(el("code", {}, (host === "*" ? "" : host) + r.path), " ");
  if (!r.path) takes.push("what no other takes, and what is malformed");
  for (const tag of [...(r.methods ?? []), ...predicates(r)]) takes.push(el("span", { class: "tag" }, tag));
  row.querySelector(".takes").replaceChildren(...takes);
  row.querySelector(".goes").replaceChildren(goesTo(r), " ", ...(r.middlewares ?? []).map((m) => el("span", { class: "tag", title: "middleware" }, m)));
}

function updateRoute(row, r) {
  describe(row, r);
  const at = (name) => row.querySelector(name), t = r.traffic;
  setText(at(".persec"), rate(t.per_second));
  spark(at(".spark"), t.recent ?? []);
  setText(at(".client"), rate(t.client_errors_per_second));
  setAttribute(at(".client"), "class", `num client ${t.client_errors_per_second > 0 ? "" : "zero"}`);
  setText(at(".errors"), rate(t.errors_per_second));
  setAttribute(at(".errors"), "class", `num errors ${t.errors_per_second > 0 ? "hot" : "zero"}`);
  setText(at(".p50"), time(t.p50_ms));
  setText(at(".p99"), time(t.p99_ms));
  setText(at(".total"), count(t.requests));
}

export function updateRoutes(s) {
  const rows = s.routes.concat(s.unmatched.requests > 0 ? [{ name: "", traffic: s.unmatched }] : []);
  keyed(byId("route-rows"), rows, (r) => r.name, makeRoute, updateRoute);
  show(byId("routes-omitted"), s.routes_omitted > 0);
  setText(byId("routes-omitted"), `${s.routes_omitted} more are asked less.`);
  show(byId("failures-title"), s.failures.length > 0);
  keyed(byId("failures"), s.failures, (f) => f.reason, (f) => el("div", {}, el("dt", {}, f.reason), el("dd")),
    (e, f) => setText(e.lastChild, count(f.count)));
}
