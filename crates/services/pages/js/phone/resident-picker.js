// Finds the resident whose phone this is.

import { getJson } from "../api.js";
import { byId, element, throttle } from "../dom.js";
import { onLanguage, pick, t } from "../i18n.js";
import { explain } from "../problem.js";

const LIMIT = 50;
const TYPING_MS = 200;
const RETRY_MS = 3_000;

export class ResidentPicker {
  #onPick;
  #found = [];
  #asked = 0;

  constructor(onPick) {
    this.#onPick = onPick;
    byId("resident-search").addEventListener("input", throttle(() => this.#search(), TYPING_MS));
    onLanguage(() => this.#show());
  }

  start() {
    byId("resident-search").focus();
    this.#search();
  }

  async #search() {
    const turn = (this.#asked += 1);
    try {
      const query = new URLSearchParams({ q: byId("resident-search").value.trim(), limit: LIMIT });
      const found = await getJson(`/api/residents?${query}`);
      // A slow answer must not replace that of a later question.
      if (turn !== this.#asked) return;
      this.#found = found;
      byId("picker-note").textContent = found.length === 0 ? t("phone.none") : "";
      this.#show();
    } catch (error) {
      byId("picker-note").textContent = explain(error);
      setTimeout(() => { if (turn === this.#asked) this.#search(); }, RETRY_MS);
    }
  }

  #show() {
    byId("residents").replaceChildren(...this.#found.map((resident) => {
      const other = pick(resident, "name") === resident.name_zh ? resident.name_en : resident.name_zh;
      const button = element("button", { type: "button", data: { resident: resident.id } },
        element("b", { textContent: pick(resident, "name") }),
        element("span", { textContent: other }),
        element("small", { textContent: `${resident.id} · ${t("phone.born", { year: resident.birth_year })}` }));
      button.addEventListener("click", () => this.#onPick(resident.id));
      return element("li", {}, button);
    }));
  }
}
