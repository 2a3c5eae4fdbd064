// Whose code the phone shows: its owner's, or that of somebody they answer for.

import { getJson } from "../api.js";
import { byId, element } from "../dom.js";
import { onLanguage, pick, t } from "../i18n.js";
import { recall, remember } from "../memory.js";

export class Family {
  #onChosen;
  #resident = null;
  /** Those of the census, and those that the owner added: `{ id, name_en, name_zh }`, the latter without names. */
  #wards = [];
  #ward = null;

  /** `onChosen` hears that another one was chosen. */
  constructor(onChosen) {
    this.#onChosen = onChosen;
    byId("ward-add").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add(byId("ward-id").value.trim().toLowerCase());
    });
    onLanguage(() => this.#draw());
  }

  /** The id of who is shown; null for the owner. */
  get ward() { return this.#ward; }

  /** All whose codes may be wanted without a network. */
  get wards() { return this.#wards.map(({ id }) => id); }

  /** What whoever is shown is called; null for the owner. */
  get name() {
    const ward = this.#wards.find(({ id }) => id === this.#ward);
    return ward ? nameOf(ward) : null;
  }

  /** Learns the family of a resident; without the city, as it was last. */
  async open(resident) {
    [this.#resident, this.#ward] = [resident, null];
    this.#wards = JSON.parse(recall(`family.${resident}`) ?? "[]");
    this.#draw();
    const listed = await getJson(`/api/phone/${encodeURIComponent(resident)}/family`).catch(() => null);
    if (listed && resident === this.#resident) this.#keep(listed);
  }

  #add(id) {
    const isId = /^r-\d{4,}$/.test(id);
    byId("ward-wrong").textContent = isId ? "" : t("phone.family.wrong");
    if (!isId) return;
    byId("ward-add").reset();
    this.#keep([{ id }]);
    this.#choose(id);
  }

  /** Adds whoever is not there yet. */
  #keep(more) {
    const added = this.#wards.filter(({ id }) => !more.some((one) => one.id === id));
    this.#wards = [...more, ...added].filter(({ id }) => id !== this.#resident);
    remember(`family.${this.#resident}`, JSON.stringify(this.#wards));
    this.#draw();
  }

  #choose(id) {
    if (this.#ward === id) return;
    this.#ward = id;
    this.#onChosen();
  }

  #draw() {
    byId("family-choice").hidden = this.#wards.length === 0;
    const choices = [{ id: null }, ...this.#wards];
    byId("family").replaceChildren(...choices.map((one) => {
      const input = element("input", { type: "radio", name: "ward", checked: one.id === this.#ward, data: { ward: one.id ?? "" } });
      input.addEventListener("change", () => this.#choose(one.id));
      return element("label", {}, input, element("span", { textContent: one.id ? nameOf(one) : t("phone.family.me") }));
    }));
  }
}

const nameOf = (ward) => pick(ward, "name") ?? ward.id;
