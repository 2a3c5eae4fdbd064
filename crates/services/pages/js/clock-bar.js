// The clock in the top bar and the buttons of its speed.

import { postJson } from "./api.js";
import { byId } from "./dom.js";
import { date, hourMinute, timeOfDay } from "./format.js";
import { t } from "./i18n.js";
import { notifyProblem } from "./notice.js";

const TICK_MS = 250;

/** `onTick` runs with each turn of the hands. */
export function startClockBar(clock, onTick) {
  for (const button of speedButtons()) {
    button.addEventListener("click", () => {
      postJson("/api/clock", wish(button, clock)).catch(notifyProblem);
    });
  }
  for (const button of byId("steps").querySelectorAll("button")) {
    button.addEventListener("click", () => {
      postJson("/api/clock", { step_min: Number(button.dataset.step) }).catch(notifyProblem);
    });
  }
  setInterval(() => {
    showTime(clock);
    onTick();
  }, TICK_MS);
}

/** Marks the buttons after a `clock` event. */
export function showSpeed(clock) {
  for (const button of speedButtons()) {
    const on = button.dataset.paused ? clock.paused : !clock.paused && Number(button.dataset.speed) === clock.speed;
    button.setAttribute("aria-pressed", on);
  }
  showTime(clock);
}

const speedButtons = () => byId("speeds").querySelectorAll("button");

/** Pause is a switch; a speed also ends a pause. */
function wish(button, clock) {
  if (button.dataset.paused) return { paused: !clock.paused };
  return { speed: Number(button.dataset.speed), paused: false };
}

function showTime(clock) {
  const now = clock.now();
  byId("clock-time").textContent = timeOfDay(now);
  byId("clock-time").dateTime = new Date(now).toISOString();
  byId("clock-date").textContent = date(now);
  const next = clock.daylight() > 0.5 ? t("clock.sunset", { time: hourMinute(clock.sunset) }) : t("clock.sunrise", { time: hourMinute(clock.sunrise) });
  byId("clock-sun").textContent = `${t(`clock.${clock.phase()}`)} · ${next}`;
}
