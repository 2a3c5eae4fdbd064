// The streets around home: which lamps are lit, the way from there, and reporting one that is not.

import { getJson, isAirplane, postJson } from "../api.js";
import { byId, element, svgElement } from "../dom.js";
import { hourMinute, number } from "../format.js";
import { onLanguage, pick, t } from "../i18n.js";
import { explain } from "../problem.js";

const REFRESH_MS = 5_000;
/** Lamps that can be chosen from the list; all can on the map. */
const LISTED_MAX = 40;

export class Streets {
  #resident = null;
  #isOpen = false;
  #around = null;
  /** The lamp to report; null = the nearest. */
  #lamp = null;

  constructor() {
    byId("report").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#report();
    });
    byId("report-lamp").addEventListener("change", () => this.#choose(byId("report-lamp").value));
    setInterval(() => { if (this.#isOpen && !isAirplane() && !document.hidden) this.#refresh(); }, REFRESH_MS);
    onLanguage(() => this.#draw());
  }

  open(resident) {
    if (resident !== this.#resident) [this.#resident, this.#around, this.#lamp] = [resident, null, null];
    this.#isOpen = true;
    byId("streets-note").textContent = "";
    this.#refresh();
  }

  close() {
    this.#isOpen = false;
  }

  #place(rest) {
    return `/api/phone/${encodeURIComponent(this.#resident)}/${rest}`;
  }

  async #refresh() {
    try {
      this.#around = await getJson(this.#place("streets"));
      byId("streets-trouble").textContent = "";
      this.#draw();
    } catch (error) {
      byId("streets-trouble").textContent = explain(error);
    }
  }

  async #report() {
    const luminaire = byId("report-lamp").value;
    try {
      const { residents } = await postJson(this.#place("complaints"), { luminaire, about: byId("report-about").value });
      byId("streets-note").textContent = t("streets.reported", { lamp: luminaire, residents: number(residents) });
      await this.#refresh();
    } catch (error) {
      byId("streets-note").textContent = explain(error);
    }
  }

  #choose(lamp) {
    this.#lamp = lamp;
    this.#draw();
  }

  #draw() {
    if (!this.#around) return;
    const { luminaires, city_ms, way } = this.#around;
    const lit = luminaires.filter(isLit).length;
    byId("streets-lit").textContent = t("streets.lit", { time: hourMinute(city_ms), lit: number(lit), all: number(luminaires.length) });
    byId("streets-way").textContent = way
      ? t("streets.way", { to: pick(way, "name"), metres: number(way.length_m), lit: number(way.lit), all: number(way.luminaires) })
      : t("streets.no_way");
    this.#drawMap();
    this.#drawTable();
    this.#drawLamps();
  }

  #drawMap() {
    const { home, around_m, streets, luminaires, way } = this.#around;
    const line = (points) => points.map(([x, y]) => `${(x - home.x).toFixed(1)},${(home.y - y).toFixed(1)}`).join(" ");
    const map = byId("streets-map");
    map.setAttribute("viewBox", `${-around_m} ${-around_m} ${2 * around_m} ${2 * around_m}`);
    map.replaceChildren(
      svgElement("title", {}, t("streets.map")),
      ...streets.map(({ points, width_m }) => svgElement("polyline", { class: "road", points: line(points), "stroke-width": width_m })),
      ...(way ? [svgElement("polyline", { class: "way", points: line(way.points) })] : []),
      ...luminaires.map((lamp) => this.#lampMark(lamp, home)),
      svgElement("path", { class: "home", d: "M-9 2 0-8 9 2H6v7h-12v-7z" }),
    );
  }

  #lampMark(lamp, home) {
    const mark = svgElement("circle", {
      cx: (lamp.x - home.x).toFixed(1), cy: (home.y - lamp.y).toFixed(1), r: lamp.id === this.#chosen() ? 8 : 4.5,
      class: "street-lamp", "data-lit": isLit(lamp), "data-complaint": lamp.complaint, "data-chosen": lamp.id === this.#chosen(),
    });
    // How bright it is can be seen; that it is chosen or reported has a shape too.
    if (isLit(lamp)) mark.style.opacity = 0.55 + 0.0045 * lamp.level;
    mark.addEventListener("click", () => this.#choose(lamp.id));
    return mark;
  }

  /** The map in words: each street with its lamps. */
  #drawTable() {
    const { streets, luminaires } = this.#around;
    byId("streets-rows").replaceChildren(...streets.map((street) => {
      const lamps = luminaires.filter((lamp) => lamp.street === street.street);
      const lit = lamps.filter(isLit).length;
      return element("tr", {},
        element("th", { scope: "row", textContent: pick(street, "name") }),
        element("td", { className: "number", textContent: t("streets.of", { lit: number(lit), all: number(lamps.length) }) }));
    }));
  }

  #drawLamps() {
    const near = this.#around.luminaires.filter((lamp, index) => index < LISTED_MAX || lamp.id === this.#chosen());
    const select = byId("report-lamp");
    // A list that somebody has open must not close under their finger.
    if (document.activeElement === select && select.options.length > 0) return;
    select.replaceChildren(...near.map((lamp) => element("option", {
      value: lamp.id, selected: lamp.id === this.#chosen(),
      textContent: t("streets.lamp", { lamp: lamp.id, street: this.#streetOf(lamp), metres: number(lamp.distance_m), state: stateOf(lamp) }),
    })));
    byId("report-button").disabled = near.length === 0;
  }

  #streetOf(lamp) {
    return pick(this.#around.streets.find(({ street }) => street === lamp.street), "name");
  }

  #chosen() {
    return this.#lamp ?? this.#around.luminaires[0]?.id;
  }
}

const isLit = ({ level }) => level !== null && level > 0;

function stateOf(lamp) {
  if (lamp.complaint) return t("streets.state.complaint");
  if (lamp.level === null) return t("streets.state.unknown");
  return isLit(lamp) ? t("streets.state.lit", { level: number(lamp.level) }) : t("streets.state.dark");
}
