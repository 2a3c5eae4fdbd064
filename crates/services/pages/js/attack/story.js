// What came of an attack: step by step, who said no and why, and what stays.

import { byId, element, svgElement } from "../dom.js";
import { number, wallTime, yuan } from "../format.js";
import { onLanguage, pick, t, tOr } from "../i18n.js";
import { explain } from "../problem.js";
import { play } from "../sound.js";

const SHIELD = "M32 12l18 7v12c0 11-8 18-18 22-10-4-18-11-18-22V19zM23 32l7 7 12-13";
/** By how it ended. */
const SIGNS = { refused: SHIELD, noticed: SHIELD, outlived: SHIELD, succeeded: "M18 18l28 28M46 18L18 46", problem: "M32 14v24M32 48v2" };
/** How the facts of a step are written. */
const FORMATS = { total: yuan, pool: yuan, fresh_pool: yuan, ms: (ms) => number(ms / 1e3, 2), first_seen_ms: wallTime };

export class Story {
  #lines = () => [element("p", { className: "quiet-note", textContent: t("attack.none") })];

  constructor() {
    onLanguage(() => this.#draw());
    this.#draw();
  }

  begin(attack) {
    this.#tell(() => [title(attack), element("p", { className: "quiet-note", textContent: t("attack.running") })]);
  }

  show(attack, { steps, end, after }) {
    this.#tell(() => [title(attack), stepList(steps, "ol", "steps"), ending(end), ...aftermath(after)]);
    play(end.kind === "succeeded" ? "refused" : "accepted");
  }

  problem(attack, error) {
    explain(error);
    this.#tell(() => [title(attack), frame("problem", t("attack.not_done"), error.code, explain(error))]);
    play("problem");
  }

  #tell(lines) {
    this.#lines = lines;
    this.#draw();
  }

  #draw() {
    byId("story").replaceChildren(...this.#lines());
  }
}

const title = (attack) => element("h3", { textContent: t(`attack.${attack}`) });

function stepList(steps, tag, className) {
  return element(tag, { className }, ...steps.map(({ what, facts }) => element("li", { textContent: t(`attack.step.${what}`, written(facts)) })));
}

function aftermath(after) {
  return after.length === 0 ? [] : [element("h3", { textContent: t("attack.after") }), stepList(after, "ul", "after")];
}

/** Facts as people read them, in the language of the page. */
function written(facts) {
  const entries = Object.entries(facts ?? {}).map(([name, value]) => [name, FORMATS[name] && value !== null ? FORMATS[name](value) : value]);
  const words = Object.fromEntries(entries);
  return facts?.street_en ? { ...words, street: pick(facts, "street") } : words;
}

function ending(end) {
  const who = t(`attack.by.${end.by}`);
  // The verifier's advice is for the counter, and says why; who else answered is worded here.
  const facts = written(end.facts);
  const why = end.title_en ? [pick(end, "title"), pick(end, "advice")] : [reason(end.code, facts)];
  if (facts.first_seen_ms) why.push(t("verdict.first_seen", facts));
  return frame(end.kind, t(`attack.kind.${end.kind}`, { who }), end.code, ...why);
}

/** A code of the payer that has no words here has some at the till. */
function reason(code, facts) {
  const here = `attack.why.${code}`;
  return tOr(here, null) === null ? tOr(`till.refusal.${code}`, "") : t(here, facts);
}

function frame(kind, word, code, ...why) {
  return element("div", { className: "end", data: { kind } },
    svgElement("svg", { class: "sign", viewBox: "0 0 64 64", "aria-hidden": "true" }, svgElement("circle", { cx: 32, cy: 32, r: 30 }), svgElement("path", { d: SIGNS[kind] })),
    element("p", { className: "by", textContent: word }),
    element("p", {}, element("code", { textContent: code })),
    ...why.map((line) => element("p", { textContent: line })));
}
