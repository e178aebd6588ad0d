// The charts: what they show, and the scope they show it of.
import { byId, el, keyed, rate, time, count } from "./dom.js";
import { get } from "./api.js";
import { Chart } from "./chart.js";

const kept = 150; // samples
const lists = { requests: "requests", client_errors: "client_errors", errors: "errors", p50_ms: "p50", p99_ms: "p99" };

const last = (values) => values.findLast((v) => v != null) ?? null;
const most = (values) => values.reduce((a, v) => (v == null ? a : Math.max(a ?? 0, v)), null);

function rateSummary(d) {
  if (d.requests.length === 0) return "No samples yet.";
  const errors = d.errors.reduce((a, v) => a + (v ?? 0), 0) * (d.everyMS / 1000);
  return `Now ${rate(last(d.requests) ?? 0)} requests a second, at most ${rate(most(d.requests) ?? 0)}. ` +
    (errors < 0.5 ? "No errors." : `${count(Math.round(errors))} ${Math.round(errors) === 1 ? "error" : "errors"} in this time, ${rate(last(d.errors) ?? 0)} a second now.`);
}

function timeSummary(d) {
  if (most(d.p99) == null) return "No requests in this time.";
  return `Half of the requests took up to ${time(last(d.p50))} of late, 99 of 100 up to ${time(last(d.p99))}; at worst ${time(most(d.p99))}.`;
}

const scopes = byId("scope");
let scope = "", sample = 0, asked = 0, data = empty();

function empty() {
  return { at: [], requests: [], client_errors: [], errors: [], p50: [], p99: [], slots: kept / 5, everyMS: 2000 };
}

const charts = [
  new Chart(byId("chart-rate"), {
    title: "Requests a second", unit: "", format: rate, summary: rateSummary,
    lines: [{ key: "requests", name: "all", kind: "a", area: true }, { key: "client_errors", name: "4xx", kind: "d" }, { key: "errors", name: "errors", kind: "b" }],
  }),
  new Chart(byId("chart-time"), {
    title: "Latency", unit: "", format: time, summary: timeSummary,
    lines: [{ key: "p50", name: "p50", kind: "a" }, { key: "p99", name: "p99", kind: "c" }],
  }),
];

// refresh takes in the samples since the last, if there are any; number is that
// of the server's last one.
export async function refresh(number) {
  if (number === sample) return;
  const turn = ++asked;
  const parameters = [];
  if (scope) {
    const [kind, name] = JSON.parse(scope);
    parameters.push([kind, name]);
  }
  // A number that is less is one of another process.
  if (sample > 0 && number > sample) parameters.push(["since", sample]);
  else data = empty();
  const answer = await get("/history", parameters);
  if (turn !== asked) return; // another scope was chosen meanwhile
  data.everyMS = answer.every_ms;
  data.at = data.at.concat(answer.at_ms).slice(-kept);
  for (const [from, to] of Object.entries(lists)) data[to] = data[to].concat(answer[from]).slice(-kept);
  sample = answer.sample;
  for (const c of charts) c.set(data);
}

function choose(value) {
  scope = value;
  scopes.value = value;
  data = empty();
  const number = sample;
  sample = 0;
  refresh(number || 1).catch(() => {});
}

// look shows the charts of one route or upstream.
export function look(kind, name) {
  choose(JSON.stringify([kind, name]));
  byId("traffic").scrollIntoView({ block: "start" });
  scopes.focus({ preventScroll: true });
}

scopes.addEventListener("change", () => choose(scopes.value));

// offer lists what there are charts of.
export function offer(routes, upstreams) {
  const items = [{ value: "", text: "all requests" }, { value: JSON.stringify(["route", ""]), text: "requests without a route" },
    ...routes.map((r) => ({ value: JSON.stringify(["route", r.name]), text: `route ${r.name}` })),
    ...upstreams.map((u) => ({ value: JSON.stringify(["upstream", u.name]), text: `upstream ${u.name}` }))];
  if (!items.some((i) => i.value === scope)) items.push({ value: scope, text: `${JSON.parse(scope).join(" ")} (gone)` });
  if (!scopes.parts) scopes.replaceChildren();
  keyed(scopes, items, (i) => i.value, (i) => el("option", { value: i.value }, i.text), () => {});
}
