// Which part of the phone is looked at. Arrow keys go from one tab to the next, as they do in any list of tabs.

import { byId } from "../dom.js";

export class Tabs {
  #names;
  #onShown;

  /** Parts are `#tab-NAME`, their tabs `#show-NAME`; `onShown` hears the name of the part that comes up. */
  constructor(names, onShown) {
    [this.#names, this.#onShown] = [names, onShown];
    for (const name of names) byId(`show-${name}`).addEventListener("click", () => this.show(name));
    byId(`show-${names[0]}`).parentElement.addEventListener("keydown", (event) => this.#move(event));
  }

  show(shown) {
    for (const name of this.#names) {
      byId(`tab-${name}`).hidden = name !== shown;
      byId(`show-${name}`).setAttribute("aria-selected", name === shown);
      byId(`show-${name}`).tabIndex = name === shown ? 0 : -1;
    }
    this.#onShown(shown);
  }

  #move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = this.#names.findIndex((name) => byId(`show-${name}`) === document.activeElement);
    const next = this.#names[(at + step + this.#names.length) % this.#names.length];
    byId(`show-${next}`).focus();
    this.show(next);
  }
}
