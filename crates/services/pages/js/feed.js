// The last events on the bus, newest on top.

import { byId, element, throttle } from "./dom.js";
import { timeOfDay } from "./format.js";
import { onLanguage, pick } from "./i18n.js";

const KEPT = 100;
const DRAW_MS = 300;

export class Feed {
  #events = [];
  #draw = throttle(() => this.#show(), DRAW_MS);

  constructor() {
    onLanguage(() => this.#show());
  }

  /** Takes a `feed` event. */
  handle(event) {
    this.#events.unshift(event);
    this.#events.length = Math.min(this.#events.length, KEPT);
    this.#draw();
  }

  #show() {
    byId("feed").replaceChildren(...this.#events.map(row));
  }
}

function row(event) {
  return element("li", { title: event.type, data: { domain: domainOf(event.topic) } },
    element("time", { textContent: timeOfDay(event.at_ms) }),
    element("span", { textContent: pick(event, "summary") }),
    element("code", { textContent: event.topic }));
}

/** The part of the topic that names the service, for the colour of the row. */
const domainOf = (topic) => topic.split("/").find((part) => DOMAINS.has(part)) ?? "city";

const DOMAINS = new Set(["light", "lighting", "eid", "pay", "medpay"]);
