// The upstreams and their targets.
import { byId, el, keyed, setText, setAttribute, show, rate, time, count, percent, when, state } from "./dom.js";
import { drain, undrain, permitted } from "./actions.js";
import { look } from "./traffic.js";

const columns = [["Target"], ["State"], ["Since, and why"], ["Weight", "num"], ["Share of the traffic"], ["Requests/s", "num"],
  ["Failed/s", "num"], ["In flight", "num"], ["Latency", "num"], ["Connections", "num"], [""]];

function makeUpstream(u) {
  const title = `upstream-${encodeURIComponent(u.name)}`;
  const head = columns.map(([name, kind]) => name ? el("th", { role: "columnheader", scope: "col", class: kind }, name) :
    el("td", { role: "cell" }, el("span", { class: "unseen" }, "Actions")));
  const panel = el("div", { class: "panel", role: "region", "aria-labelledby": title },
    el("div", { class: "panel-head" },
      el("h3", { id: title }, el("button", { type: "button", class: "plain", title: `Show the charts of upstream ${u.name}` }, u.name)),
      el("span", { class: "quiet policy" }),
      el("span", { class: "badge failing", "data-kind": "bad", hidden: true }, "▲ failing open"),
      el("p", { class: "figures" })),
    el("table", { class: "cards", role: "table", "aria-labelledby": title },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)), el("tbody", { role: "rowgroup" })));
  panel.querySelector("h3 button").addEventListener("click", () => look("upstream", u.name));
  return panel;
}

// gate tells how full an upstream is whose requests in flight are bounded.
function gate(c) {
  if (!c) return "";
  return ` · ${count(c.in_flight)}${c.limit ? ` of ${count(c.limit)}` : ""} in flight, ${count(c.waiting)} waiting, ${count(c.refused)} refused`;
}

function updateUpstream(panel, u, now) {
  setText(panel.querySelector(".policy"), u.balance + (u.hash ? ` by ${u.hash}` : ""));
  show(panel.querySelector(".failing"), u.failing_open);
  const t = u.traffic;
  setText(panel.querySelector(".figures"), `${rate(t.per_second)} requests/s · head after ${time(t.p50_ms)} (p50), ${time(t.p99_ms)} (p99) · ${rate(t.errors_per_second)} failed/s${gate(u.concurrency)}`);
  keyed(panel.querySelector("tbody"), u.targets, (t) => t.address, makeTarget, (row, t) => updateTarget(row, u, t, now));
}

const cell = (label, kind, ...children) => el("td", { role: "cell", class: kind, "data-label": label }, ...children);

function makeTarget(t) {
  const row = el("tr", { role: "row" },
    el("th", { role: "rowheader", scope: "row", class: "mono" }, t.address, el("span", { class: "tags" })),
    cell("State", "states"), cell("Since, and why", "why whole"), cell("Weight", "num weight"),
    cell("Traffic", "", el("span", { class: "bar" }, el("i", { "aria-hidden": "true" }), el("span"))),
    cell("Requests/s", "num persec"), cell("Failed/s", "num failed"), cell("In flight", "num inflight"),
    cell("Latency", "num latency"), cell("Connections", "num conns"), cell("", "num bare", el("button", { type: "button", class: "small" })));
  row.querySelector("button").addEventListener("click", () => (row.target.drained ? undrain : drain)(row.upstream, row.target));
  return row;
}

// shown is the state an operator thinks in: drained goes before health.
export const shown = (t) => (t.drained ? "drained" : t.state);

function why(t, now) {
  if (!t.drained) return [when(t.since, now), t.why].filter(Boolean).join(": ");
  const health = t.state === "up" ? "" : `; its health: ${t.state.replace("_", " ")}${t.why ? `, ${t.why}` : ""}`;
  return `${when(t.drained_since, now)}: by an operator${t.in_flight > 0 ? `; ${count(t.in_flight)} still under way` : ""}${health}`;
}

function updateTarget(row, u, t, now) {
  const at = (name) => row.querySelector(name);
  Object.assign(row, { upstream: u, target: t });
  setAttribute(row, "data-target", t.address);
  const states = at(".states");
  if (states.firstChild?.dataset.state !== shown(t)) states.replaceChildren(state(shown(t)));
  const tags = [t.backup && "backup", t.trial && "on trial"].filter(Boolean).join(", ");
  setText(at(".tags"), tags);
  setAttribute(at(".tags"), "class", tags ? "tags tag" : "tags");
  setText(at(".why"), why(t, now));
  setText(at(".weight"), t.share < 1 ? `${t.weight} × ${t.share.toFixed(2)}` : String(t.weight));
  at(".bar i").style.setProperty("--part", `${(t.traffic * 100).toFixed(1)}%`);
  setText(at(".bar > span"), percent(t.traffic));
  setText(at(".persec"), rate(t.per_second));
  setText(at(".failed"), rate(t.failed_per_second));
  setAttribute(at(".failed"), "class", `num failed ${t.failed_per_second > 0 ? "hot" : "zero"}`);
  setText(at(".inflight"), count(t.in_flight) + (t.limit ? ` of ${count(t.limit)}` : ""));
  setText(at(".latency"), t.latency_ms ? time(t.latency_ms) : "–");
  setText(at(".conns"), `${t.connections.all}, ${t.connections.idle} idle`);
  const button = at("button");
  const name = t.drained ? "Use again" : "Drain…";
  setText(button, name);
  setAttribute(button, "aria-label", `${name} ${t.address} of ${u.name}`);
  if (button.disabled === permitted()) button.disabled = !permitted();
}

export function updateUpstreams(s, now) {
  keyed(byId("upstream-list"), s.upstreams, (u) => u.name, makeUpstream, (panel, u) => updateUpstream(panel, u, now));
  show(byId("upstreams"), s.upstreams.length > 0);
  show(byId("upstreams-omitted"), s.upstreams_omitted > 0);
  setText(byId("upstreams-omitted"), `${s.upstreams_omitted} more are well, and asked less.`);
}
