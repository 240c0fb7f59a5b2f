// Fetches the page again every few seconds and puts its <main> in place; without JavaScript the page stands as it came.
const EVERY_MS = 3_000;

/** What the reader opened stays open: details are known by the id of their section. */
function keepOpen(from, to) {
  for (const { id } of from.querySelectorAll("details[open][id]")) {
    to.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  }
}

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { redirect: "error" });
  if (!answer.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  const main = document.querySelector("main");
  if (!next) return;
  keepOpen(main, next);
  if (next.innerHTML !== main.innerHTML) main.innerHTML = next.innerHTML;
}

// A hub that cannot be reached for a moment is asked again.
setInterval(() => refresh().catch(() => undefined), EVERY_MS);
