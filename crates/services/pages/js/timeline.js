// The last day of the city: the curve of its power, and the way back into it.

import { getBytes, getJson } from "./api.js";
import { byId, element, svgElement } from "./dom.js";
import * as format from "./format.js";
import { onLanguage, t } from "./i18n.js";
import { notifyProblem } from "./notice.js";
import { toldElsewhere } from "./problem.js";

const REFRESH_MS = 3_000;
const WIDTH = 1_000;
const HEIGHT = 40;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export class Timeline {
  #clock; #show; #showNow;
  #day = null;
  /** The moment looked at, or null for now. */
  #moment = null;
  #asking = false;

  /** `show(moment, bytes)` puts the past on the map; `showNow()` the present. */
  constructor(clock, { show, showNow }) {
    this.#clock = clock;
    this.#show = show;
    this.#showNow = showNow;
    byId("timeline-at").addEventListener("input", () => this.#look(Number(byId("timeline-at").value)));
    byId("past-now").addEventListener("click", () => this.back());
    onLanguage(() => this.#draw());
    setInterval(() => { if (!document.hidden) this.#refresh().catch(toldElsewhere); }, REFRESH_MS);
    this.#refresh().catch(toldElsewhere);
  }

  /** Looks at the present again. */
  back() {
    this.#moment = null;
    byId("past").hidden = true;
    byId("timeline-at").value = byId("timeline-at").max;
    this.#showNow();
    this.#draw();
  }

  async #refresh() {
    this.#day = await getJson("/api/day");
    this.#draw();
  }

  #look(moment) {
    if (moment >= Number(byId("timeline-at").max)) {
      this.back();
      return;
    }
    this.#moment = moment;
    byId("past").hidden = false;
    this.#draw();
    this.#fetch().catch((error) => {
      this.back();
      notifyProblem(error);
    });
  }

  /** One question at a time: while the hand moves on, only the last place counts. */
  async #fetch() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      let asked = null;
      while (this.#moment !== null && this.#moment !== asked) {
        asked = this.#moment;
        const bytes = await getBytes(`/api/past?at_ms=${asked}`);
        if (this.#moment !== null) this.#show(asked, bytes);
      }
    } finally {
      this.#asking = false;
    }
  }

  #draw() {
    const day = this.#day;
    if (!day?.from_ms) return;
    const input = byId("timeline-at");
    const now = Math.max(day.to_ms, day.from_ms + 1);
    // A record shorter than an hour would be all edge.
    const from = Math.min(day.from_ms, now - HOUR_MS);
    Object.assign(input, { min: day.from_ms, max: now, step: Math.max(1_000, Math.round((now - day.from_ms) / 1_440)) });
    input.value = this.#moment ?? now;
    // The record may be shorter than the hour shown: its part of the track is on the right.
    input.style.marginInlineStart = `${((day.from_ms - from) / (now - from)) * 100}%`;
    const looked = this.#moment ?? this.#clock.now();
    input.setAttribute("aria-valuetext", this.#moment === null ? t("timeline.now") : format.dateAndTime(looked));
    byId("past-text").textContent = this.#moment === null ? "" : t("timeline.past", { time: format.dateAndTime(looked) });
    drawCurve(day.points, from, now);
    showTable(day.points);
  }
}

function drawCurve(points, from, to) {
  const most = Math.max(1, ...points.map(([, power]) => power));
  const x = (ms) => ((Math.max(from, ms) - from) / (to - from)) * WIDTH;
  const y = (power) => HEIGHT - 2 - (power / most) * (HEIGHT - 6);
  const line = points.map(([at, power], place) => `${place === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(power).toFixed(1)}`).join("");
  const first = points.length > 0 ? x(points[0][0]) : 0;
  const last = points.length > 0 ? x(points.at(-1)[0]) : 0;
  const svg = byId("timeline-curve");
  svg.replaceChildren(
    ...hours(from, to).map((ms) => svgElement("path", { class: "timeline-hour", d: `M${x(ms).toFixed(1)} 0V${HEIGHT}` })),
    svgElement("path", { class: "timeline-area", d: line && `${line}L${last.toFixed(1)} ${HEIGHT}L${first.toFixed(1)} ${HEIGHT}Z` }),
    svgElement("path", { class: "timeline-line", d: line }),
  );
  byId("timeline-hours").replaceChildren(...hours(from, to).map((ms) => {
    const label = element("span", { textContent: format.hourMinute(ms) });
    label.style.left = `${(x(ms) / WIDTH) * 100}%`;
    return label;
  }));
  byId("timeline-most").textContent = `${format.number(most / 1e3, 1)} kW`;
}

/** Whole hours between two moments, at most eight of them; the city's midnight is one. */
function hours(from, to) {
  const step = [1, 2, 3, 4, 6].find((count) => (to - from) / (count * HOUR_MS) <= 8) ?? 6;
  const first = Math.ceil((from + 8 * HOUR_MS) / (step * HOUR_MS)) * step * HOUR_MS - 8 * HOUR_MS;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / (step * HOUR_MS)) + 1) }, (_, place) => first + place * step * HOUR_MS)
    .filter((ms) => ms > from + (to - from) * 0.03 && ms < to - (to - from) * 0.03);
}

/** The same curve for those who read: a row for each hour. */
function showTable(points) {
  const byHour = new Map(points.map((point) => [Math.floor(point[0] / HOUR_MS), point]));
  byId("day-rows").replaceChildren(...[...byHour.values()].reverse().slice(0, DAY_MS / HOUR_MS + 1).map(([at, power, lit]) =>
    element("tr", {},
      element("td", { textContent: format.hourMinute(at) }),
      element("td", { className: "number", textContent: `${format.number(power / 1e3, 1)} kW` }),
      element("td", { className: "number", textContent: format.number(lit) }))));
}
