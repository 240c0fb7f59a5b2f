// Keeps the page at the present: numbers as they come, and the parts of the page when something new is in the record.
const number = new Intl.NumberFormat(
  document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang,
  {
    maximumFractionDigits: 0,
  },
);
const asOf = document.querySelector("[data-as-of]");
let { version } = document.querySelector("[data-version]").dataset;

function show(name, watts) {
  const label = document.querySelector(`[data-label="${name}"]`);
  const figure = document.querySelector(`[data-figure="${name}"]`);
  if (!label || !figure) return;
  label.textContent =
    watts === null ? label.dataset.unknown : watts < 0 ? label.dataset.negative : label.dataset.positive;
  figure.className = watts === null ? "unknown" : figure.dataset.tone;
  if (watts === null) {
    figure.textContent = figure.dataset.unknown;
    return;
  }
  const unit = document.createElement("small");
  unit.textContent = "W";
  figure.replaceChildren(`${number.format(Math.abs(watts))} `, unit);
}

async function exchangeParts() {
  const answer = await fetch(location.pathname);
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    // Not under the reader's eyes: what is opened or in focus stays until it is closed.
    if (!next || part.querySelector("details[open]") || part.contains(document.activeElement)) continue;
    const figure = part.querySelector("[data-curve]");
    if (figure) exchangeCurve(figure, part, next);
    else part.replaceChildren(...next.childNodes);
  }
  const nextAsOf = fresh.querySelector("[data-as-of]");
  if (asOf && nextAsOf) asOf.textContent = nextAsOf.textContent;
}

/** The plot keeps its canvas; only its data, the picture below and the table are new. */
function exchangeCurve(figure, part, next) {
  for (const selector of ["script[type='application/json']", ".curve-still", "details", "h2"]) {
    const [old, fresh] = [part.querySelector(selector), next.querySelector(selector)];
    if (old && fresh) old.replaceWith(fresh);
  }
  figure.dispatchEvent(new Event("redraw"));
}

const stream = new EventSource("/api/live");
stream.addEventListener("power", (event) => {
  const power = JSON.parse(event.data);
  for (const name of ["using", "production", "grid", "battery"]) show(name, power[name]);
  const measured = document.querySelector("[data-measured]");
  measured.textContent =
    power.asOf === null
      ? measured.dataset.none
      : measured.dataset.measured.replace("{time}", power.asOfLocal);
  if (asOf) asOf.hidden = true;
  if (version !== power.version) exchangeParts().catch(() => undefined);
  version = power.version;
});
stream.addEventListener("error", () => {
  if (asOf) asOf.hidden = false;
});
