// What came of the last thing that was done at the till: a word, a reason, what to do.

import { ApiProblem } from "../api.js";
import { byId, element } from "../dom.js";
import { onLanguage, pick, t, tOr } from "../i18n.js";
import { explain } from "../problem.js";
import { play } from "../sound.js";

export class Outcome {
  #lines = () => [];

  constructor() {
    onLanguage(() => this.#draw());
  }

  clear() {
    this.#set("", () => []);
  }

  done(key, values = () => ({})) {
    this.#set("done", () => [element("b", { textContent: t(key, values()) })]);
    play("accepted");
  }

  /** A refusal by its code; whatever else went wrong, in its own words. */
  problem(error) {
    if (!(error instanceof ApiProblem)) throw error;
    this.#set("refused", () => [
      element("b", { textContent: t("till.refused") }),
      element("span", { textContent: reason(error) }),
      element("p", {}, element("code", { textContent: [error.code, error.members.reason].filter(Boolean).join(" · ") })),
    ]);
    play("refused");
  }

  #set(kind, lines) {
    byId("outcome").dataset.kind = kind;
    this.#lines = lines;
    this.#draw();
  }

  #draw() {
    byId("outcome").replaceChildren(...this.#lines());
  }
}

/** In the server's words for what is no identity code, else in ours. */
function reason(error) {
  const { members, code } = error;
  if (members.title_en) return `${pick(members, "title")}: ${pick(members, "advice")}`;
  return tOr(`till.refusal.${code}`, null) ?? explain(error);
}
