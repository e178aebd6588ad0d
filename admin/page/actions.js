// What changes something: each asks first, in a dialog, and then tells how it went.
import { byId, el, setText, show } from "./dom.js";
import { post, put, remove, drainPath, setToken, Refusal } from "./api.js";
import { changeList, problemList } from "./reloads.js";

const dialog = byId("confirm"), yes = byId("confirm-yes"), problem = byId("confirm-error"), token = byId("token");
let allowed = "no", refresh = () => {}, act = null;

// permit says whether changes are taken from here, and what to call after one.
export function permit(changes, after) {
  allowed = changes;
  refresh = after;
}

export const permitted = () => allowed !== "no";

export function say(text) {
  const said = byId("said");
  said.textContent = "";
  // A status that says the same again is read again.
  requestAnimationFrame(() => { said.textContent = text; });
}

// ask opens the dialog; run is called once it is confirmed, and the dialog stays
// open, with the reason, if it fails.
function ask({ title, body, button, run, done }) {
  setText(byId("confirm-title"), title);
  byId("confirm-body").replaceChildren(...body);
  setText(yes, button);
  setText(problem, "");
  yes.disabled = false;
  show(byId("confirm-token"), allowed === "token");
  act = { run, done };
  dialog.showModal();
}

dialog.querySelector("form").addEventListener("submit", async (e) => {
  e.preventDefault();
  if (yes.disabled || !act) return;
  yes.disabled = true;
  setText(problem, "");
  if (allowed === "token") setToken(token.value);
  try {
    const answer = await act.run();
    say(act.done(answer));
    dialog.close();
  } catch (error) {
    setText(problem, reason(error));
    if (error instanceof Refusal && error.status === 401) token.focus();
  }
  yes.disabled = false;
  refresh();
});
byId("confirm-no").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  // Told a moment later, when it may be open for something else already.
  if (dialog.open) return;
  const closed = act;
  act = null;
  closed?.closed?.();
});

function reason(error) {
  if (error instanceof Refusal) return error.message;
  return error.name === "TimeoutError" ? "No answer in time; look whether it was done." : `Sluice does not answer: ${error.message}`;
}

const p = (text, kind) => el("p", { class: kind }, text);

export function drain(upstream, target) {
  const others = upstream.targets.filter((t) => t.address !== target.address && !t.drained && t.weight > 0);
  const body = [
    p(`${target.address} of upstream ${upstream.name} gets no new requests from now on. What is under way goes on to its end: ${target.in_flight} in flight now.`),
    p("It stays drained over reloads, until you end that or Sluice is started anew."),
  ];
  if (others.length === 0) body.push(p("Every other target is drained, or there is none. When all are, requests go to all of them as if none were.", "caution"));
  else if (!others.some((t) => t.usable && !t.backup)) body.push(p("No other target is well, but for backups: requests will go to those that are left, whatever their state.", "caution"));
  ask({
    title: `Drain ${target.address}?`, body, button: "Drain",
    run: () => post(drainPath(upstream.name, target.address)),
    done: () => `${target.address} is drained.`,
  });
}

export function undrain(upstream, target) {
  ask({
    title: `Use ${target.address} again?`, body: [p(`${target.address} of upstream ${upstream.name} gets new requests again.`)], button: "Use again",
    run: () => remove(drainPath(upstream.name, target.address)),
    done: () => `${target.address} is used again.`,
  });
}

export function changeLevel(level, inForce, closed) {
  ask({
    title: `Log at level ${level}?`, button: "Change",
    body: [p(`The level is ${inForce} now. ${level} holds at once, until a config is put in force, which sets its own.`)],
    run: () => put("/log", { level }),
    done: () => `The log level is ${level}.`,
  });
  act.closed = closed;
}

// reload tells what it would do before it is confirmed.
export async function reload() {
  let body, force = false;
  const looking = p("Looking at what the file would change…", "quiet");
  ask({ title: "Reload the config?", body: [looking], button: "Reload", run, done });
  if (allowed === "token" && !token.value) {
    looking.textContent = "The file is read again, and put in force if there is no mistake in it.";
    return;
  }
  if (allowed === "token") setToken(token.value);
  try {
    const answer = await post("/reload?dry=1");
    body = answer.result === "unchanged" ? [p("The file says what is in force already. Nothing would change.")] :
      [p("The file is read again. By what it says now, this changes:"), changeList(answer.changes)];
  } catch (error) {
    body = [p(reason(error).split("\n")[0], "error")];
    if (error.body?.problems) body = [p("The file has a mistake; a reload would be refused:"), problemList(error.body.problems, [])];
    else if (error.body?.result === "would_refuse") {
      force = true;
      body.push(p("This puts it in force all the same.", "caution"));
      setText(yes, "Reload all the same");
    }
  }
  if (act?.run === run) byId("confirm-body").replaceChildren(...body);

  function run() { return post(force ? "/reload?force=1" : "/reload"); }
  function done(answer) {
    return answer.result === "applied" ? `Reloaded: generation ${answer.generation} is in force.` : "The file says what is in force already.";
  }
}
