// The page: its theme, its sections, its charts, and what the tracks show.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const CLASS_COLOURS = ["waiting", "first", "streaming", "konseho", "others"];
const CLASS_HEIGHTS = [0.34, 0.56, 0.78, 0.22, 0.56];
const GROUPS = ["#e69f00", "#56b4e9", "#5cc4a2", "#f0e442", "#dd9abd", "#9db8e8", "#d8a47f", "#b9c0ca"];
const count = (number) => number.toLocaleString("en");
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

const duration = (nanoseconds) => {
  const seconds = nanoseconds / 1e9;
  if (seconds >= 60) return `${Math.floor(seconds / 60)} m ${(seconds % 60).toFixed(1)} s`;
  if (seconds >= 1) return `${seconds.toFixed(3)} s`;
  return seconds >= 1e-3 ? `${(seconds * 1e3).toFixed(2)} ms` : `${(seconds * 1e6).toFixed(1)} µs`;
};

const figures = (span, divisor) => `.${Math.max(0, Math.min(9, Math.ceil(-Math.log10(span / divisor / 10)) + 1))}~f`;

const timeUnit = ([low, high]) => {
  const span = high - low;
  const [divisor, suffix] = high >= 1e9 ? [1e9, " s"] : high >= 1e6 ? [1e6, " ms"] : [1e3, " µs"];
  return { divisor, suffix, figures: figures(span, divisor) };
};

const laneSource = (lanes) => {
  const frames = new Set(["ask", "step"]);
  const name = (who) => {
    const [step, agent, label] = lanes.people[who];
    return [step, label].filter(Boolean).join(" ") + (agent ? ` / ${agent}` : "");
  };
  return {
    ...lanes, rows: Math.max(...lanes.lanes.map((lane) => lane.row + lane.rows)), rowHeight: 22, gutter: 170,
    margin: 0.08, least: 1000, unit: timeUnit, outlines: lanes.path, zoomsOnClick: false,
    look(item) {
      const kind = lanes.kinds[lanes.kind[item]];
      if (kind.name === "step") return { c: colour("soft"), o: 0.22, h: 0.82 };
      // A step that waits for its own agents waits for nothing that could be had.
      if (kind.name === "barrier") return { c: colour("soft"), o: 0.75, h: 0.14 };
      const c = this.colours[kind.class];
      return frames.has(kind.name) ? { c, o: 0.25, h: 0.82 } : { c, o: 1, h: CLASS_HEIGHTS[kind.class] };
    },
    word: () => "",
    tell(item) {
      const kind = lanes.kinds[lanes.kind[item]];
      const lines = [name(lanes.who[item]), `${kind.name} (${lanes.classes[kind.class]}) · ${duration(lanes.end[item] - lanes.start[item])}`, `from ${duration(lanes.start[item])} to ${duration(lanes.end[item])}`];
      if (lanes.waker[item] >= 0) {
        const word = kind.class === 0 ? "ended by" : "started by";
        lines.push(`${word} ${name(lanes.waker[item])} (${lanes.kinds[lanes.woken[item]].name})`);
      }
      return lines;
    },
    recolour() {
      this.colours = CLASS_COLOURS.map(colour);
    },
  };
};

const flameSource = (flames) => ({
  ...flames, rowHeight: 20, gutter: 0, margin: 0, least: 1, zoomsOnClick: true, found: null,
  unit([low, high]) {
    if (flames.unit !== "µs") return { divisor: 1, suffix: ` ${flames.unit}`, figures: figures(high - low, 1) };
    const unit = timeUnit([low * 1e3, high * 1e3]);
    return { ...unit, divisor: unit.divisor / 1e3 };
  },
  amount: (value) => flames.unit === "µs" ? duration(value * 1e3) : `${count(value)} ${flames.unit}`,
  look(item) {
    const c = flames.group[item] < 0 ? "#b9c0ca" : GROUPS[Math.min(flames.group[item], GROUPS.length - 1)];
    return { c, o: this.found && !this.found.has(item) ? 0.22 : 1, h: 0.95, gap: true, text: this.found && !this.found.has(item) ? colour("soft") : "#16181b" };
  },
  word: (item) => flames.name[item],
  tell(item) {
    const value = flames.end[item] - flames.start[item];
    const lines = [flames.name[item], `${this.amount(value)} · ${percent(value / flames.length)}, ${this.amount(flames.own[item])} of its own`];
    if (flames.where[item]) lines.push(flames.where[item]);
    if (flames.group[item] >= 0) lines.push(flames.groups[flames.group[item]]);
    return lines;
  },
  recolour() {},
});

const swatch = (host, shade, height, words, opacity = 1) => {
  const box = document.createElement("i");
  Object.assign(box.style, { display: "inline-block", width: "18px", height: `${height}px`, borderRadius: "2px", background: shade, opacity });
  const label = document.createElement("span");
  label.append(box, words);
  host.append(label);
  return box;
};

const legends = () => {
  const lanes = document.getElementById("lanes-legend");
  if (lanes && data.lanes) {
    lanes.replaceChildren();
    const used = new Set(data.lanes.kinds.filter((kind) => kind.name !== "barrier").map((kind) => kind.class));
    data.lanes.classes.forEach((words, number) => {
      if (used.has(number)) swatch(lanes, colour(CLASS_COLOURS[number]), 18 * CLASS_HEIGHTS[number], words);
    });
    const box = swatch(lanes, "transparent", 14, "critical path");
    box.style.border = `1.6px solid ${colour("ink")}`;
  }
  const flames = document.getElementById("flames-legend");
  if (flames && data.flames) {
    flames.replaceChildren();
    const { groups } = data.flames;
    groups.slice(0, GROUPS.length - 1).forEach((group, number) => swatch(flames, GROUPS[number], 12, group));
    if (groups.length >= GROUPS.length) swatch(flames, GROUPS.at(-1), 12, groups.length === GROUPS.length ? groups.at(-1) : "others");
  }
};

const chartConfig = () => {
  const [ink, soft, line] = ["ink", "soft", "line"].map(colour);
  const font = "system-ui, sans-serif";
  return {
    background: null, font, view: { stroke: null }, autosize: { type: "fit-x", contains: "padding" }, padding: { left: 0, right: 8, top: 4, bottom: 4 },
    range: { category: CLASS_COLOURS.map(colour) }, text: { color: ink, font, fontSize: 12 },
    axis: { labelColor: ink, titleColor: soft, titleFontWeight: "normal", titleFontSize: 12, labelFontSize: 12, labelFont: font, titleFont: font, gridColor: line, tickColor: line, domainColor: line },
    axisY: { grid: false, ticks: false, domain: false, labelPadding: 8 },
    legend: { labelColor: ink, titleColor: soft, labelFontSize: 12, labelFont: font, symbolType: "square" },
  };
};

const chartTip = (_, event, __, value) => {
  if (value === null || value === undefined || value === "") return tip.hide();
  const lines = typeof value === "object" ? Object.entries(value).map(([key, each]) => (key === "what" || key === "name" ? String(each) : `${key}: ${each}`)) : [String(value)];
  return tip.show(lines, event.clientX, event.clientY);
};

const embedded = new Map();
const drawChart = async (name) => {
  const host = document.getElementById(`chart-${name}`);
  if (!host) return;
  const options = { mode: "vega-lite", ast: true, actions: false, renderer: "canvas", defaultStyle: false, tooltip: chartTip, config: chartConfig() };
  if (data.charts[name].padding) delete options.config.padding;
  embedded.get(name)?.finalize();
  embedded.set(name, await vegaEmbed(host, data.charts[name], options));
};
const drawCharts = () => Promise.all(Object.keys(data.charts).map(drawChart));

const tracks = {};
if (data.lanes) tracks.lanes = new Tracks("lanes", laneSource(data.lanes));
if (data.flames) tracks.flames = new Tracks("flames", flameSource(data.flames));

const dark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

const paintTheme = () => {
  const button = document.getElementById("theme");
  button.setAttribute("aria-pressed", String(dark()));
  legends();
  for (const each of Object.values(tracks)) {
    each.source.recolour();
    each.draw();
  }
  return drawCharts();
};

document.getElementById("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  paintTheme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintTheme);

for (const button of document.querySelectorAll("button[data-tracks]")) {
  button.addEventListener("click", () => {
    const each = tracks[button.dataset.tracks];
    ({ in: () => each.zoom(0.5), out: () => each.zoom(2), fit: () => each.fit() })[button.dataset.do]();
  });
}

const pathOnly = document.getElementById("lanes-path");
if (pathOnly) pathOnly.parentElement.hidden = !data.lanes.path.length;
pathOnly?.addEventListener("change", (event) => {
  const wanted = new Set(data.lanes.path.map(([row]) => row));
  tracks.lanes.arrange((row) => !event.target.checked || wanted.has(row));
  tracks.lanes.host.scrollTop = 0;
  tracks.lanes.resize();
});

document.getElementById("flames-search")?.addEventListener("input", (event) => {
  const { source } = tracks.flames;
  const wanted = event.target.value.trim().toLowerCase();
  const found = wanted ? source.name.map((_, item) => item).filter((item) => `${source.name[item]} ${source.where[item]}`.toLowerCase().includes(wanted)) : null;
  source.found = found && new Set(found);
  let [covered, reached] = [0, 0];
  for (const item of [...(found ?? [])].sort((a, b) => source.start[a] - source.start[b])) {
    covered += Math.max(0, source.end[item] - Math.max(reached, source.start[item]));
    reached = Math.max(reached, source.end[item]);
  }
  document.getElementById("flames-said").textContent = found ? `${count(found.length)} frames, ${percent(covered / source.length)}` : "";
  document.getElementById("flames-tracks").dataset.found = found ? found.length : "";
  tracks.flames.draw();
});

document.addEventListener("keydown", (event) => event.key === "Escape" && tip.hide());

const index = document.getElementById("sections");
for (const section of document.querySelectorAll("main > section")) {
  const [item, link] = [document.createElement("li"), document.createElement("a")];
  link.href = `#${section.id}`;
  link.textContent = section.querySelector("h2").textContent;
  item.append(link);
  index.append(item);
}

const start = async () => {
  await paintTheme();
  for (const each of Object.values(tracks)) await each.open();
  document.documentElement.dataset.ready = "true";
};
start();
