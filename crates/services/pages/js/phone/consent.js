// What a reader asks for: put to the phone's owner in words, and answered only if they agree. A question comes from the
// field where its text is pasted, or from afar.

import { getJson } from "../api.js";
import { byId, element } from "../dom.js";
import { onLanguage, pick, t, tOr } from "../i18n.js";
import { recall, remember } from "../memory.js";
import { fromHex } from "../bytes.js";
import { explain } from "../problem.js";
import { now } from "./server-time.js";
import { tell } from "./standing.js";

const QUESTION = /^EIDC:([A-Z0-9-]+):([0-9A-F]{16}):([A-Z]+)$/;
const READERS = "readers";
const TICK_MS = 1_000;

/** The question in a text: `{ verifier, nonce, profile }`; null if it is none. */
export function parseQuestion(text) {
  const parts = QUESTION.exec(text.trim());
  return parts && { verifier: parts[1].toLowerCase(), nonce: fromHex(parts[2]), profile: parts[3].toLowerCase() };
}

export class Consent {
  #onAgreed;
  #onAnswered;
  #onLook;
  #readers = JSON.parse(recall(READERS) ?? "[]");
  /** The question that was pasted. */
  #pasted = null;
  /** Those from afar, each with its `request`. */
  #waiting = [];

  /**
   * `agreed` is told the pasted question that the owner agreed to, `answered(question, agrees)` what they say to one from
   * afar; `look` that they want to see it.
   */
  constructor({ agreed, answered, look }) {
    [this.#onAgreed, this.#onAnswered, this.#onLook] = [agreed, answered, look];
    byId("challenge-text").addEventListener("input", () => this.put(parseQuestion(byId("challenge-text").value)));
    byId("challenge").addEventListener("submit", (event) => {
      event.preventDefault();
      const asked = this.#asked;
      if (asked?.request) return this.#answer(asked, true);
      byId("challenge").reset();
      if (asked) this.#onAgreed(asked);
    });
    byId("challenge").addEventListener("reset", () => {
      if (this.#asked?.request) this.#answer(this.#asked, false);
      else this.put(null);
    });
    setInterval(() => this.#forgetOld(), TICK_MS);
    onLanguage(() => this.#draw());
  }

  /** Learns what readers are called; without their names, a question still says who asks. */
  async learnReaders() {
    this.#readers = await getJson("/api/readers").catch(() => this.#readers);
    remember(READERS, JSON.stringify(this.#readers));
    this.#draw();
  }

  get #asked() { return this.#pasted ?? this.#waiting[0] ?? null; }

  /** Puts those who wait afar to the owner, one after the other; an empty list takes them away. */
  wait(requests) {
    this.#waiting = requests.map(({ request, verifier, profile, expires_ms }) => ({ request, verifier, nonce: fromHex(request), profile, expires_ms }));
    if (requests.length > 0) byId("consent-told").textContent = "";
    this.#draw();
  }

  async #answer(asked, agrees) {
    const who = this.#nameOf(asked.verifier);
    this.#waiting = this.#waiting.filter((other) => other !== asked);
    this.#draw();
    try {
      await this.#onAnswered(asked, agrees);
      byId("consent-told").textContent = t(agrees ? "phone.asked.shared" : "phone.asked.denied", { who });
    } catch (error) {
      byId("consent-told").textContent = explain(error);
      // Whatever else went wrong, the reader still waits.
      if (error.code !== "request_unknown") this.#waiting = [asked, ...this.#waiting];
      this.#draw();
    }
  }

  #forgetOld() {
    const living = this.#waiting.filter(({ expires_ms }) => expires_ms > now());
    if (living.length === this.#waiting.length) return;
    this.#waiting = living;
    this.#draw();
  }

  #nameOf(verifier) {
    const reader = this.#readers.find(({ name }) => name === verifier);
    return reader ? pick(reader, "name") : verifier;
  }

  /** Puts a pasted question to the owner; null takes it away. */
  put(question) {
    this.#pasted = question;
    // While a form is reset its fields still have their text.
    setTimeout(() => this.#draw());
  }

  #draw() {
    const asked = this.#asked;
    byId("consent").hidden = !asked;
    this.#announce();
    byId("challenge-wrong").textContent = !asked && byId("challenge-text").value.trim() !== "" ? t("phone.challenge.wrong") : "";
    if (!asked) return;
    const reader = this.#readers.find((known) => known.name === asked.verifier);
    const who = this.#nameOf(asked.verifier);
    byId("challenge-asks").textContent = t("phone.challenge.asks", { who, what: tOr(`profile.${asked.profile}`, asked.profile) });
    const about = tOr(`profile.${asked.profile}.about`, "");
    const known = reader ? [] : [element("p", { className: "warning", textContent: t("phone.challenge.stranger", { who }) })];
    byId("challenge-about").replaceChildren(element("p", { textContent: about }), ...known);
  }
  /** What waits is told wherever on the phone its owner is. */
  #announce() {
    const [asked] = this.#waiting;
    const words = () => t("phone.asked", { who: this.#nameOf(asked.verifier), what: tOr(`profile.${asked.profile}`, asked.profile) });
    const action = { label: () => t("phone.asked.look"), run: () => this.#onLook() };
    tell("asked", asked ? words : null, { severity: "warning", action });
  }
}
