// Who pays a bill: a bar for the eye, a table for everybody, and the steps behind it.

import { byId, element } from "../dom.js";
import { yuan } from "../format.js";
import { t, tOr } from "../i18n.js";

const SOURCES = ["pool", "supplement", "account", "family", "cash"];

/** `before` is how it was shown until something changed; what differs is struck through. */
export function drawSplit(split, before) {
  const used = SOURCES.filter((source) => split[source] || before?.[source] || source === "cash");
  byId("split-bar").replaceChildren(...used.filter((source) => split[source]).map((source) =>
    element("span", { data: { source }, style: `flex: ${split[source]} 0 0` })));
  byId("split").replaceChildren(...used.map((source) => row(source, split[source] ?? 0, before && (before[source] ?? 0))));
}

function row(source, amount, before) {
  const cell = element("td", { className: "number" });
  if (before !== undefined && before !== amount) {
    const was = element("s", {}, element("span", { className: "unseen", textContent: t("till.was") }), yuan(before));
    cell.append(was);
  }
  cell.append(yuan(amount));
  return element("tr", {},
    element("th", { scope: "row" }, element("span", { className: "swatch", data: { source }, ariaHidden: "true" }), t(`till.source.${source}`)),
    cell);
}

/** Rule by rule: what it was applied to, and what came out. */
export function drawTrace(trace) {
  byId("trace").replaceChildren(...trace.map(({ rule, input, output }) => {
    const words = t("till.step", { rule: ruleName(rule), input: yuan(input) });
    return element("li", {}, element("span", { textContent: words }), element("b", { className: "number", textContent: yuan(output) }));
  }));
}

/** `deductible.level_2` is a name and a level; a rule that has no words stands for itself. */
function ruleName(rule) {
  const [, name, number] = /^(.*?)[._](?:level_)?(\d+)(?:\..*)?$/.exec(rule) ?? [null, rule, ""];
  const key = `till.rule.${name}`;
  return tOr(key, null) === null ? rule : t(key, { number });
}
