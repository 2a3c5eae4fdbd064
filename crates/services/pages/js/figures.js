import { byId } from "./dom.js";
import { number } from "./format.js";

/** Shows a `stats` event. */
export function showFigures(stats) {
  byId("figure-lit").textContent = number(stats.lit);
  byId("figure-power").textContent = number(stats.power_w / 1e3, 1);
  byId("figure-energy").textContent = number(stats.energy_kwh);
  byId("figure-messages").textContent = number(stats.messages_per_s);
  byId("figure-connected").textContent = number(stats.connected);
  byId("figure-dead").textContent = number(stats.dead_letters);
  byId("figure-dead").classList.toggle("warning", stats.dead_letters > 0);
}
