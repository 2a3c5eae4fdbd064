// The code that lives for a minute: fetched, counted down, and replaced before it dies.

import { getJson } from "./api.js";
import { byId } from "./dom.js";
import { onLanguage, pick, t } from "./i18n.js";
import { explain } from "./problem.js";

const TICK_MS = 250;
/** A code with less life than this is not worth showing to a kiosk any more [ms]. */
const RENEW_BEFORE_MS = 2_000;
const RETRY_MS = 2_000;
/** From here on the ring turns red [ms]. */
const SHORT_MS = 10_000;

export class LivingCode {
  #onCode;
  #resident = null;
  #profile = null;
  /** Who makes the code: the phone with its key, or the issuer. */
  #by = "phone";
  /** The challenge that is answered once, by the next code. */
  #challenge = null;
  #code = null;
  /** Server time minus the time of this phone [ms]: a wrong phone clock must not matter. */
  #offset = 0;
  #fetching = false;
  #retryAt = 0;
  /** Counts the wishes, so that an answer to an older one is dropped. */
  #wish = 0;

  /** `onCode` is told each new code, and again when the language changes. */
  constructor(onCode) {
    this.#onCode = onCode;
    onLanguage(() => { if (this.#code) this.#draw(); });
    setInterval(() => this.#tick(), TICK_MS);
    document.addEventListener("visibilitychange", () => this.#tick());
  }

  /** Changes what is given; whatever was shown before is gone at once. */
  show({ resident = this.#resident, profile = this.#profile, by = this.#by, challenge = null }) {
    [this.#resident, this.#profile, this.#by, this.#challenge] = [resident, profile, by, challenge];
    this.#drop();
    this.refresh();
  }

  stop() {
    this.#resident = null;
    this.#drop();
  }

  /** Fetches a new code now. */
  async refresh() {
    const wish = (this.#wish += 1);
    this.#fetching = true;
    try {
      const sent = Date.now();
      const query = new URLSearchParams({ profile: this.#profile, by: this.#by });
      if (this.#challenge) query.set("challenge", this.#challenge);
      const code = await getJson(`/api/phone/${encodeURIComponent(this.#resident)}/code?${query}`);
      if (wish !== this.#wish) return;
      this.#challenge = null;
      // The server read its clock about halfway between question and answer.
      this.#offset = code.server_ms - (sent + Date.now()) / 2;
      this.#code = code;
      byId("trouble").textContent = "";
      this.#draw();
    } catch (error) {
      if (wish !== this.#wish) return;
      this.#retryAt = Date.now() + RETRY_MS;
      byId("trouble").textContent = explain(error);
    } finally {
      if (wish === this.#wish) this.#fetching = false;
    }
  }

  #drop() {
    this.#wish += 1;
    this.#code = null;
    this.#retryAt = 0;
    byId("trouble").textContent = "";
    byId("qr").removeAttribute("src");
    byId("code-text").value = "";
    byId("code").dataset.state = "empty";
    byId("countdown").textContent = "";
  }

  #tick() {
    if (this.#resident === null) return;
    const left = this.#left();
    if (left <= RENEW_BEFORE_MS && !this.#fetching && Date.now() >= this.#retryAt) this.refresh();
    if (this.#code) this.#count(left);
  }

  /** Life left in the code [ms]. */
  #left() {
    return this.#code ? this.#code.expires_ms - (Date.now() + this.#offset) : 0;
  }

  #draw() {
    const { code, svg, card } = this.#code;
    byId("qr").src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    byId("qr").alt = t("phone.qr", { name: pick(card, "name") });
    byId("code-text").value = code;
    this.#onCode(this.#code);
    this.#count(this.#left());
  }

  #count(left) {
    const life = this.#code.expires_ms - this.#code.issued_ms;
    const part = Math.min(1, Math.max(0, left / life));
    byId("ring").querySelector(".ring-left").style.strokeDasharray = `${part * 100} 100`;
    byId("code").dataset.state = left <= 0 ? "expired" : left <= SHORT_MS ? "short" : "fresh";
    const seconds = Math.max(0, Math.ceil((left - RENEW_BEFORE_MS) / 1_000));
    byId("countdown").textContent = left <= 0 ? "" : t("phone.left", { seconds });
  }
}
