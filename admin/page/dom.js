// Small helpers: elements, numbers and ages as text. Text is only ever set as
// text, never as markup: names and headers come from elsewhere.

export const byId = (id) => document.getElementById(id);

// el makes an element: attributes (false and null leave one out), then children.
export function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false && value != null) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.flat().filter((c) => c != null && c !== false));
  return e;
}

export function svg(name, attributes = {}, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

// Nothing is touched that is as it should be: selections and focus stay.
export function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

export function setAttribute(e, name, value) {
  if (value == null || value === false) {
    if (e.hasAttribute(name)) e.removeAttribute(name);
  } else if (e.getAttribute(name) !== String(value)) e.setAttribute(name, value);
}

export function show(e, visible) {
  if (e.hidden === visible) e.hidden = !visible;
}

// keyed makes the children of parent those of items, one for each key, in their
// order. make makes one, and update brings it up to date.
export function keyed(parent, items, key, make, update) {
  const have = parent.parts ?? (parent.parts = new Map());
  const wanted = new Set();
  let at = parent.firstElementChild;
  for (const item of items) {
    const k = key(item);
    wanted.add(k);
    let e = have.get(k);
    if (!e) have.set(k, (e = make(item)));
    if (e === at) at = at.nextElementSibling;
    else parent.insertBefore(e, at);
    update(e, item);
  }
  for (const [k, e] of have) {
    if (!wanted.has(k)) {
      e.remove();
      have.delete(k);
    }
  }
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (n) => whole.format(n);

// rate is a number a second, in three figures or so.
export function rate(n) {
  if (n == null) return "–";
  if (n === 0) return "0";
  if (n < 0.095) return n.toFixed(2);
  if (n < 9.95) return n.toFixed(1);
  return whole.format(n);
}

// time is a number of milliseconds.
export function time(ms) {
  if (ms == null) return "–";
  if (ms === 0) return "0";
  if (ms >= 9950) return `${(ms / 1000).toFixed(0)} s`;
  if (ms >= 995) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 9.95) return `${ms.toFixed(0)} ms`;
  return `${ms.toFixed(ms < 0.995 ? 2 : 1)} ms`;
}

export function percent(part) {
  if (part > 0 && part < 0.01) return "<1 %";
  return `${Math.round(part * 100)} %`;
}

// age is a number of seconds in its two greatest units.
export function age(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export const clock = (date) => date.toLocaleTimeString("en-GB");

// when is a time of the server's, as its age by the server's own clock.
export function when(iso, now) {
  return iso ? `${age((now - Date.parse(iso)) / 1000)} ago` : "";
}

const unknownState = "M1 5h8";
const signs = {
  up: "M5 1a4 4 0 100 8 4 4 0 000-8z", // a disc
  slow_start: "M5 1 9 8H1z", // pointing up
  ejected: "M5 9 1 2h8z", // pointing down
  down: "M1 1h8v8H1z", // a square
  drained: "M2 1h2v8H2zM6 1h2v8H6z", // two bars
};
const words = { slow_start: "slow start" };

// state shows a word for a state, with a sign and a colour of its own.
export function state(name) {
  const e = el("span", { class: "state", "data-state": name });
  e.append(svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("path", { d: signs[name] ?? unknownState })), words[name] ?? name);
  return e;
}
