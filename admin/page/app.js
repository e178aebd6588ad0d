// The page as a whole: it asks for /status each second and brings what stands
// there up to date.
import { byId, el, keyed, setText, setAttribute, show, rate, time, count, age, clock } from "./dom.js";
import { get } from "./api.js";
import { offer, refresh } from "./traffic.js";
import { updateUpstreams } from "./upstreams.js";
import { updateRoutes } from "./routes.js";
import { updateReloads, lastReload } from "./reloads.js";
import { permit, permitted, changeLevel, reload } from "./actions.js";
import "./explain.js";

const pause = 1000; // ms
const level = byId("level"), setLevel = byId("set-level");
let status = null, timer = 0, lastAnswer = 0;

function tile(name, value, unit, note) { return { name, value, unit, note }; }

function tiles(s, now) {
  const t = s.traffic;
  return [
    tile("Requests", rate(t.per_second), "/s", `${count(t.requests)} in all`),
    tile("Errors", rate(t.errors_per_second), "/s", t.per_second > 0 ? `${((t.errors_per_second / t.per_second) * 100).toFixed(1)} % of requests` : `${count(t.errors)} in all`),
    tile("Latency p50", time(t.p50_ms), "", "of the last 10 s"),
    tile("Latency p99", time(t.p99_ms), "", "of the last 10 s"),
    tile("In flight", count(s.in_flight), "", `${count(s.tunnels)} ${s.tunnels === 1 ? "tunnel" : "tunnels"}`),
    tile("Connections", count(s.connections), "", "of clients"),
    tile("Generation", s.generation || "–", "", s.in_force ? `in force for ${age((now - Date.parse(s.in_force.at)) / 1000)}` : "the last good config, kept"),
  ];
}

function updateTiles(s, now) {
  keyed(byId("tiles"), tiles(s, now), (t) => t.name,
    (t) => el("div", {}, el("dt", {}, t.name), el("dd", {}, el("span"), el("small")), el("dd", { class: "note" })),
    (e, t) => {
      setText(e.querySelector("span"), String(t.value));
      setText(e.querySelector("small"), t.unit);
      setText(e.querySelector(".note"), t.note);
      setAttribute(e, "data-tile", t.name);
    });
}

// alerts are what needs attention, the worst first.
function alerts(s) {
  const list = [], last = lastReload();
  if (!s.ready) list.push({ kind: "bad", text: `Not ready for traffic: ${s.why}.` });
  if (s.guard?.state === "reverted") {
    list.push({ kind: "bad", text: `The last edit was taken back, since requests failed with it: ${s.guard.reverted.why}. The file is not what is in force.`, to: "#reloads", link: "The reloads" });
  }
  if (s.last?.result === "refused" || s.last?.result === "unreadable") {
    const first = last?.problems?.[0];
    const where = first ? `: line ${first.line}, column ${first.column}: ${first.message}` : `: ${s.last.error.split("\n")[0]}`;
    list.push({ kind: "bad", text: `The config file is not in force, it was ${s.last.result === "refused" ? "refused" : "not to be read"}${where}${/[.?!]$/.test(where) ? "" : "."} Generation ${s.generation} stays in force.`, to: "#reloads", link: "All problems" });
  }
  for (const u of s.upstreams) {
    const out = u.targets.filter((t) => !t.drained && (t.state === "down" || t.state === "ejected"));
    if (u.failing_open) list.push({ kind: "bad", text: `Upstream ${u.name} has no target fit to be used; requests go to all that are left.`, to: "#upstreams", link: "Its targets" });
    else if (out.length > 0) list.push({ kind: "warn", text: `Upstream ${u.name}: ${out.map((t) => `${t.address} is ${t.state}`).join(", ")}.`, to: "#upstreams", link: "Its targets" });
  }
  if (s.guard?.state === "trial") list.push({ kind: "warn", text: "The last edit is on trial: it is taken back if requests fail with it." });
  return list.slice(0, 8);
}

function updateAlerts(list) {
  keyed(byId("alerts"), list, (a) => a.kind + a.text,
    (a) => el("p", { class: "alert", "data-kind": a.kind }, el("span", { class: "sign", "aria-hidden": "true" }, a.kind === "bad" ? "■" : "▲"),
      el("span", {}, `${a.text} `, a.to ? el("a", { href: a.to }, a.link) : "")), () => {});
  const title = list.length > 0 ? `(${list.length}) Sluice` : "Sluice";
  if (document.title !== title) document.title = title;
}

function updateTop(s, now) {
  setText(byId("version"), s.version);
  const ready = byId("ready");
  show(ready, true);
  setText(ready, s.ready ? "ready" : "not ready");
  setAttribute(ready, "data-kind", s.ready ? "good" : "bad");
  const may = byId("may");
  show(may, s.changes !== "allowed");
  setText(may, s.changes === "token" ? "changes need the token" : "read only: changes are taken from the machine itself, or with a token if the config has one");
  if (setLevel.hidden && level.value !== s.log_level) level.value = s.log_level;
  level.disabled = byId("reload").disabled = !permitted();
  setText(byId("process"), `${s.go}, up for ${age((now - Date.parse(s.started)) / 1000)}`);
}

// What is not live any more says so on top, with the time it is of.
function stale() {
  const of = lastAnswer ? `What stands here is of ${clock(new Date(lastAnswer))}.` : "There is nothing to show yet.";
  updateAlerts([{ kind: "bad", text: `Sluice's admin interface does not answer. ${of} Whether requests are served is not known.` }, ...(status ? alerts(status) : [])]);
}

function connected(ok) {
  const link = byId("link");
  setAttribute(document.body, "data-stale", ok ? null : "");
  setText(link, ok ? "live" : lastAnswer ? `no answer for ${age((Date.now() - lastAnswer) / 1000)}` : "no answer");
  setAttribute(link, "data-kind", ok ? "good" : "bad");
}

async function update() {
  const s = await get("/status");
  status = s;
  lastAnswer = Date.now();
  connected(true);
  const now = Date.parse(s.now); // by the server's clock
  permit(s.changes, poll);
  updateTop(s, now);
  updateTiles(s, now);
  updateUpstreams(s, now);
  updateRoutes(s);
  offer(s.routes, s.upstreams);
  await Promise.all([updateReloads(s, now), refresh(s.sample)]);
  updateAlerts(alerts(s));
}

// poll asks now, and then again and again; while nobody looks, it does not.
async function poll() {
  clearTimeout(timer);
  timer = 0;
  if (document.hidden) return;
  try {
    await update();
  } catch (error) {
    connected(false);
    stale();
    if (!(error.name === "TypeError" && /fetch/i.test(error.message)) && error.name !== "TimeoutError") console.warn(error);
  }
  clearTimeout(timer);
  timer = setTimeout(poll, pause);
}

level.addEventListener("change", () => show(setLevel, level.value !== status.log_level));
setLevel.addEventListener("click", () => changeLevel(level.value, status.log_level, () => {
  show(setLevel, false);
  level.focus();
  poll();
}));
byId("reload").addEventListener("click", reload);
document.addEventListener("visibilitychange", poll);
poll();
