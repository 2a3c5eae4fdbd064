// Everything about the selected district, street, cabinet or circuit, and what can be done to it.

import { getJson, postJson } from "./api.js";
import { byId, element } from "./dom.js";
import * as format from "./format.js";
import { onLanguage, t } from "./i18n.js";
import { notify, notifyProblem } from "./notice.js";
import { toldElsewhere } from "./problem.js";

const REFRESH_MS = 1_000;
/** In the order in which a command goes through them. */
const STATUSES = ["pending", "sent", "delivered", "successful", "failed", "expired", "timeout"];

export class GroupPanel {
  #groups; #onClose; #onSelect;
  #id = null;
  #shown = null;

  /** `onSelect` is called with another group, such as a circuit of the cabinet shown. */
  constructor(groups, { onClose, onSelect }) {
    this.#groups = groups;
    this.#onClose = onClose;
    this.#onSelect = onSelect;
    byId("group-close").addEventListener("click", () => this.#onClose());
    byId("group-level").addEventListener("input", showLevel);
    byId("group-dim").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#dim({ level: Number(byId("group-level").value), minutes: Number(byId("group-minutes").value) });
    });
    byId("group-resume").addEventListener("click", () => this.#dim({ level: null }));
    onLanguage(() => this.#show());
    setInterval(() => { if (!document.hidden) this.#refresh().catch(toldElsewhere); }, REFRESH_MS);
    showLevel();
  }

  /** Shows another group, or none with null. */
  select(id) {
    this.#id = id;
    this.#shown = null;
    byId("group").hidden = id === null;
    byId("group-body").hidden = true;
    if (id !== null) byId("group-title").textContent = this.#groups.name(id);
    this.#refresh().catch(notifyProblem);
  }

  async #refresh() {
    if (this.#id === null) return;
    const id = this.#id;
    const group = await getJson(this.#path());
    // The answer may be about a group that is not selected any more.
    if (id !== this.#id) return;
    this.#shown = group;
    this.#show();
  }

  #path() {
    return `/api/groups/${encodeURIComponent(this.#id)}`;
  }

  async #dim(body) {
    try {
      await postJson(`${this.#path()}/dim`, body);
      notify(t("group.sent", { name: this.#groups.name(this.#id) }));
      await this.#refresh();
    } catch (error) {
      notifyProblem(error);
    }
  }

  #show() {
    if (this.#shown === null) return;
    const { id, figures, cabinet, command } = this.#shown;
    byId("group-body").hidden = false;
    byId("group-title").textContent = this.#groups.name(id);
    byId("group-counts").textContent = t("group.counts", {
      count: format.number(figures.luminaires), lit: format.number(figures.lit), online: format.number(figures.online),
    });
    byId("group-alarms").textContent = figures.alarms > 0 ? t("group.alarms", { count: format.number(figures.alarms) }) : "";
    byId("group-mean").textContent = format.percent(figures.mean_level);
    byId("group-power").textContent = `${format.number(figures.power_w / 1e3, 1)} / ${format.number(figures.rated_w / 1e3, 1)} kW`;
    byId("group-energy").textContent = `${format.number(figures.energy_kwh, 1)} kWh`;
    this.#showCircuits(id, cabinet);
    showPhases(cabinet);
    showCommand(command);
  }

  #showCircuits(id, cabinet) {
    const rows = (cabinet?.state?.circuits ?? []).map((circuit, place) => {
      const group = `circuit:${cabinet.id}:${place + 1}`;
      const words = [t(circuit.closed ? "cabinet.closed" : "cabinet.open")];
      if (circuit.tripped.length > 0) words.push(t("cabinet.tripped", { phases: circuit.tripped.join("") }));
      const button = element("button", { type: "button", className: "link", textContent: t("cabinet.circuit", { circuit: place + 1 }), data: { group } });
      button.disabled = id === group;
      button.addEventListener("click", () => this.#onSelect(group));
      return element("li", {}, button, element("span", { className: circuit.closed ? "" : "warning", textContent: words.join(" · ") }));
    });
    if (cabinet?.state?.door_open) rows.push(element("li", { className: "warning", textContent: t("cabinet.door") }));
    const held = document.activeElement?.dataset.group;
    byId("group-circuits").replaceChildren(...rows);
    if (held) byId("group-circuits").querySelector(`[data-group="${CSS.escape(held)}"]`)?.focus();
  }
}

function showLevel() {
  byId("group-output").textContent = format.percent(byId("group-level").value);
}

function showPhases(cabinet) {
  const phases = cabinet?.telemetry?.phases ?? [];
  byId("group-phases").hidden = phases.length === 0;
  byId("group-phase-rows").replaceChildren(...phases.map((phase, place) =>
    element("tr", {},
      element("th", { scope: "row", textContent: "RST"[place] }),
      ...[format.watts(phase.power_mw), format.volts(phase.voltage_mv), format.amperes(phase.current_ma), format.factor(phase.power_factor_permille)]
        .map((textContent) => element("td", { className: "number", textContent })))));
}

/** How far the last command is: a bar of all luminaires, and the counts in words. */
function showCommand(command) {
  byId("group-command").hidden = !command;
  if (!command) return;
  const [[state, report]] = Object.entries(command.reply);
  if (state === "refused") {
    byId("group-tally").replaceChildren(element("li", { textContent: t(`group.refused.${report.reason}`) }));
    byId("group-progress").replaceChildren();
    return;
  }
  const parts = STATUSES.filter((status) => report[status] > 0);
  byId("group-progress").replaceChildren(...parts.map((status) => {
    const part = element("i", { data: { status } });
    part.style.flexGrow = report[status];
    return part;
  }));
  const words = parts.map((status) => element("li", { data: { status }, textContent: `${format.number(report[status])} ${t(`command.${status}`)}` }));
  if (report.last_lamp_ms != null) words.push(element("li", { className: "muted", textContent: t("group.last", { seconds: format.number(report.last_lamp_ms / 1e3) }) }));
  byId("group-tally").replaceChildren(...words);
}
