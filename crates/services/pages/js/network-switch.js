// The kiosk's network: pulled and put back, and how old what it knows without one is.

import { getJson, postJson } from "./api.js";
import { byId } from "./dom.js";
import { age, number, orDash } from "./format.js";
import { onLanguage, t } from "./i18n.js";
import { explain } from "./problem.js";

const REFRESH_MS = 10_000;

export class NetworkSwitch {
  #known = null;
  #trouble = null;

  constructor() {
    byId("network").addEventListener("click", () => this.#toggle());
    onLanguage(() => this.#draw());
    setInterval(() => this.refresh(), REFRESH_MS);
    this.refresh();
  }

  /** Asks anew: ages grow, and other pages switch too. */
  refresh() {
    return this.#take(() => getJson("/api/kiosk/network"));
  }

  #toggle() {
    return this.#take(() => postJson("/api/kiosk/network", { offline: !this.#known?.offline }));
  }

  async #take(ask) {
    try {
      this.#known = await ask();
      this.#trouble = null;
    } catch (error) {
      this.#trouble = () => explain(error);
    }
    this.#draw();
  }

  #draw() {
    const known = this.#known ?? {};
    byId("network").setAttribute("aria-checked", known.offline === true);
    const about = this.#trouble?.() ?? t(known.offline ? "kiosk.network.off.about" : "kiosk.network.on.about");
    // Writing the same words again would make a screen reader say them again.
    if (byId("network-about").textContent !== about) byId("network-about").textContent = about;
    byId("keys-age").textContent = orDash(known.keys_age_s, age);
    byId("status-age").textContent = known.keys_age_s != null && known.status_age_s == null ? t("kiosk.network.no_cards") : orDash(known.status_age_s, age);
    byId("remembered").textContent = orDash(known.remembered, number);
  }
}
