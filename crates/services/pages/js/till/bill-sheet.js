// One bill on the desk: its lines, who pays, and why.

import { byId, element } from "../dom.js";
import { number, yuan } from "../format.js";
import { onLanguage, t, tOr } from "../i18n.js";
import { shortId } from "./bill-list.js";
import { drawSplit, drawTrace } from "./split.js";

/** Quantities are thousandths of a unit. */
const MILLI = 1_000;

export class BillSheet {
  #shown = null;

  constructor() {
    onLanguage(() => this.#draw());
  }

  clear() {
    this.#shown = null;
    this.#draw();
  }

  /**
   * Shows `{ bill, state, split, before, trace }`: `state` is open, settled or reversed; `before` the split that was
   * shown until it changed. The same once more is left alone: somebody may be typing in it.
   */
  show(shown) {
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#draw();
  }

  /** What is to be given back, as the payer wants it told. */
  refundLines() {
    const inputs = [...byId("lines").querySelectorAll("input")];
    return inputs
      .map((input) => ({ line: Number(input.dataset.line), quantity_milli: Math.round(input.value * MILLI) }))
      .filter(({ quantity_milli }) => quantity_milli > 0);
  }

  #draw() {
    byId("no-bill").hidden = this.#shown !== null;
    byId("bill").hidden = this.#shown === null;
    if (this.#shown === null) return;
    const { bill, state, split, before, trace } = this.#shown;
    byId("bill-title").textContent = t("till.bill", { id: shortId(bill.id) });
    byId("bill-about").textContent = t("till.bill.about", { patient: bill.beneficiary, provider: bill.provider, level: bill.level, id: bill.id });
    byId("bill-state").dataset.state = state;
    byId("bill-state").textContent = t(`till.state.${state}`);
    this.#drawLines(bill, state === "settled");
    byId("split-title").hidden = byId("split-bar").hidden = byId("why").hidden = !split;
    byId("split").replaceChildren();
    if (split) drawSplit(split, before);
    drawTrace(trace ?? []);
  }

  #drawLines(bill, refundable) {
    const columns = ["item", "category", "price", "quantity", "amount", ...(refundable ? ["back"] : [])];
    byId("lines-head").replaceChildren(...columns.map((column) =>
      element("th", { scope: "col", className: column === "item" || column === "category" ? "" : "number", textContent: t(`till.column.${column}`) })));
    byId("lines").replaceChildren(...bill.lines.map((line, index) => lineRow(line, index + 1, refundable)));
    byId("lines-foot").replaceChildren(element("tr", {},
      element("td", { colSpan: 4, textContent: t("till.total") }),
      element("td", { className: "number", textContent: yuan(bill.total) }),
      ...(refundable ? [element("td")] : [])));
  }
}

function lineRow(line, place, refundable) {
  const units = line.quantity_milli / MILLI;
  const name = tOr(`till.item.${line.item}`, line.item);
  const cells = [
    element("td", { textContent: name }),
    element("td", { textContent: t(`till.category.${line.category}`) }),
    element("td", { className: "number", textContent: yuan(line.unit_price) }),
    element("td", { className: "number", textContent: number(units, Number.isInteger(units) ? 0 : 3) }),
    element("td", { className: "number", textContent: yuan(Math.round(line.unit_price * units)) }),
  ];
  if (refundable) {
    const input = element("input", { type: "number", min: 0, max: units, step: "any", value: 0, data: { line: place } });
    input.setAttribute("aria-label", t("till.back.of", { name }));
    cells.push(element("td", { className: "number" }, input));
  }
  return element("tr", {}, ...cells);
}
