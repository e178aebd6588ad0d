// Charts of the last minutes, as SVG. What they show is told in words too: in a
// summary below, and moment by moment with the pointer or the arrow keys.
import { el, svg, setText, clock } from "./dom.js";

const height = 170, left = 50, right = 8, top = 8, bottom = 20;

// ceiling is a round number not below n.
function ceiling(n) {
  if (n <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(n));
  for (const step of [1, 1.5, 2, 3, 4, 6, 8, 10]) if (n <= step * unit * 1.0001) return step * unit;
  return 10 * unit;
}

function path(values, x, y) {
  let d = "", pen = false;
  values.forEach((v, i) => {
    if (v == null) { pen = false; return; }
    d += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    // A single point between gaps is drawn as a dot.
    if (!pen && values[i + 1] == null) d += "h.1";
    pen = true;
  });
  return d;
}

// Chart draws lines over time. lines are {key, name, kind, area}; format puts a
// value into words; summary puts what is shown into a sentence.
export class Chart {
  constructor(figure, { title, unit, lines, format, summary }) {
    Object.assign(this, { figure, title, unit, lines, format, summarise: summary });
    this.data = { at: [] };
    this.at = null; // index of the moment that is read out
    const id = `${figure.id}-summary`;
    this.readout = el("span", { class: "readout", role: "status" });
    this.summary = el("p", { class: "summary", id });
    this.canvas = svg("svg", { class: "chart", role: "img", tabindex: "0", "aria-label": `${title}, a chart`, "aria-describedby": id, height });
    const legend = lines.map((l) => {
      const swatch = svg("svg", { viewBox: "0 0 18 8", "aria-hidden": "true" }, svg("path", { class: `line ${l.kind}`, d: "M1 4H17" }));
      return el("span", { class: "legend" }, swatch, l.name);
    });
    figure.setAttribute("aria-labelledby", `${figure.id}-title`);
    figure.append(el("figcaption", {}, el("strong", { id: `${figure.id}-title` }, title), ...legend, this.readout), this.canvas, this.summary);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.canvas.addEventListener("pointermove", (e) => this.point(e));
    this.canvas.addEventListener("pointerleave", () => this.look(null));
    this.canvas.addEventListener("blur", () => this.look(null));
    this.canvas.addEventListener("keydown", (e) => this.step(e));
  }

  set(data) {
    // The moment that is read out stays while samples come in and go.
    const moment = this.at == null ? null : this.data.at[this.at];
    this.data = data;
    if (this.at != null) this.at = data.at.includes(moment) ? data.at.indexOf(moment) : data.at.length - 1;
    this.draw();
    setText(this.summary, this.summarise(data));
  }

  point(e) {
    const box = this.canvas.getBoundingClientRect();
    const n = this.data.at.length;
    if (n < 2) return;
    const part = (e.clientX - box.left - left) / (box.width - left - right);
    this.look(Math.max(0, Math.min(n - 1, this.first + Math.round(part * (this.slots - 1)))));
  }

  step(e) {
    const n = this.data.at.length;
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -15, PageDown: 15, Home: -n, End: n };
    if (!(e.key in moves) || n === 0) return;
    e.preventDefault();
    this.look(Math.max(0, Math.min(n - 1, (this.at ?? n) + moves[e.key])));
  }

  look(at) {
    this.at = at;
    this.draw();
  }

  // The last of the slots is now; where there are fewer samples yet, they stand
  // at the right.
  get slots() { return Math.max(this.data.slots ?? 0, this.data.at.length); }
  get first() { return this.data.at.length - this.slots; }

  draw() {
    const width = Math.round(this.canvas.getBoundingClientRect().width);
    if (width < 60) return;
    const { data, slots, first } = this;
    this.canvas.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const most = ceiling(Math.max(0, ...this.lines.flatMap((l) => (data[l.key] ?? []).map((v) => v ?? 0))));
    const x = (i) => left + ((i - first) / Math.max(1, slots - 1)) * (width - left - right);
    const y = (v) => height - bottom - (Math.min(v, most) / most) * (height - top - bottom);
    const parts = [];
    for (const part of [0, 0.5, 1]) {
      const at = Math.round(y(most * part)) + 0.5;
      parts.push(svg("line", { class: "grid", x1: left, x2: width - right, y1: at, y2: at }),
        svg("text", { x: left - 6, y: at + 3.5, "text-anchor": "end" }, this.format(most * part)));
    }
    const span = ((slots - 1) * (data.everyMS ?? 2000)) / 60000;
    for (const [part, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
      const minutes = span * (1 - part);
      parts.push(svg("text", { x: left + part * (width - left - right), y: height - 5, "text-anchor": anchor },
        part === 1 ? "now" : minutes < 0.95 ? `${Math.round(minutes * 6) * 10} s ago` : `${minutes.toFixed(Math.abs(minutes - Math.round(minutes)) < 0.06 ? 0 : 1)} min ago`));
    }
    for (const line of this.lines) {
      const values = data[line.key] ?? [];
      const d = path(values, x, y);
      const begin = values.findIndex((v) => v != null);
      if (line.area && begin >= 0 && begin < values.length - 1 && !values.includes(null, begin)) {
        parts.push(svg("path", { class: "area", d: `${d}L${x(values.length - 1)} ${y(0)}L${x(begin)} ${y(0)}Z` }));
      }
      parts.push(svg("path", { class: `line ${line.kind}`, d }));
    }
    if (this.at != null && data.at[this.at] != null) {
      const at = x(this.at);
      parts.push(svg("line", { class: "cross", x1: at, x2: at, y1: top, y2: height - bottom }));
    }
    this.canvas.replaceChildren(...parts);
    setText(this.readout, this.at == null || data.at[this.at] == null ? "" :
      `${clock(new Date(data.at[this.at]))}: ` + this.lines.map((l) => `${l.name} ${this.words(data[l.key][this.at])}`).join(", "));
  }

  words(v) { return v == null ? "none" : `${this.format(v)}${this.unit}`; }
}

// spark is a small line without words; the figures stand beside it.
export function spark(e, values) {
  const most = Math.max(1e-9, ...values.map((v) => v ?? 0));
  const slots = 30;
  const d = path(values, (i) => 1 + ((i + slots - values.length) / (slots - 1)) * 88, (v) => 18.5 - (v / most) * 16);
  const line = e.firstChild ?? e.appendChild(svg("path", { class: "line a" }));
  if (line.getAttribute("d") !== d) line.setAttribute("d", d);
}

export const newSpark = () => svg("svg", { class: "spark", viewBox: "0 0 90 20", "aria-hidden": "true" });
