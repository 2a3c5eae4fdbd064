// The verdict, told by word, sign, colour and sound.

import { byId, element, svgElement } from "./dom.js";
import { age, wallTime } from "./format.js";
import { onLanguage, pick, t, tOr } from "./i18n.js";
import { explain } from "./problem.js";
import { play } from "./sound.js";

const SIGNS = {
  accepted: "M14 34l12 12 24-28",
  refused: "M18 18l28 28M46 18L18 46",
  problem: "M32 14v24M32 48v2",
  waiting: "M32 12L18 28l10 22 18-24z",
  checking: "M16 32h2M31 32h2M46 32h2",
};

export class VerdictBoard {
  #shown = { verdict: "waiting", advice: () => t("verdict.waiting.about") };

  constructor() {
    onLanguage(() => this.#draw());
    this.#draw();
  }

  /** Shows the answer that `ask` resolves to, or why there is none. */
  async check(ask) {
    this.#shown = { verdict: "checking" };
    this.#draw();
    try {
      this.show(await ask());
    } catch (error) {
      this.show({ verdict: "problem", advice: () => explain(error) });
    }
  }

  /** An answer of the server, or one of ours: `{ verdict, advice() }`. */
  show(answer) {
    this.#shown = answer;
    this.#draw();
    byId("verdict").scrollIntoView({ block: "nearest" });
    play(answer.verdict);
  }

  #draw() {
    const { verdict } = this.#shown;
    const board = byId("verdict");
    board.dataset.verdict = verdict;
    board.replaceChildren(
      svgElement("svg", { class: "sign", viewBox: "0 0 64 64", "aria-hidden": "true" },
        svgElement("circle", { cx: 32, cy: 32, r: 29 }), svgElement("path", { d: SIGNS[verdict] })),
      element("p", { className: "word", textContent: t(`verdict.${verdict}`) }),
      ...explanation(this.#shown),
    );
  }
}

function explanation(answer) {
  if (answer.advice) return [element("p", { textContent: answer.advice() })];
  if (answer.verdict === "checking") return [];
  const lines = [element("p", { textContent: pick(answer, "advice") })];
  // The title of what is accepted is the verdict itself.
  if (answer.verdict !== "accepted") lines.unshift(element("p", { className: "reason", textContent: pick(answer, "title") }));
  if (answer.first_seen_ms) lines.push(element("p", { textContent: t("verdict.first_seen", { time: wallTime(answer.first_seen_ms) }) }));
  if (answer.reason) lines.push(element("p", { className: "small" }, `${t("verdict.reason")} `, element("code", { textContent: answer.reason })));
  if (answer.unconfirmed) lines.push(element("p", { className: "caution", textContent: t("verdict.unconfirmed") }));
  if (answer.offline) lines.push(element("p", { className: "small", textContent: t("verdict.offline") }));
  if (answer.freshness) lines.push(element("p", { className: "small", textContent: freshness(answer.freshness) }));
  if (answer.verdict === "accepted") lines.push(...disclosure(answer.disclosed));
  return lines;
}

/** How old the verifier's knowledge was. */
function freshness({ keys_age_s: keys, status_age_s: status }) {
  const list = status === undefined ? "" : t("verdict.freshness.status", { age: age(status) });
  return t("verdict.freshness", { age: age(keys), list });
}

function disclosure({ photo, photo_format: format, ...disclosed }) {
  const rows = Object.entries(disclosed).map(([field, value]) =>
    element("div", {}, element("dt", { textContent: tOr(`field.${field}`, field) }), element("dd", { textContent: tOr(`value.${value}`, value) })));
  if (photo) rows.unshift(portrait(photo, format));
  const list = rows.length > 0 ? element("dl", {}, ...rows) : element("p", { textContent: t("verdict.nothing") });
  return [element("h3", { textContent: t("verdict.disclosed") }), list];
}

/** `hex` is the picture, byte by byte. */
function portrait(hex, format) {
  const src = `data:image/${format},${hex.replace(/../g, "%$&")}`;
  const picture = element("img", { className: "portrait", src, alt: "" });
  return element("div", {}, element("dt", { textContent: t("field.photo") }), element("dd", {}, picture));
}
