// The code on the screen: made, counted down, and replaced before it dies.

import { byId } from "../dom.js";
import { onLanguage, t } from "../i18n.js";
import { explain } from "../problem.js";
import { qrSvg } from "./qr.js";
import { now } from "./server-time.js";

const TICK_MS = 250;
const RETRY_MS = 2_000;
/** With this part of its time left the ring turns red. */
const SHORT_PART = 0.2;

export class LivingCode {
  /** Makes the next code: `{ code, issued_ms, renew_ms, expires_ms }`; null while nothing is shown. */
  #make = null;
  #onFailed;
  #code = null;
  #nameOf = () => "";
  #making = false;
  #retryAt = 0;
  /** Counts the wishes, so that the answer to an older one is dropped. */
  #wish = 0;

  /** `onFailed` hears why no code could be made, and says whether that is told elsewhere. */
  constructor(onFailed) {
    this.#onFailed = onFailed;
    onLanguage(() => { if (this.#code) this.#draw(); });
    setInterval(() => this.#tick(), TICK_MS);
    document.addEventListener("visibilitychange", () => this.#tick());
  }

  /** Shows what `make` makes from now on, of somebody called `nameOf()`; whatever was shown before is gone at once. */
  show(make, nameOf) {
    this.stop();
    [this.#make, this.#nameOf] = [make, nameOf];
    this.refresh();
  }

  stop() {
    this.#wish += 1;
    [this.#make, this.#code, this.#making, this.#retryAt] = [null, null, false, 0];
    byId("trouble").textContent = "";
    byId("qr").removeAttribute("src");
    byId("code-text").value = "";
    byId("code").dataset.state = "empty";
    byId("countdown").textContent = "";
  }

  /** Makes a new code now. */
  async refresh() {
    if (this.#make === null) return;
    const wish = (this.#wish += 1);
    this.#making = true;
    try {
      const code = await this.#make();
      if (wish !== this.#wish) return;
      this.#code = code;
      byId("trouble").textContent = "";
      this.#draw();
    } catch (error) {
      if (wish !== this.#wish) return;
      this.#retryAt = performance.now() + RETRY_MS;
      byId("trouble").textContent = this.#onFailed(error) ? "" : explain(error);
    } finally {
      if (wish === this.#wish) this.#making = false;
    }
  }

  #tick() {
    if (this.#make === null) return;
    const isDue = !this.#code || now() >= this.#code.renew_ms;
    if (isDue && !this.#making && performance.now() >= this.#retryAt) this.refresh();
    if (this.#code) this.#count();
  }

  #draw() {
    byId("qr").src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(qrSvg(this.#code.code))}`;
    byId("qr").alt = t("phone.qr", { name: this.#nameOf() });
    byId("code-text").value = this.#code.code;
    this.#count();
  }

  #count() {
    const { issued_ms, renew_ms, expires_ms } = this.#code;
    const left = Math.max(0, renew_ms - now());
    const part = Math.min(1, left / Math.max(1, renew_ms - issued_ms));
    byId("ring").querySelector(".ring-left").style.strokeDasharray = `${part * 100} 100`;
    const isOver = now() >= expires_ms;
    byId("code").dataset.state = isOver ? "expired" : part <= SHORT_PART ? "short" : "fresh";
    byId("countdown").textContent = isOver ? "" : t("phone.left", { seconds: Math.ceil(left / 1_000) });
  }
}
