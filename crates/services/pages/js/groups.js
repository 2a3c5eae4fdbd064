// Luminaires that are commanded together, by names like `district:kuiwen`, `cabinet:c-0012`, `circuit:c-0012:1`.

import { pick, t } from "./i18n.js";

/** Groups offered while typing. */
const FOUND_MAX = 8;

export class Groups {
  #city; #lamps;

  constructor(city, lamps) {
    this.#city = city;
    this.#lamps = lamps;
  }

  /** What people call it. */
  name(id) {
    const [kind, ...rest] = id.split(":");
    return t(`group.${kind}`, { name: this.#part(kind, rest), circuit: rest[1] });
  }

  /** Indexes of its luminaires. */
  members(id) {
    const [kind, key, circuit] = id.split(":");
    const { cabinet, district, street } = this.#lamps;
    const belongs = {
      all: () => true,
      district: (index) => district[index] === key,
      street: (index) => street[index] === Number(key),
      class: (index) => this.#city.streets[street[index]]?.class === key,
      cabinet: (index) => cabinet[index] === key,
      circuit: (index) => cabinet[index] === key && this.#lamps.circuit[index] === Number(circuit),
    }[kind] ?? (() => false);
    return this.#lamps.ids.map((_, index) => index).filter(belongs);
  }

  /** The groups a lamp is in, the largest first. */
  of(index) {
    const { cabinet, circuit, district, street } = this.#lamps;
    return [`district:${district[index]}`, `street:${street[index]}`, `cabinet:${cabinet[index]}`, `circuit:${cabinet[index]}:${circuit[index]}`];
  }

  /** Groups whose name or id has `text` in it, as pairs of id and name. */
  search(text) {
    const wanted = text.trim().toLowerCase();
    if (wanted === "") return [];
    const fits = ([id, name]) => id === wanted || id.split(":")[1] === wanted || name.toLowerCase().includes(wanted);
    return this.#named().filter(fits).slice(0, FOUND_MAX);
  }

  #named() {
    const districts = this.#city.districts.map(({ id }) => `district:${id}`);
    const lit = new Set(this.#lamps.street);
    const streets = this.#city.streets.map((_, place) => place).filter((place) => lit.has(place)).map((place) => `street:${place}`);
    const cabinets = this.#city.cabinets.map(({ id }) => `cabinet:${id}`);
    return ["all", ...districts, ...streets, ...cabinets].map((id) => [id, this.name(id)]);
  }

  #part(kind, [key]) {
    if (kind === "district") return pick(this.#city.districts.find(({ id }) => id === key) ?? { name_en: key, name_zh: key }, "name");
    if (kind === "street") return pick(this.#city.streets[key] ?? { name_en: key, name_zh: key }, "name");
    if (kind === "class") return t(`street.${key}`);
    return key;
  }
}
