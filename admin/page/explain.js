// The form that asks what becomes of a request.
import { byId, el, state, time } from "./dom.js";
import { get } from "./api.js";
import { shown } from "./upstreams.js";
import { say } from "./actions.js";

const ratings = { chance: "Part of the picks", load: "Load (lower is taken)", cost: "Cost (lower is taken)", turn: "Turn" };
let asked = 0;

const fact = (name, ...value) => value.some((v) => v != null && v !== "") ? [el("dt", {}, name), el("dd", {}, ...value)] : [];

function verdict(e) {
  if (e.verdict === "refuse") return `Refused: ${e.status} ${e.reason}`;
  if (e.verdict === "forward") return `Forwarded to upstream ${e.forward.upstream}, by route ${e.route}`;
  return `Answered by Sluice with ${e.answer.status}, by ${e.route ? `route ${e.route}` : "itself"}`;
}

const table = (name, heads, rows) => el("table", { class: "narrow", role: "table", "aria-label": name },
  el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads.map((h) => el("th", { role: "columnheader", scope: "col" }, h)))),
  el("tbody", { role: "rowgroup" }, rows.map((cells) => el("tr", { role: "row" }, cells.map((c, i) =>
    i === 0 ? el("th", { role: "rowheader", scope: "row", class: "wrap" }, c) : el("td", { role: "cell", class: "wrap", "data-label": heads[i] }, c))))));

function whyTable(e) {
  const rows = e.why.map((w) => [w.route, el("code", {}, (w.host === "*" ? "" : w.host) + w.pattern),
    w.chosen ? el("span", { class: "chosen" }, "● chosen") : w.reason]);
  const t = table("Why this route", ["Route", "Takes", "Verdict"], rows);
  return e.omitted ? [t, el("p", { class: "quiet" }, `and ${e.omitted} more`)] : [t];
}

function rating(kind, t) {
  if (t.rating == null) return "not picked";
  if (kind === "chance") return `${(t.rating * 100).toFixed(1)} %`;
  if (kind === "turn") return t.rating === 1 ? "1, its owner" : String(t.rating);
  return t.rating.toPrecision(3);
}

function targetTable(f) {
  return table("Targets it could go to", ["Target", "State", "Weight", ratings[f.rating] ?? "Rating", "In flight", "Latency"], f.targets.map((t) => [
    el("span", { class: "mono" }, t.address + (t.backup ? " (backup)" : "")), state(shown(t)),
    t.share < 1 ? `${t.weight} × ${t.share.toFixed(2)}` : String(t.weight), rating(f.rating, t), String(t.in_flight), t.latency_ms ? time(t.latency_ms) : "–"]));
}

function forward(f) {
  const hash = f.hash && (f.hash.missing ? `${f.hash.key} is not in the request: any target` : `${f.hash.key} is ${JSON.stringify(f.hash.value)}, hash ${f.hash.hash}`);
  return [
    el("h3", {}, "Targets it could go to"),
    el("dl", { class: "facts" }, fact("Balance", f.balance), fact("Hash", hash)),
    targetTable(f),
    el("h3", {}, "What the target is sent"),
    el("pre", { tabindex: "0", role: "group", "aria-label": "Request head" }, f.head.trimEnd()),
    el("dl", { class: "facts" }, fact("Timeouts", Object.entries(f.timeouts).map(([k, v]) => `${k} ${v === "0s" ? "none" : v}`).join(", "))),
  ];
}

function answer(a) {
  const head = a.header.map(([k, v]) => `${k}: ${v}`).join("\n");
  return [el("h3", {}, "What is answered"), el("pre", { tabindex: "0", role: "group", "aria-label": "Answer" }, `${a.status}\n${head}\n\n${a.body.slice(0, 2000)}`)];
}

function render(e) {
  const box = el("div", { class: "answer", "data-kind": e.verdict === "refuse" ? "bad" : "good" },
    el("p", { class: "verdict" }, verdict(e)),
    el("dl", { class: "facts" },
      fact("Matched by", e.path ? el("code", {}, `host ${e.host || "(none)"}, path ${e.path}`) : ""),
      fact("Read another way", e.resolved ? el("code", {}, e.resolved) : ""),
      fact("Route", e.route ? `${e.route}, path ${e.pattern}` : ""),
      fact("Middlewares", (e.middlewares ?? []).join(", ")),
      fact("Rewritten target", e.forward ? el("code", {}, e.forward.target) : ""),
      fact("Host it sees", e.forward ? el("code", {}, e.forward.host) : "")));
  if (e.why?.length) box.append(el("h3", {}, "Why this route, and not the others"), ...whyTable(e));
  if (e.forward) box.append(...forward(e.forward));
  if (e.answer) box.append(...answer(e.answer));
  return box;
}

byId("explain-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const turn = ++asked, form = new FormData(event.target);
  const parameters = [["method", form.get("method").trim()], ["url", form.get("url").trim()]];
  for (const line of form.get("headers").split("\n")) if (line.trim()) parameters.push(["header", line.trim()]);
  if (form.get("client").trim()) parameters.push(["client", form.get("client").trim()]);
  let shownAnswer, said;
  try {
    const e = await get("/explain", parameters);
    [shownAnswer, said] = [render(e), verdict(e)];
  } catch (error) {
    [shownAnswer, said] = [el("p", { class: "error" }, error.message), error.message];
  }
  if (turn !== asked) return;
  byId("explain-answer").replaceChildren(shownAnswer);
  say(said);
});
