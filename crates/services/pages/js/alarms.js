// What is wrong: incidents of whole cabinets first, then the alarms of lamps that no incident explains.

import { getJson } from "./api.js";
import { byId, element, showRows, throttle } from "./dom.js";
import { number, timeOfDay } from "./format.js";
import { onLanguage, t, tOr } from "./i18n.js";

/** A list longer than this is cut, with a word about the rest. */
const SHOWN_MAX = 100;
/** A screen reader hears of alarms at most this often; a sped-up city raises many at once. */
const ANNOUNCE_MS = 2_000;
const DRAW_MS = 250;

export class Alarms {
  #open = new Map();
  #incidents = [];
  /** Incidents whose lamps are listed, by key. */
  #unfolded = new Set();
  #onLamp; #onGroup;
  #fresh = { raised: [], cleared: [] };
  #draw = throttle(() => this.#show(), DRAW_MS);
  #announce = throttle(() => this.#speak(), ANNOUNCE_MS);

  /** `onLamp(id)` and `onGroup(id)` are called with what was chosen. */
  constructor({ onLamp, onGroup }) {
    this.#onLamp = onLamp;
    this.#onGroup = onGroup;
    onLanguage(() => this.#show());
  }

  /** Takes the whole list afresh, after each connect. */
  async load() {
    const alarms = await getJson("/api/alarms");
    this.#open = new Map(alarms.map((alarm) => [key(alarm), alarm]));
    this.#show();
  }

  /** Takes an `alarm` event. */
  handle({ luminaire, kind, change, at_ms }) {
    const alarm = { luminaire, kind, raised_ms: at_ms };
    if (change === "raised") this.#open.set(key(alarm), alarm);
    else this.#open.delete(key(alarm));
    this.#fresh[change].push(luminaire);
    this.#draw();
    this.#announce();
  }

  /** Takes an `incidents` event: all that are open. */
  handleIncidents(incidents) {
    const known = new Set(this.#incidents.map(incidentKey));
    const now = new Set(incidents.map(incidentKey));
    this.#fresh.raised.push(...incidents.filter((one) => !known.has(incidentKey(one))).map(({ cabinet }) => cabinet));
    this.#fresh.cleared.push(...this.#incidents.filter((one) => !now.has(incidentKey(one))).map(({ cabinet }) => cabinet));
    this.#incidents = incidents;
    this.#draw();
    this.#announce();
  }

  #show() {
    const inside = new Set(this.#incidents.flatMap(({ lamps }) => lamps));
    const alone = [...this.#open.values()].filter(({ luminaire }) => !inside.has(luminaire)).sort((a, b) => b.raised_ms - a.raised_ms);
    const count = this.#incidents.length + alone.length;
    byId("alarms-count").textContent = number(count);
    byId("alarms-count").classList.toggle("warning", count > 0);
    byId("alarms-none").hidden = count > 0;
    const incidents = [...this.#incidents].sort((a, b) => b.raised_ms - a.raised_ms);
    const rows = [...incidents.map((one) => this.#incident(one)), ...alone.slice(0, SHOWN_MAX).map((alarm) => this.#row(alarm))];
    if (alone.length > SHOWN_MAX) rows.push(element("li", { textContent: t("alarms.more", { count: number(alone.length - SHOWN_MAX) }) }));
    showRows(byId("alarms"), rows);
  }

  #incident(incident) {
    const id = incidentKey(incident);
    const { cabinet, circuit, phases, luminaires, street_m, raised_ms, lamps } = incident;
    const where = [cabinet, circuit && t("cabinet.circuit", { circuit }), phases].filter(Boolean).join(" · ");
    const button = element("button", { type: "button", data: { row: id } },
      element("i", { className: "key key-incident" }),
      element("span", { className: "incident-words" },
        element("b", { textContent: tOr(`incident.${incident.kind}`, incident.kind) }),
        element("span", { className: "muted small", textContent: where })),
      element("time", { textContent: timeOfDay(raised_ms) }));
    button.addEventListener("click", () => this.#onGroup(circuit ? `circuit:${cabinet}:${circuit}` : `cabinet:${cabinet}`));
    if (luminaires === 0) return element("li", { className: "incident" }, button);
    const list = element("details", { open: this.#unfolded.has(id) },
      element("summary", { textContent: t("incident.lamps", { count: number(luminaires), metres: number(street_m) }), data: { row: `${id} lamps` } }),
      element("p", { className: "incident-lamps" }, ...lamps.map((lamp) => this.#lamp(id, lamp))));
    list.addEventListener("toggle", () => {
      if (list.open) this.#unfolded.add(id);
      else this.#unfolded.delete(id);
    });
    return element("li", { className: "incident" }, button, list);
  }

  #lamp(incident, lamp) {
    const button = element("button", { type: "button", className: "link", textContent: lamp, data: { row: `${incident} ${lamp}` } });
    button.addEventListener("click", () => this.#onLamp(lamp));
    return button;
  }

  #row({ luminaire, kind, raised_ms }) {
    const button = element("button", { type: "button", data: { row: `${luminaire} ${kind}` } },
      element("i", { className: "key key-alarm" }),
      element("b", { textContent: luminaire }),
      element("span", { textContent: tOr(`alarm.${kind}`, kind) }),
      element("time", { textContent: timeOfDay(raised_ms) }));
    button.addEventListener("click", () => this.#onLamp(luminaire));
    return element("li", {}, button);
  }

  #speak() {
    const { raised, cleared } = this.#fresh;
    this.#fresh = { raised: [], cleared: [] };
    const part = (change, who) =>
      who.length === 1 ? t(`alarms.${change}_one`, { id: who[0] }) : t(`alarms.${change}_many`, { count: who.length });
    const parts = [["raised", raised], ["cleared", cleared]].filter(([, who]) => who.length > 0);
    byId("alarms-live").textContent = parts.map(([change, who]) => part(change, who)).join(" ");
  }
}

const key = ({ luminaire, kind }) => `${luminaire} ${kind}`;
const incidentKey = ({ cabinet, kind }) => `${cabinet} ${kind}`;
