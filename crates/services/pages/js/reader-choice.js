// As which reader the kiosk asks, and the challenge it shows if that reader wants an answer.

import { getJson } from "./api.js";
import { byId, element } from "./dom.js";
import { onLanguage, pick, t } from "./i18n.js";
import { recall, remember } from "./memory.js";
import { explain } from "./problem.js";

export class ReaderChoice {
  #readers = [];
  #challenge = null;
  #trouble = null;
  /** Counts the challenges asked for, so that a late one is dropped. */
  #wish = 0;

  constructor() {
    byId("reader").addEventListener("change", () => {
      remember("reader", byId("reader").value);
      this.renew();
    });
    onLanguage(() => this.#draw());
    this.start();
  }

  /** What the server wants to know of who asks: `{ reader?, challenge? }`. */
  asking() {
    const asking = {};
    if (byId("reader").value) asking.reader = byId("reader").value;
    if (this.#challenge) asking.challenge = this.#challenge.nonce;
    return asking;
  }

  /** A new challenge, if this reader has any: one is answered once. */
  async renew() {
    const wish = (this.#wish += 1);
    this.#challenge = this.#trouble = null;
    this.#draw();
    if (this.#chosen()?.assurance !== "challenge") return;
    try {
      const challenge = await getJson(`/api/kiosk/challenge?reader=${encodeURIComponent(byId("reader").value)}`);
      if (wish === this.#wish) this.#challenge = challenge;
    } catch (error) {
      if (wish === this.#wish) this.#trouble = () => explain(error);
    }
    this.#draw();
  }

  /** Learns which readers there are, and begins with the one that was chosen last. */
  async start() {
    try {
      this.#readers = await getJson("/api/readers");
      this.#list(recall("reader") ?? "");
      await this.renew();
    } catch (error) {
      this.#trouble = () => explain(error);
      this.#draw();
    }
  }

  #chosen() {
    return this.#readers.find((reader) => reader.name === byId("reader").value);
  }

  #list(chosen) {
    const any = element("option", { value: "", textContent: t("kiosk.reader.any") });
    const options = this.#readers.map((reader) => element("option", { value: reader.name, textContent: pick(reader, "name") }));
    byId("reader").replaceChildren(any, ...options);
    byId("reader").value = this.#readers.some((reader) => reader.name === chosen) ? chosen : "";
  }

  #draw() {
    this.#list(byId("reader").value);
    const reader = this.#chosen();
    const asks = reader && t("kiosk.reader.asks", { what: t(`profile.${reader.may_ask[0]}`), how: t(`kiosk.assurance.${reader.assurance}`) });
    byId("reader-about").textContent = this.#trouble?.() ?? asks ?? t("kiosk.reader.any.about");
    byId("challenge").hidden = this.#challenge === null;
    if (this.#challenge === null) return;
    byId("challenge-qr").src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(this.#challenge.svg)}`;
    byId("challenge-qr").alt = t("kiosk.challenge.qr");
    byId("challenge-text").textContent = this.#challenge.challenge;
  }
}
