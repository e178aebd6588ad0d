// The last reloads: what they changed, or what was wrong and where.
import { byId, el, keyed, setText, when, clock } from "./dom.js";
import { get } from "./api.js";

const names = { applied: "applied", refused: "refused", unchanged: "unchanged", unreadable: "unreadable", reverted: "taken back" };
const causes = { start: "the start", file: "an edit", poll: "an edit without an event", signal: "SIGHUP", request: "a request", guard: "the guard" };

let seen = -1;

// problemList shows problems at their line and column, with the line where it is known.
export function problemList(problems, sources) {
  return el("div", { class: "stack" }, problems.map((p, i) => {
    const place = el("p", {}, el("span", { class: "place" }, `line ${p.line}, column ${p.column}`), p.path ? el("code", {}, `  ${p.path}`) : "");
    const source = sources?.[i];
    return el("div", { class: "problem" }, place, el("p", {}, p.message), source?.text ? excerpt(p, source) : null);
  }));
}

function excerpt(p, source) {
  const characters = [...source.text];
  const before = characters.slice(0, source.at).join(""), rest = characters.slice(source.at);
  const word = /^("(?:[^"\\]|\\.)*"?|[\w.-]+|.)/u.exec(rest.join(""))?.[0] ?? "";
  return el("pre", { class: "source", role: "group", "aria-label": `Line ${p.line}` }, el("span", { class: "lineno" }, `${p.line}  `), before,
    word ? el("mark", {}, word) : el("span", { class: "caret" }, "⌃"), rest.join("").slice(word.length));
}

const setting = (d) => el("li", {}, el("code", {}, d.path), ": ",
  d.old ? el("code", { class: "removed" }, d.old) : "nothing", " → ", d.new ? el("code", { class: "added" }, d.new) : "nothing");

const parts = (sign, names, kind) => names.map((n) => el("li", { class: kind }, `${sign} ${n}`));

function section(s) {
  return el("ul", {}, parts("+", s.added, "added"), parts("−", s.removed, "removed"), s.changed.map((c) => {
    const inner = [...c.settings.map(setting)];
    if (c.targets) {
      inner.push(...parts("+ target", c.targets.added, "added"), ...parts("− target", c.targets.removed, "removed"),
        ...c.targets.changed.flatMap((t) => t.settings.map((d) => setting({ ...d, path: `target ${t.name} ${d.path}` }))));
      if (!c.targets.connections_kept) inner.push(el("li", { class: "quiet" }, "its connections are made anew"));
    }
    return el("li", {}, `~ ${c.name}`, el("ul", {}, inner));
  }));
}

// changeList shows what a config changes in the one before.
export function changeList(changes) {
  const list = el("dl", { class: "changes" });
  for (const name of ["listeners", "upstreams", "middlewares", "routes"]) {
    const s = changes[name];
    if (s.added.length + s.removed.length + s.changed.length > 0) list.append(el("dt", {}, name), el("dd", {}, section(s)));
  }
  if (changes.settings.length > 0) list.append(el("dt", {}, "settings"), el("dd", {}, el("ul", {}, changes.settings.map(setting))));
  return list.childElementCount > 0 ? list : el("p", {}, "Nothing but comments and order.");
}

function makeReload(r) {
  const what = r.problems ? `${r.problems.length} ${r.problems.length === 1 ? "problem" : "problems"}, the first at line ${r.problems[0].line}, column ${r.problems[0].column}` :
    r.error ?? r.summary ?? (r.cause === "start" ? "the config at the start" : "");
  const head = [el("span", { class: "result", "data-result": r.result }, names[r.result] ?? r.result), el("span", { class: "ago quiet" }),
    el("span", { class: "what" }, what), el("span", { class: "quiet" }, `generation ${r.generation}`)];
  const detail = el("div", { class: "detail" },
    el("p", { class: "quiet" }, `At ${clock(new Date(r.at))} by ${causes[r.cause] ?? r.cause}, in ${r.took_ms} ms${r.sum ? `; content ${r.sum}` : ""}.`));
  if (r.problems) detail.append(problemList(r.problems, r.sources));
  else if (r.error) detail.append(el("p", { class: "error" }, r.error));
  if (r.changes) detail.append(changeList(r.changes));
  return el("li", { class: "panel reload", "data-number": r.number },
    el("details", { open: r.result !== "applied" && r.result !== "unchanged" }, el("summary", {}, head), detail));
}

let list = [];

export async function updateReloads(s, now) {
  if (s.reloads !== seen) {
    list = (await get("/reloads")).reloads;
    seen = s.reloads;
  }
  keyed(byId("reload-list"), list, (r) => r.number, makeReload, (e, r) => setText(e.querySelector(".ago"), when(r.at, now)));
}

// lastProblems are those of the last reload, if it was refused.
export const lastReload = () => list[0];
