// The open alarms, newest first.

import { getJson } from "./api.js";
import { byId, element, throttle } from "./dom.js";
import { number, timeOfDay } from "./format.js";
import { onLanguage, t, tOr } from "./i18n.js";

/** A list longer than this is cut, with a word about the rest. */
const SHOWN_MAX = 100;
/** A screen reader hears of alarms at most this often; a sped-up city raises many at once. */
const ANNOUNCE_MS = 2_000;
const DRAW_MS = 250;

export class Alarms {
  #open = new Map();
  #onSelect;
  #fresh = { raised: [], cleared: [] };
  #draw = throttle(() => this.#show(), DRAW_MS);
  #announce = throttle(() => this.#speak(), ANNOUNCE_MS);

  constructor(onSelect) {
    this.#onSelect = onSelect;
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

  #show() {
    const alarms = [...this.#open.values()].sort((a, b) => b.raised_ms - a.raised_ms);
    byId("alarms-count").textContent = number(alarms.length);
    byId("alarms-count").classList.toggle("warning", alarms.length > 0);
    byId("alarms-none").hidden = alarms.length > 0;
    const rows = alarms.slice(0, SHOWN_MAX).map((alarm) => this.#row(alarm));
    if (alarms.length > SHOWN_MAX) rows.push(element("li", { textContent: t("alarms.more", { count: number(alarms.length - SHOWN_MAX) }) }));
    keepFocus(byId("alarms"), () => byId("alarms").replaceChildren(...rows));
  }

  #row({ luminaire, kind, raised_ms }) {
    const button = element("button", { type: "button", data: { lamp: luminaire } },
      element("i", { className: "key key-alarm" }),
      element("b", { textContent: luminaire }),
      element("span", { textContent: tOr(`alarm.${kind}`, kind) }),
      element("time", { textContent: timeOfDay(raised_ms) }));
    button.addEventListener("click", () => this.#onSelect(luminaire));
    return element("li", {}, button);
  }

  #speak() {
    const { raised, cleared } = this.#fresh;
    this.#fresh = { raised: [], cleared: [] };
    const part = (change, lamps) =>
      lamps.length === 1 ? t(`alarms.${change}_one`, { lamp: lamps[0] }) : t(`alarms.${change}_many`, { count: lamps.length });
    const parts = [["raised", raised], ["cleared", cleared]].filter(([, lamps]) => lamps.length > 0);
    byId("alarms-live").textContent = parts.map(([change, lamps]) => part(change, lamps)).join(" ");
  }
}

const key = ({ luminaire, kind }) => `${luminaire} ${kind}`;

/** Rows are made anew; the one with the focus must not lose it. */
function keepFocus(list, change) {
  const held = list.contains(document.activeElement) ? document.activeElement.dataset.lamp : null;
  change();
  if (held) list.querySelector(`[data-lamp="${CSS.escape(held)}"]`)?.focus();
}
