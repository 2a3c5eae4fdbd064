// One bill: its lines, where the money comes from, and why.

import { element } from "../dom.js";
import { yuan } from "../format.js";
import { t, tOr } from "../i18n.js";
import { sources, why } from "./split-words.js";

/** The lines of a bill as a table. */
export function billLines(bill) {
  const head = ["pay.item", "pay.category", "pay.quantity", "pay.amount"]
    .map((key) => element("th", { scope: "col", textContent: t(key) }));
  const rows = bill.lines.map((line) => element("tr", {},
    element("th", { scope: "row", textContent: tOr(`till.item.${line.item}`, line.item) }),
    element("td", { textContent: line.category }),
    element("td", { className: "number", textContent: line.quantity_milli / 1_000 }),
    element("td", { className: "number", textContent: yuan((line.unit_price * line.quantity_milli) / 1_000) })));
  return element("table", { className: "bill-lines" },
    element("caption", { className: "unseen", textContent: t("pay.lines") }),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows));
}

/** Where the money comes from: a bar, and the same in numbers. */
export function splitList(split) {
  const parts = sources(split);
  const bar = element("div", { className: "split-bar", attributes: { "aria-hidden": "true" } },
    ...parts.map(({ source, amount }) => {
      const part = element("span", { data: { source } });
      part.style.flexGrow = amount;
      return part;
    }));
  const list = element("dl", { className: "split" }, ...parts.flatMap(({ source, amount }) => [
    element("dt", { data: { source }, textContent: t(`pay.source.${source}`) }),
    element("dd", { className: "number", textContent: yuan(amount) }),
  ]), element("dt", { className: "sum", textContent: t("pay.total") }), element("dd", { className: "sum number", textContent: yuan(split.total) }));
  return element("div", {}, bar, list);
}

/** A step about nothing explains nothing, and neither does a part of the bill that is nothing. */
const says = ({ rule, input, output }) => input > 0 && (output > 0 || !rule.startsWith("scope."));

/** Why it is split like that: one sentence for each step. */
export function reasons(trace, policy = null) {
  const steps = trace.filter(says).map((step) => element("li", { textContent: why(step) }));
  const source = policy ? [element("p", { className: "muted small", textContent: t("pay.policy", { policy }) })] : [];
  return element("details", { className: "why" },
    element("summary", { textContent: t("pay.why") }),
    element("ol", {}, ...steps),
    ...source);
}
