// One card for each attack: what is tried, and whether the city held.

import { byId, element, svgElement } from "../dom.js";
import { onLanguage, t } from "../i18n.js";

/** Each with its sign, on a field of 32 × 32. */
const ATTACKS = {
  screenshot: "M5 10h5l2-4h8l2 4h5v16H5zM16 23a5 5 0 1 0 0-10 5 5 0 0 0 0 10",
  tamper: "M6 26l4-1L26 9l-3-3L7 22zM20 9l3 3M6 26l1-4 3 3z",
  stale_clock: "M16 28a12 12 0 1 0 0-24 12 12 0 0 0 0 24M16 9v7l-5 4",
  second_phone: "M5 8h11v19H5zM16 12V5h11v19h-7M9 24h3",
  revoked_card: "M4 8h24v16H4zM4 13h24M18 19l6 4M24 19l-6 4",
  compromised_key: "M11 21a6 6 0 1 1 5-9h12v5h-3v4h-4v-4h-5a6 6 0 0 1-5 4M9 15h.1",
  double_spend: "M12 20a8 8 0 1 1 0-16 8 8 0 0 1 0 16M20 28a8 8 0 0 1-7-4M20 12a8 8 0 0 1 0 16M12 8v8",
  pulled_feeder: "M18 4L8 18h7l-2 10 11-15h-7z",
  cut_cable: "M3 16h8M21 16h8M11 12v8M21 12v8M14 11l4 10",
};

export class AttackCards {
  #onTry;
  /** The attack that is done now, or was last. */
  #current = null;
  #running = false;
  /** By attack: true = the city held, null = it could not be tried. */
  #held = new Map();

  constructor(onTry) {
    this.#onTry = onTry;
    onLanguage(() => this.#draw());
    this.#draw();
  }

  begin(attack) {
    [this.#current, this.#running] = [attack, true];
    this.#held.delete(attack);
    this.#draw();
  }

  end(attack, held) {
    this.#running = false;
    this.#held.set(attack, held);
    this.#draw();
  }

  #draw() {
    const focused = document.activeElement?.dataset?.attack ?? (this.#running ? null : this.#current);
    byId("attacks").replaceChildren(...Object.keys(ATTACKS).map((attack) => element("li", {}, this.#card(attack))));
    if (focused) byId("attacks").querySelector(`[data-attack="${focused}"]`).focus({ preventScroll: true });
  }

  #card(attack) {
    const held = this.#held.get(attack);
    const running = this.#running && attack === this.#current;
    const state = running ? "running" : held === true ? "held" : held === false ? "broken" : held === null ? "not_done" : "try";
    const button = element("button", { type: "button", disabled: this.#running, data: { attack }, attributes: { "aria-current": attack === this.#current } },
      svgElement("svg", { viewBox: "0 0 32 32", "aria-hidden": "true" }, svgElement("path", { d: ATTACKS[attack] })),
      element("b", { textContent: t(`attack.${attack}`) }),
      element("small", { textContent: t(`attack.${attack}.about`) }),
      element("span", { className: "result", data: { held: String(held) }, textContent: t(`attack.state.${state}`) }));
    button.addEventListener("click", () => this.#onTry(attack));
    return button;
  }
}
