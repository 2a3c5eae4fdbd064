// The bills of one hospital, the newest first.

import { getJson } from "../api.js";
import { byId, element, showRows } from "../dom.js";
import { wallTime, yuan } from "../format.js";
import { onLanguage, t } from "../i18n.js";
import { explain } from "../problem.js";

const REFRESH_MS = 4_000;

/** Ids begin with the time: their end tells them apart. */
export const shortId = (id) => id.slice(-6).toUpperCase();

export class BillList {
  #onPick;
  #provider = null;
  #bills = [];
  #chosen = null;

  constructor(onPick) {
    this.#onPick = onPick;
    onLanguage(() => this.#draw());
    setInterval(() => this.refresh(), REFRESH_MS);
  }

  /** Marks the bill that is on the desk. */
  choose(bill) {
    this.#chosen = bill;
    this.#draw();
  }

  show(provider) {
    this.#provider = provider;
    this.#bills = [];
    this.#chosen = null;
    this.#draw();
    return this.refresh();
  }

  async refresh() {
    const provider = this.#provider;
    if (!provider) return;
    try {
      const bills = await getJson(`/api/till/${provider}/bills`);
      if (provider !== this.#provider) return;
      this.#bills = bills;
      byId("bills-note").textContent = bills.length === 0 ? t("till.no_bills") : "";
    } catch (error) {
      byId("bills-note").textContent = explain(error);
    }
    this.#draw();
  }

  #draw() {
    showRows(byId("bills"), this.#bills.map((bill) => this.#row(bill)));
  }

  #row({ bill, total, state, changed_ms: changed }) {
    const button = element("button", { type: "button", data: { row: bill }, attributes: { "aria-current": bill === this.#chosen } },
      element("b", { textContent: shortId(bill) }), element("span", { className: "number", textContent: yuan(total) }),
      element("small", { textContent: wallTime(changed) }), element("small", { textContent: t(`till.state.${state}`) }));
    button.addEventListener("click", () => {
      this.choose(bill);
      this.#onPick(bill);
    });
    return element("li", {}, button);
  }
}
