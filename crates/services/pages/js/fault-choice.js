// What can be broken in a lamp, and how badly.

import { byId, element } from "./dom.js";
import { onLanguage, tOr } from "./i18n.js";

export class FaultChoice {
  #faults;

  /** `faults` – what the city says can be broken, each with its severities or none. */
  constructor(faults) {
    this.#faults = new Map(faults.map(({ name, severities }) => [name, severities]));
    byId("lamp-fault").addEventListener("change", () => this.#offerSeverity());
    onLanguage(() => this.#fill());
    this.#fill();
    this.#offerSeverity();
  }

  /** As the city writes it: `lamp_open`, `brownout:190`. */
  text() {
    const name = byId("lamp-fault").value;
    return this.#faults.get(name) ? `${name}:${byId("fault-severity").value}` : name;
  }

  #fill() {
    const select = byId("lamp-fault");
    const chosen = select.value;
    select.replaceChildren(...[...this.#faults.keys()].map((value) => element("option", { value, textContent: tOr(`fault.${value}`, value) })));
    if (chosen) select.value = chosen;
  }

  #offerSeverity() {
    const severities = this.#faults.get(byId("lamp-fault").value);
    byId("fault-severity-row").hidden = !severities;
    if (!severities) return;
    Object.assign(byId("fault-severity"), { min: severities.min, max: severities.max, value: severities.usual });
    byId("fault-unit").textContent = `${severities.unit} (${severities.min} … ${severities.max})`;
  }
}
