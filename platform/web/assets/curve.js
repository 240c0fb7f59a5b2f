// Draws the curve of a day over the still picture that the server made.
// The figure holds its data as JSON: { zone, start, end, times: [s], series: [{ label, role, values: [W or null] }] }.
// A null is a gap and stays one.
import uPlot from "uplot";

const heightOf = (width) => (width > 480 ? 320 : 220);
/** Distances of the grid lines, W: 1, 2 or 5 times a power of ten. */
const STEPS_W = [10, 100, 1_000, 10_000, 100_000].flatMap((ten) => [ten, 2 * ten, 5 * ten]);
const QUARTER_HOUR_S = 900;
const plots = new Map();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function seriesOf({ label, role }) {
  const stroke = colour(role === "production" ? "--sun-fill" : "--use-fill");
  return {
    label,
    stroke,
    width: 2,
    spanGaps: false,
    points: { show: false },
    // A quarter hour is one mean: a step, not a slope.
    paths: uPlot.paths.stepped({ align: 1 }),
    ...(role === "production" && { fill: `${stroke}55` }),
  };
}

function optionsOf(data, width) {
  const axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 });
  const hour = new Intl.DateTimeFormat("en-GB", { timeZone: data.zone, hour: "2-digit", minute: "2-digit" });
  return {
    width,
    height: heightOf(width),
    padding: [12, 22, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.zone),
    scales: {
      x: { range: [data.start, data.end] },
      y: { range: (_, low, high) => [0, Math.max(high ?? 0, 400) * 1.1] },
    },
    axes: [
      { ...axis, space: 56, size: 30, values: (_, splits) => splits.map((s) => hour.format(s * 1000)) },
      {
        ...axis,
        size: 44,
        incrs: STEPS_W,
        values: (_, splits) => splits.map((watt) => number.format(watt / 1000)),
      },
    ],
    series: [{}, ...data.series.map(seriesOf)],
  };
}

/** A step needs the end of its last quarter hour: one more point with the value held. */
function columnsOf({ times, series }) {
  const last = times.at(-1);
  if (last === undefined) return [[], ...series.map(() => [])];
  return [[...times, last + QUARTER_HOUR_S], ...series.map(({ values }) => [...values, values.at(-1)])];
}

/** Draws (again) what the figure's JSON says; a "redraw" event on the figure asks for it. */
function draw(figure) {
  const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const box = figure.querySelector(".curve-plot");
  plots.get(figure)?.destroy();
  plots.delete(figure);
  if (data.times.length === 0) return;
  figure.classList.add("is-drawn");
  plots.set(figure, new uPlot(optionsOf(data, box.clientWidth), columnsOf(data), box));
}

const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const plot = plots.get(target.closest("[data-curve]"));
    if (plot && contentRect.width > 0)
      plot.setSize({ width: contentRect.width, height: heightOf(contentRect.width) });
  }
});

function drawAll() {
  for (const figure of document.querySelectorAll("[data-curve]")) draw(figure);
}
drawAll();
for (const figure of document.querySelectorAll("[data-curve]"))
  figure.addEventListener("redraw", () => draw(figure));
for (const box of document.querySelectorAll("[data-curve] .curve-plot")) sizes.observe(box);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
