// What a reader asks for: put to the phone's owner in words, and answered only if they agree. A question comes from
// the field where its text is pasted; whatever else brings one calls `put`.

import { getJson } from "../api.js";
import { byId, element } from "../dom.js";
import { onLanguage, pick, t, tOr } from "../i18n.js";
import { recall, remember } from "../memory.js";
import { fromHex } from "../bytes.js";

const QUESTION = /^EIDC:([A-Z0-9-]+):([0-9A-F]{16}):([A-Z]+)$/;
const READERS = "readers";

/** The question in a text: `{ verifier, nonce, profile }`; null if it is none. */
export function parseQuestion(text) {
  const parts = QUESTION.exec(text.trim());
  return parts && { verifier: parts[1].toLowerCase(), nonce: fromHex(parts[2]), profile: parts[3].toLowerCase() };
}

export class Consent {
  #onAgreed;
  #readers = JSON.parse(recall(READERS) ?? "[]");
  #asked = null;

  /** `onAgreed` is told the question that the owner agreed to. */
  constructor(onAgreed) {
    this.#onAgreed = onAgreed;
    byId("challenge-text").addEventListener("input", () => this.put(parseQuestion(byId("challenge-text").value)));
    byId("challenge").addEventListener("submit", (event) => {
      event.preventDefault();
      const asked = this.#asked;
      byId("challenge").reset();
      if (asked) this.#onAgreed(asked);
    });
    byId("challenge").addEventListener("reset", () => this.put(null));
    onLanguage(() => this.#draw());
  }

  /** Learns what readers are called; without their names, a question still says who asks. */
  async learnReaders() {
    this.#readers = await getJson("/api/readers").catch(() => this.#readers);
    remember(READERS, JSON.stringify(this.#readers));
    this.#draw();
  }

  /** Puts a question to the owner; null takes it away. */
  put(question) {
    this.#asked = question;
    // While a form is reset its fields still have their text.
    setTimeout(() => this.#draw());
  }

  #draw() {
    const asked = this.#asked;
    byId("consent").hidden = !asked;
    byId("challenge-wrong").textContent = !asked && byId("challenge-text").value.trim() !== "" ? t("phone.challenge.wrong") : "";
    if (!asked) return;
    const reader = this.#readers.find((known) => known.name === asked.verifier);
    const who = reader ? pick(reader, "name") : asked.verifier;
    byId("challenge-asks").textContent = t("phone.challenge.asks", { who, what: tOr(`profile.${asked.profile}`, asked.profile) });
    const about = tOr(`profile.${asked.profile}.about`, "");
    const known = reader ? [] : [element("p", { className: "warning", textContent: t("phone.challenge.stranger", { who }) })];
    byId("challenge-about").replaceChildren(element("p", { textContent: about }), ...known);
  }
}
