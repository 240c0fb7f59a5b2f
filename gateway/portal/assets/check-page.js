// The page that checks a proof file: reads it here, and says in words what egress-check.js found.
import { checkProof } from "./egress-check.js";

const card = document.querySelector("[data-check]");
const verdict = card.querySelector("[data-verdict]");
const words = JSON.parse(card.dataset.words);
const { language, zone, log } = card.dataset;
const time = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
  ...{ timeZone: zone, dateStyle: "medium", timeStyle: "short" },
});

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function holding(found) {
  const list = document.createElement("dl");
  list.className = "terms";
  const row = (label, value) => list.append(element("dt", label), element("dd", value));
  row(words.about, found.member);
  row(words.forWhom, found.recipient);
  row(words.underOffer, found.offer);
  row(words.span, `${time.format(found.window.from)} – ${time.format(found.window.to)}`);
  row(words.place, words.placeOf.replace("{n}", found.index + 1).replace("{size}", found.size));
  const seen = found.witnessed.map((one) =>
    words.seenAt.replace("{name}", one.name).replace("{time}", time.format(one.time)),
  );
  row(words.seenBy, seen.join("; ") || words.seenByNone);
  const own = found.log === log;
  return [
    element("p", words.holds, "verdict good"),
    element("p", own ? words.ownLog : words.otherLog, own ? "" : "bad"),
    ...(own ? [] : [element("pre", found.log, "key")]),
    list,
    element("h2", words.whatLeft),
    element("pre", found.bytes),
  ];
}

const failing = ({ because }) => [element("p", words.fails, "verdict bad"), element("p", words[because])];

const input = card.querySelector("input");

async function look() {
  const [file] = input.files;
  if (!file) return;
  const found = await checkProof(await file.text());
  verdict.replaceChildren(...(found.holds ? holding(found) : failing(found)));
}

input.addEventListener("change", look);
// A file may have been chosen before this was there.
look();
