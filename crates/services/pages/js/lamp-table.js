// The table behind the map: the same lamps, readable by everybody.

import { byId, element, showRows, throttle } from "./dom.js";
import { number, percent } from "./format.js";
import { onLanguage, pick, t } from "./i18n.js";

const PAGE_ROWS = 50;
const DRAW_MS = 1_000;

export class LampTable {
  #city; #lamps; #onSelect;
  #page = 0;
  #later = throttle(() => this.#show(), DRAW_MS);

  constructor(city, lamps, onSelect) {
    this.#city = city;
    this.#lamps = lamps;
    this.#onSelect = onSelect;
    byId("table-toggle").addEventListener("click", () => this.#toggle());
    byId("table-filter").addEventListener("change", () => this.#turn(-this.#page));
    byId("table-previous").addEventListener("click", () => this.#turn(-1));
    byId("table-next").addEventListener("click", () => this.#turn(1));
    onLanguage(() => this.#show());
  }

  /** Lamps changed: the table follows if it is open. */
  update() {
    if (!byId("table").hidden) this.#later();
  }

  #toggle() {
    const open = byId("table").hidden;
    byId("table").hidden = !open;
    for (const id of ["map", "legend", "map-tools"]) byId(id).hidden = open;
    byId("table-toggle").setAttribute("aria-pressed", open);
    this.#show();
  }

  #turn(pages) {
    this.#page += pages;
    this.#show();
  }

  #show() {
    if (byId("table").hidden) return;
    const found = this.#found();
    const pages = Math.max(1, Math.ceil(found.length / PAGE_ROWS));
    this.#page = Math.min(this.#page, pages - 1);
    byId("table-page").textContent = t("table.page", { page: number(this.#page + 1), pages: number(pages), count: number(found.length) });
    byId("table-previous").disabled = this.#page === 0;
    byId("table-next").disabled = this.#page === pages - 1;
    const start = this.#page * PAGE_ROWS;
    showRows(byId("table-rows"), found.slice(start, start + PAGE_ROWS).map((index) => this.#row(index)));
  }

  #found() {
    const lamps = this.#lamps;
    const keep = {
      all: () => true,
      alarm: (index) => lamps.alarmed(index),
      offline: (index) => !lamps.online(index),
      lit: (index) => lamps.actual[index] > 0,
    }[byId("table-filter").value];
    return lamps.ids.map((_, index) => index).filter(keep);
  }

  #row(index) {
    const lamps = this.#lamps;
    const button = element("button", { type: "button", className: "link", textContent: lamps.ids[index], data: { row: lamps.ids[index] } });
    button.addEventListener("click", () => this.#onSelect(index));
    const street = this.#city.streets[lamps.street[index]];
    return element("tr", {},
      element("th", { scope: "row" }, button),
      element("td", { textContent: street ? pick(street, "name") : "—" }),
      element("td", { textContent: lamps.cabinet[index] }),
      element("td", { className: "number", textContent: percent(lamps.inEffect[index]) }),
      element("td", { className: "number", textContent: percent(lamps.actual[index]) }),
      element("td", {}, ...this.#condition(index)));
  }

  #condition(index) {
    const lamps = this.#lamps;
    const words = [
      lamps.alarmed(index) && ["alarm", `▲ ${t("lamp.alarm")}`],
      !lamps.online(index) && ["offline", t("lamp.offline")],
      lamps.overridden(index) && ["mode", t("mode.override")],
      lamps.sensing(index) && ["mode", t("lamp.presence")],
    ].filter(Boolean);
    if (words.length === 0) return [t("lamp.online")];
    return words.map(([kind, textContent]) => element("span", { className: `chip chip-${kind}`, textContent }));
  }
}
