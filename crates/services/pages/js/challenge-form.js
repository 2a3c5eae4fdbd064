// A kiosk's challenge: read, put to the phone's owner, and answered only if they agree.

import { getJson } from "./api.js";
import { byId } from "./dom.js";
import { onLanguage, pick, t, tOr } from "./i18n.js";

export class ChallengeForm {
  #onAgreed;
  #readers = [];

  /** `onAgreed` is told the text of a challenge that the owner agreed to. */
  constructor(onAgreed) {
    this.#onAgreed = onAgreed;
    byId("challenge-text").addEventListener("input", () => this.#draw());
    byId("challenge").addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#asked()) return;
      this.#onAgreed(byId("challenge-text").value.trim());
      byId("challenge").reset();
    });
    // The fields are empty only after the event.
    byId("challenge").addEventListener("reset", () => setTimeout(() => this.#draw()));
    onLanguage(() => this.#draw());
    this.#start();
  }

  async #start() {
    // Without the names, a challenge still says who asks.
    this.#readers = await getJson("/api/readers").catch(() => []);
    this.#draw();
  }

  /** Who asks for what; null if the text is no challenge. */
  #asked() {
    const parts = /^EIDC:([A-Z0-9-]+):[0-9A-F]{16}:([A-Z]+)$/.exec(byId("challenge-text").value.trim());
    return parts && { verifier: parts[1].toLowerCase(), profile: parts[2].toLowerCase() };
  }

  #draw() {
    const asked = this.#asked();
    byId("challenge-agree").hidden = byId("challenge-deny").hidden = !asked;
    const isWrong = !asked && byId("challenge-text").value.trim() !== "";
    if (!asked) {
      byId("challenge-asks").textContent = isWrong ? t("phone.challenge.wrong") : "";
      return;
    }
    const reader = this.#readers.find((known) => known.name === asked.verifier);
    const who = reader ? pick(reader, "name") : asked.verifier;
    byId("challenge-asks").textContent = t("phone.challenge.asks", { who, what: tOr(`profile.${asked.profile}`, asked.profile) });
  }
}
