// The words of a split.

import { yuan } from "../format.js";
import { t, tOr } from "../i18n.js";

/** Where a bill's money comes from, in the order of the split; sources that pay nothing are left out. */
export function sources(split) {
  return ["pool", "supplement", "account", "family", "cash"]
    .map((source) => ({ source, amount: split[source] ?? 0 }))
    .filter(({ source, amount }) => amount > 0 || source === "cash");
}

/** One step of the reasoning, as a sentence: `ratio.level_2.retired` is told as its family `ratio` with its level. */
export function why({ rule, input, output }) {
  const level = /level_(\d)/.exec(rule)?.[1] ?? /tier\.(\d+)/.exec(rule)?.[1] ?? "";
  const family = rule.replace(/^(deductible|ratio|tier|cap)\..*/, "$1");
  const ratio = input > 0 ? Math.round((1_000 * output) / input) / 10 : 0;
  const values = { input: yuan(input), output: yuan(output), rest: yuan(input - output), level, ratio };
  return tOr(`pay.why.${family}`, null) === null ? `${rule}: ${values.input} → ${values.output}` : t(`pay.why.${family}`, values);
}
