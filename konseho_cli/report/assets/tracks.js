// Rows of intervals that zoom, pan, and can be walked by keyboard: swim lanes and flame graphs.
// Vega paints; what is narrower than a pixel is merged before it comes to Vega.
"use strict";

const AXIS = 24;
const NARROW = 1;

const tip = {
  element: document.getElementById("tip"),
  show(lines, x, y) {
    const [first, ...rest] = lines;
    const bold = document.createElement("b");
    bold.textContent = first;
    this.element.replaceChildren(bold, ...rest.flatMap((line) => [line, document.createElement("br")]));
    this.element.hidden = false;
    const box = this.element.getBoundingClientRect();
    this.element.style.left = `${Math.max(8, Math.min(x + 14, innerWidth - box.width - 8))}px`;
    this.element.style.top = `${y + 18 + box.height > innerHeight ? Math.max(8, y - box.height - 12) : y + 18}px`;
  },
  hide() {
    this.element.hidden = true;
  },
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const painting = (gutter) => ({
  $schema: "https://vega.github.io/schema/vega/v6.json",
  autosize: "none",
  padding: 0,
  background: null,
  signals: [
    { name: "low", value: 0 }, { name: "high", value: 1 },
    { name: "divisor", value: 1 }, { name: "suffix", value: "" }, { name: "figures", value: "~g" },
    { name: "ink", value: "#000" }, { name: "soft", value: "#666" }, { name: "line", value: "#ddd" },
  ],
  data: ["bands", "items", "outlines", "words", "lanes"].map((name) => ({ name, values: [] })),
  scales: [
    {
      name: "x", type: "linear", zero: false, nice: false,
      domain: [{ signal: "low" }, { signal: "high" }],
      range: [gutter, { signal: "width" }],
    },
  ],
  axes: [
    {
      orient: "top", scale: "x", offset: -AXIS, tickCount: { signal: "max(2, floor(width / 130))" },
      domain: false, ticks: true, tickSize: 5, grid: true, gridColor: { signal: "line" }, gridOpacity: 0.7,
      tickColor: { signal: "line" }, labelColor: { signal: "soft" }, labelFontSize: 11,
      labelFlush: true, labelOverlap: true,
      encode: { labels: { update: { text: { signal: "format(datum.value / divisor, figures) + suffix" } } } },
    },
  ],
  marks: [
    {
      type: "rect", from: { data: "bands" },
      encode: { update: { x: { value: 0 }, width: { signal: "width" }, y: { field: "y" }, height: { field: "h" }, fill: { signal: "ink" }, fillOpacity: { value: 0.035 } } },
    },
    {
      type: "group", clip: true,
      encode: { update: { x: { value: gutter }, y: { value: AXIS }, width: { signal: `max(0, width - ${gutter})` }, height: { signal: `max(0, height - ${AXIS})` } } },
      marks: [
        {
          type: "rect", from: { data: "items" },
          encode: { update: {
            x: { field: "x" }, width: { field: "w" }, y: { field: "y" }, height: { field: "h" },
            fill: { field: "c" }, fillOpacity: { field: "o" }, cornerRadius: { field: "r" },
          } },
        },
        {
          type: "text", from: { data: "words" },
          encode: { update: {
            x: { field: "x" }, y: { field: "y" }, text: { field: "t" }, limit: { field: "l" },
            fill: { field: "c" }, baseline: { value: "middle" }, fontSize: { value: 11.5 },
          } },
        },
        {
          type: "rect", from: { data: "outlines" },
          encode: { update: {
            x: { field: "x" }, width: { field: "w" }, y: { field: "y" }, height: { field: "h" },
            stroke: { field: "c" }, strokeWidth: { field: "s" }, cornerRadius: { value: 3 },
          } },
        },
      ],
    },
    {
      type: "text", from: { data: "lanes" },
      encode: { update: {
        x: { field: "x" }, y: { field: "y" }, text: { field: "t" }, limit: { value: gutter - 22 },
        baseline: { value: "middle" }, fontSize: { value: 12 }, fontWeight: { field: "b" },
        fill: { signal: "ink" },
      } },
    },
    {
      type: "rect",
      encode: { update: { x: { value: 0 }, x2: { signal: "width" }, y: { value: 0 }, height: { value: 0 }, fill: { signal: "line" } } },
    },
  ],
});

class Tracks {
  // `source`: start, end, row (columns); rows, length, rowHeight, gutter; look(i), word(i), tell(i),
  // lanes(), outlines, scale(span), name.
  constructor(name, source) {
    this.name = name;
    this.source = source;
    this.host = document.getElementById(`${name}-tracks`);
    this.said = document.getElementById(`${name}-said`);
    this.merged = document.getElementById(`${name}-merged`);
    this.cursor = -1;
    this.rows = Array.from({ length: source.rows }, () => []);
    source.start.forEach((_, item) => this.rows[source.row[item]].push(item));
    // Those that hold others first, so that what is inside is painted over them.
    for (const row of this.rows) {
      row.sort((a, b) => source.start[a] - source.start[b] || source.end[b] - source.end[a] || a - b);
    }
    this.all = [0, Math.max(1, source.length)];
    this.domain = [...this.all];
    this.arrange(() => true);
    this.stage = document.createElement("div");
    this.stage.className = "stage";
    this.spacer = document.createElement("div");
    this.host.append(this.stage, this.spacer);
  }

  arrange(wanted) {
    this.order = [...this.rows.keys()].filter(wanted);
    this.place = new Map(this.order.map((row, place) => [row, place]));
  }

  async open() {
    const options = { mode: "vega", ast: true, actions: false, renderer: "canvas", defaultStyle: false, tooltip: () => {} };
    const config = { text: { font: "system-ui, sans-serif" }, axis: { labelFont: "system-ui, sans-serif" } };
    this.measure();
    const spec = { ...painting(this.source.gutter), width: this.width, height: this.height, config };
    const embedded = await vegaEmbed(this.stage, spec, options);
    this.view = embedded.view;
    this.listen();
    await this.draw();
  }

  measure() {
    const whole = AXIS + this.order.length * this.source.rowHeight + 4;
    this.height = Math.min(whole, 558);
    this.stage.style.height = `${this.height}px`;
    this.spacer.style.height = `${whole - this.height}px`;
    this.width = Math.max(200, this.host.clientWidth);
  }

  resize() {
    this.measure();
    this.view?.width(this.width).height(this.height);
    return this.draw();
  }

  get scale() {
    return (this.width - this.source.gutter) / (this.domain[1] - this.domain[0]);
  }

  y(row) {
    return this.place.get(row) * this.source.rowHeight - this.host.scrollTop;
  }

  // What is to be seen: each item that is at least a pixel wide, and one for all others in a pixel.
  visible() {
    const { source, scale } = this;
    const [low, high] = this.domain;
    const items = [];
    const words = [];
    let merged = 0;
    const first = Math.max(0, Math.floor(this.host.scrollTop / source.rowHeight));
    const last = Math.min(this.order.length - 1, first + Math.ceil(this.height / source.rowHeight));
    for (let place = first; place <= last; place++) {
      const top = place * source.rowHeight - this.host.scrollTop;
      const seen = new Map();
      for (const item of this.rows[this.order[place]]) {
        if (source.start[item] > high) break;
        if (source.end[item] < low) continue;
        const x = (source.start[item] - low) * scale;
        const width = (source.end[item] - source.start[item]) * scale;
        const look = source.look(item);
        if (width < NARROW) {
          const pixel = Math.floor(x);
          if (seen.get(look.c) === pixel) {
            merged++;
            continue;
          }
          seen.set(look.c, pixel);
        }
        const from = Math.max(-4, x);
        const to = Math.min(this.width + 4, x + Math.max(NARROW, width));
        const height = source.rowHeight * look.h;
        items.push({
          x: from, w: to - from - (look.gap && width > 3 ? 1 : 0), y: top + (source.rowHeight - height) / 2, h: height,
          c: look.c, o: look.o, r: width > 6 && height > 6 ? 2 : 0,
        });
        const word = to - Math.max(0, from) > 34 && source.word(item);
        if (word) {
          words.push({ x: Math.max(0, from) + 5, y: top + source.rowHeight / 2 + 0.5, t: word, l: to - Math.max(0, from) - 9, c: look.text });
        }
      }
    }
    return { items, words, merged };
  }

  outlines() {
    const { source, scale } = this;
    const [low, high] = this.domain;
    const box = (row, start, end, c, s) => {
      const x = Math.max(-6, (start - low) * scale);
      return { x, w: Math.max(1.5, Math.min(this.width + 6, (end - low) * scale) - x), y: this.y(row) + 1, h: source.rowHeight - 2, c, s };
    };
    const ink = colour("ink");
    const found = [];
    let before = null;
    for (const [row, start, end] of source.outlines ?? []) {
      if ((end - start) * scale < 2) continue; // it appears where there is room for it
      if (end >= low && start <= high && this.place.has(row)) {
        found.push(box(row, start, end, ink, 1.6));
        if (before !== null && before !== row && this.place.has(before)) {
          const [a, b] = [this.y(before), this.y(row)].sort((one, other) => one - other);
          found.push({ x: (start - low) * scale, w: 0.01, y: a + source.rowHeight - 1, h: Math.max(0, b - a - source.rowHeight + 2), c: ink, s: 1 });
        }
      }
      before = row;
    }
    if (this.cursor >= 0 && this.place.has(source.row[this.cursor])) {
      found.push(box(source.row[this.cursor], source.start[this.cursor], source.end[this.cursor], colour("focus"), 2.5));
    }
    return found;
  }

  lanes() {
    const bands = [];
    const names = [];
    this.source.lanes?.forEach((lane, number) => {
      const rows = Array.from({ length: lane.rows }, (_, extra) => lane.row + extra).filter((row) => this.place.has(row));
      if (!rows.length) return;
      const y = this.y(rows[0]) + AXIS;
      const h = rows.length * this.source.rowHeight;
      if (y > this.height || y + h < AXIS) return;
      const clipped = Math.max(AXIS, y);
      if (number % 2) bands.push({ y: clipped, h: y + h - clipped });
      const middle = y + this.source.rowHeight / 2;
      if (middle > AXIS) {
        names.push({ x: 8, y: middle, t: `${lane.path ? "▸ " : ""}${lane.name}`, b: lane.step ? "bold" : "normal" });
      }
    });
    return { bands, names };
  }

  draw() {
    if (!this.view || this.waiting) return this.waiting;
    this.waiting = new Promise((done) => requestAnimationFrame(done)).then(() => {
      this.waiting = null;
      return this.paint();
    });
    return this.waiting;
  }

  async paint() {
    const { items, words, merged } = this.visible();
    const { bands, names } = this.lanes();
    const unit = this.source.unit(this.domain);
    const { view } = this;
    for (const [signal, value] of Object.entries({
      low: this.domain[0], high: this.domain[1], ...unit, ink: colour("ink"), soft: colour("soft"), line: colour("line"),
    })) view.signal(signal, value);
    view.data("items", items).data("words", words).data("outlines", this.outlines()).data("bands", bands).data("lanes", names);
    await view.runAsync();
    const hidden = merged ? `${merged.toLocaleString("en")} are narrower than a pixel here and drawn as one with their neighbours; zoom in to see them.` : "";
    const left = this.source.left_out ? `${this.source.left_out.toLocaleString("en")} of the shortest are left out of this page.` : "";
    this.merged.textContent = [hidden, left].filter(Boolean).join(" ");
    Object.assign(this.host.dataset, { from: this.domain[0], to: this.domain[1], drawn: items.length, merged, cursor: this.cursor });
  }

  show(low, high) {
    const least = Math.max(this.source.least, (this.all[1] - this.all[0]) * 1e-7);
    const span = Math.min(this.all[1] - this.all[0], Math.max(least, high - low));
    const start = Math.max(this.all[0], Math.min(this.all[1] - span, low));
    this.domain = [start, start + span];
    return this.draw();
  }

  zoom(factor, at = (this.domain[0] + this.domain[1]) / 2) {
    return this.show(at - (at - this.domain[0]) * factor, at + (this.domain[1] - at) * factor);
  }

  pan(share) {
    const by = (this.domain[1] - this.domain[0]) * share;
    return this.show(this.domain[0] + by, this.domain[1] + by);
  }

  fit() {
    return this.show(...this.all);
  }

  to(item) {
    const [start, end] = [this.source.start[item], this.source.end[item]];
    const margin = (end - start) * this.source.margin;
    return this.show(start - margin, end + margin);
  }

  when(x) {
    return this.domain[0] + (x - this.source.gutter) / this.scale;
  }

  at(event) {
    const box = this.stage.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const row = this.order[Math.floor((y - AXIS + this.host.scrollTop) / this.source.rowHeight)];
    if (row === undefined || y < AXIS || x < this.source.gutter) return -1;
    const [time, reach] = [this.when(x), 2 / this.scale];
    let found = -1;
    for (const item of this.rows[row]) {
      if (this.source.start[item] - reach > time) break;
      if (this.source.end[item] + reach >= time) found = item;
    }
    return found;
  }

  pick(item) {
    if (item === undefined || item < 0) return;
    this.cursor = item;
    const { source } = this;
    const [start, end] = [source.start[item], source.end[item]];
    if (end < this.domain[0] || start > this.domain[1]) {
      const half = (this.domain[1] - this.domain[0]) / 2;
      this.show((start + end) / 2 - half, (start + end) / 2 + half);
    }
    const top = this.place.get(source.row[item]) * source.rowHeight;
    const room = this.height - AXIS - source.rowHeight;
    this.host.scrollTop = Math.min(Math.max(this.host.scrollTop, top - room), top);
    const lines = source.tell(item);
    this.said.textContent = lines.join(", ");
    const box = this.stage.getBoundingClientRect();
    const x = source.gutter + (Math.max(start, this.domain[0]) - this.domain[0]) * this.scale;
    tip.show(lines, box.left + Math.min(x, this.width - 40), box.top + AXIS + top - this.host.scrollTop + source.rowHeight);
    this.draw();
  }

  beside(step) {
    const row = this.rows[this.source.row[this.cursor]];
    this.pick(row[row.indexOf(this.cursor) + step]);
  }

  across(step) {
    const { source } = this;
    const time = Math.max(source.start[this.cursor], this.domain[0]);
    const away = (item) => (source.start[item] > time ? source.start[item] - time : Math.max(0, time - source.end[item]));
    for (let place = this.place.get(source.row[this.cursor]) + step; place >= 0 && place < this.order.length; place += step) {
      const row = this.rows[this.order[place]];
      if (row.length) {
        this.pick(row.reduce((best, item) => (away(item) < away(best) ? item : best)));
        return;
      }
    }
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const begun = this.cursor >= 0 && this.place.has(this.source.row[this.cursor]);
    const first = () => this.pick(this.order.map((row) => this.rows[row][0]).find((item) => item !== undefined));
    const keys = {
      ArrowLeft: () => (begun ? this.beside(-1) : first()),
      ArrowRight: () => (begun ? this.beside(1) : first()),
      ArrowUp: () => (begun ? this.across(-1) : first()),
      ArrowDown: () => (begun ? this.across(1) : first()),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
      "[": () => this.pan(-0.25), "]": () => this.pan(0.25),
      Enter: () => begun && this.to(this.cursor),
      0: () => this.fit(), Home: () => this.fit(),
      Escape: () => { tip.hide(); this.fit(); },
    };
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
    if (act) {
      event.preventDefault();
      act();
    }
  }

  listen() {
    const { host } = this;
    let held = null;
    host.addEventListener("scroll", () => this.draw());
    host.addEventListener("keydown", (event) => this.key(event));
    host.addEventListener("blur", () => tip.hide());
    host.addEventListener("pointerleave", () => tip.hide());
    host.addEventListener("pointerdown", (event) => {
      if (event.button === 0) held = { x: event.clientX, domain: [...this.domain], moved: false, id: event.pointerId };
    });
    host.addEventListener("pointermove", (event) => {
      const by = held && event.buttons ? event.clientX - held.x : 0;
      if (held && (held.moved || Math.abs(by) > 4)) {
        if (!held.moved) host.setPointerCapture(held.id);
        held.moved = true;
        tip.hide();
        host.classList.add("dragged");
        this.show(held.domain[0] - by / this.scale, held.domain[1] - by / this.scale);
        return;
      }
      const item = this.at(event);
      if (item < 0) tip.hide();
      else tip.show(this.source.tell(item), event.clientX, event.clientY);
    });
    host.addEventListener("pointerup", (event) => {
      host.classList.remove("dragged");
      if (held && !held.moved) this.click(this.at(event));
      held = null;
    });
    host.addEventListener("pointercancel", () => { held = null; host.classList.remove("dragged"); });
    host.addEventListener("dblclick", (event) => {
      if (!this.source.zoomsOnClick) this.zoom(0.4, this.when(event.clientX - this.stage.getBoundingClientRect().left));
    });
    host.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        this.zoom(2 ** (event.deltaY / 240), this.when(event.clientX - this.stage.getBoundingClientRect().left));
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        this.pan(event.deltaX / this.width);
      }
    }, { passive: false });
    new ResizeObserver(() => this.host.clientWidth && this.host.clientWidth !== this.width && this.resize()).observe(host);
  }

  click(item) {
    this.cursor = item;
    if (item >= 0 && this.source.zoomsOnClick) this.to(item);
    else this.draw();
  }
}
