// Everything about the selected lamp, and what can be done to it.

import { getJson, postJson } from "./api.js";
import { byId, element } from "./dom.js";
import { FaultChoice } from "./fault-choice.js";
import * as format from "./format.js";
import { onLanguage, pick, t, tOr } from "./i18n.js";
import { notify, notifyProblem } from "./notice.js";
import { toldElsewhere } from "./problem.js";
import { drawSpark } from "./spark.js";

const REFRESH_MS = 1_000;

export class LampPanel {
  #lamps; #groups; #onClose; #onGroup;
  #index = null;
  #shown = null;

  /** `onGroup(id)` is called with the group whose name was chosen. */
  constructor(city, lamps, groups, { onClose, onGroup }) {
    this.#lamps = lamps;
    this.#groups = groups;
    this.#onClose = onClose;
    this.#onGroup = onGroup;
    const faults = new FaultChoice(city.faults);
    byId("lamp-close").addEventListener("click", () => this.#onClose());
    byId("dim-level").addEventListener("input", showDimOutput);
    byId("dim").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#command("dim", { level: Number(byId("dim-level").value), minutes: Number(byId("dim-minutes").value) });
    });
    for (const action of ["resume", "repair"]) {
      byId(`lamp-${action}`).addEventListener("click", () => this.#command(action));
    }
    byId("lamp-break").addEventListener("click", () => this.#command(`break?fault=${encodeURIComponent(faults.text())}`));
    onLanguage(() => this.#show());
    setInterval(() => { if (!document.hidden) this.#refresh().catch(toldElsewhere); }, REFRESH_MS);
  }

  /** Shows another lamp, or none with null. */
  select(index) {
    this.#index = index;
    this.#shown = null;
    byId("lamp-hint").hidden = index !== null;
    byId("lamp-close").hidden = index === null;
    byId("lamp-body").hidden = true;
    byId("lamp-title").textContent = index === null ? t("lamp.none") : t("lamp.title", { id: this.#lamps.ids[index] });
    this.#refresh().catch(notifyProblem);
  }

  async #refresh() {
    if (this.#index === null) return;
    const index = this.#index;
    const lamp = await getJson(this.#path());
    // The answer may be about a lamp that is not selected any more.
    if (index !== this.#index) return;
    const first = this.#shown === null;
    this.#shown = lamp;
    if (first) this.#aimSlider(lamp);
    this.#show();
  }

  #path() {
    return `/api/lamps/${encodeURIComponent(this.#lamps.ids[this.#index])}`;
  }

  async #command(action, body) {
    try {
      const answer = await postJson(`${this.#path()}/${action}`, body);
      notify(answer.detail);
      await this.#refresh();
    } catch (error) {
      notifyProblem(error);
    }
  }

  /** Only for a newly selected lamp: later the slider belongs to the hand. */
  #aimSlider({ state }) {
    byId("dim-level").value = state?.target ?? 50;
    showDimOutput();
  }

  #show() {
    const lamp = this.#shown;
    if (lamp === null) return;
    byId("lamp-body").hidden = false;
    byId("lamp-title").textContent = t("lamp.title", { id: lamp.id });
    this.#showPlace(lamp);
    byId("lamp-chips").replaceChildren(...chips(lamp));
    showLevel("target", lamp.state?.target);
    showLevel("effect", lamp.state?.in_effect);
    showLevel("actual", lamp.state?.actual);
    showReadings(lamp);
    showHistory(lamp.history);
    showCommands(lamp.commands);
  }

  /** Where it stands: its groups by name, each of which can be selected. */
  #showPlace({ id, class: road }) {
    if (byId("lamp-place").dataset.lamp === `${id} ${document.documentElement.lang}`) return;
    byId("lamp-place").dataset.lamp = `${id} ${document.documentElement.lang}`;
    const buttons = this.#groups.of(this.#index).map((group) => {
      const button = element("button", { type: "button", className: "link", textContent: this.#groups.name(group), data: { group } });
      button.addEventListener("click", () => this.#onGroup(group));
      return button;
    });
    byId("lamp-place").replaceChildren(element("span", { textContent: t(`street.${road}`) }), ...buttons);
  }
}

function showDimOutput() {
  byId("dim-output").textContent = format.percent(byId("dim-level").value);
}

function chips({ online, alarm, state }) {
  const made = [chip(online ? "online" : "offline", t(online ? "lamp.online" : "lamp.offline"))];
  if (state) made.push(chip("mode", t(`mode.${state.mode}`)));
  if (alarm) made.push(chip("alarm", `▲ ${tOr(`alarm.${alarm.kind}`, alarm.kind)} · ${format.timeOfDay(alarm.raised_ms)}`));
  return made;
}

const chip = (kind, textContent) => element("span", { className: `chip chip-${kind}`, textContent });

function showLevel(name, level) {
  const meter = byId(`meter-${name}`);
  meter.setAttribute("aria-valuenow", level ?? 0);
  meter.firstElementChild.style.width = `${level ?? 0}%`;
  byId(`value-${name}`).textContent = format.orDash(level, format.percent);
}

function showReadings({ telemetry, rated_w }) {
  byId("reading-power").textContent = format.orDash(telemetry?.power_mw, format.watts);
  byId("reading-voltage").textContent = format.orDash(telemetry?.voltage_mv, format.volts);
  byId("reading-current").textContent = format.orDash(telemetry?.current_ma, format.amperes);
  byId("reading-factor").textContent = format.orDash(telemetry?.power_factor_pm || null, format.factor);
  byId("reading-flux").textContent = format.orDash(telemetry?.flux_lm, (lumens) => `${format.number(lumens)} lm`);
  byId("reading-gear").textContent = gearWords(telemetry?.gear);
  byId("reading-energy").textContent = format.orDash(telemetry?.energy_mwh, format.kilowattHours);
  byId("reading-burning").textContent = format.orDash(telemetry?.burning_s, format.hours);
  byId("reading-switches").textContent = format.orDash(telemetry?.switch_count, format.number);
  byId("reading-rated").textContent = `${format.number(rated_w)} W`;
  byId("reading-time").textContent = telemetry ? t("reading.at", { time: format.timeOfDay(telemetry.at_ms) }) : t("reading.never");
}

/** A driver says something of itself only once something was out of the ordinary. */
function gearWords(gear) {
  if (!gear) return "—";
  const words = [format.celsius(gear.temperature_c)];
  if (!gear.answers) words.push(t("gear.silent"));
  else if (gear.limit < 100) words.push(t("gear.limit", { limit: format.percent(gear.limit) }));
  return words.join(" · ");
}

function showHistory(history) {
  const ordered = [...history].sort((a, b) => a.at_ms - b.at_ms);
  drawSpark(byId("spark"), ordered);
  byId("history-rows").replaceChildren(...ordered.reverse().map(({ at_ms, actual, power_mw }) =>
    element("tr", {},
      element("td", { textContent: format.timeOfDay(at_ms) }),
      element("td", { className: "number", textContent: format.percent(actual) }),
      element("td", { className: "number", textContent: format.watts(power_mw) }))));
}

function showCommands(commands) {
  const rows = commands.map(({ level, status, reason, at_ms }) =>
    element("li", { data: { status } },
      element("time", { textContent: format.timeOfDay(at_ms) }),
      element("span", { textContent: level === null ? t("dim.resume") : format.percent(level) }),
      element("b", { textContent: t(`command.${status}`) }),
      ...(reason ? [element("small", { textContent: reason })] : [])));
  byId("commands").replaceChildren(...(rows.length > 0 ? rows : [element("li", { className: "muted", textContent: t("commands.none") })]));
}
