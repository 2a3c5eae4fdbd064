// Eight digits instead of a picture, for a reader whose camera sees nothing: they stand for one showing, once, for a while.

import { byId } from "../dom.js";
import { languageTag, onLanguage, t } from "../i18n.js";
import { explain } from "../problem.js";
import { now } from "./server-time.js";

const TICK_MS = 250;
/** Each digit by itself, slow enough to be typed along. */
const RATE = 0.7;

export class Spoken {
  #make;
  /** What is shown: `{ spoken, expires_ms }`. */
  #shown = null;
  #note = () => t("spoken.about");
  /** Counts the wishes, so that a late answer to an older one is dropped. */
  #wish = 0;

  /** `make` asks for digits of what the phone shows now. */
  constructor(make) {
    this.#make = make;
    byId("spoken-ask").addEventListener("click", () => this.#ask());
    byId("spoken-aloud").hidden = !("speechSynthesis" in window);
    byId("spoken-aloud").addEventListener("click", () => this.#readAloud());
    setInterval(() => this.#tick(), TICK_MS);
    onLanguage(() => this.#draw());
    this.#draw();
  }

  /** Takes them away: something else is shown now. */
  clear() {
    this.#wish += 1;
    this.#show(null, () => t("spoken.about"));
  }

  async #ask() {
    const wish = (this.#wish += 1);
    byId("spoken-ask").disabled = true;
    try {
      const made = await this.#make();
      if (wish === this.#wish) this.#show(made, () => t("spoken.tell"));
    } catch (error) {
      const words = explain(error);
      if (wish === this.#wish) this.#show(null, () => words);
    } finally {
      byId("spoken-ask").disabled = false;
    }
  }

  #show(made, note) {
    [this.#shown, this.#note] = [made, note];
    this.#draw();
  }

  #tick() {
    if (this.#shown === null) return;
    const left = Math.ceil((this.#shown.expires_ms - now()) / 1_000);
    if (left <= 0) this.#show(null, () => t("spoken.over"));
    else byId("spoken-left").textContent = t("spoken.left", { seconds: left });
  }

  #readAloud() {
    const words = new SpeechSynthesisUtterance([...this.#shown.spoken].join(", "));
    words.lang = languageTag();
    words.rate = RATE;
    speechSynthesis.cancel();
    speechSynthesis.speak(words);
  }

  #draw() {
    byId("spoken").hidden = this.#shown === null;
    byId("spoken-digits").textContent = this.#shown === null ? "" : `${this.#shown.spoken.slice(0, 4)} ${this.#shown.spoken.slice(4)}`;
    byId("spoken-note").textContent = this.#note();
    this.#tick();
  }
}
