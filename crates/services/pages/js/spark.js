// The recent light of one lamp as a small curve.

import { svgElement } from "./dom.js";

const WIDTH = 320;
const HEIGHT = 64;
const INSET = 3;

/** Draws `history` (in the order of time) into an SVG of 320 by 64. */
export function drawSpark(svg, history) {
  if (history.length < 2) {
    svg.replaceChildren();
    return;
  }
  const [first, last] = [history[0].at_ms, history.at(-1).at_ms];
  const x = (ms) => ((ms - first) / Math.max(1, last - first)) * WIDTH;
  const y = (level) => HEIGHT - INSET - (level / 100) * (HEIGHT - 2 * INSET);
  // A lamp keeps its level until it reports another one: steps, not slopes.
  const steps = history.map(({ at_ms, actual }, i) => (i === 0 ? `M0 ${y(actual)}` : `H${x(at_ms).toFixed(1)}V${y(actual).toFixed(1)}`)).join("");
  svg.replaceChildren(
    ...[0, 50, 100].map((level) => svgElement("path", { class: "spark-grid", d: `M0 ${y(level)}H${WIDTH}` })),
    svgElement("path", { class: "spark-area", d: `${steps}V${HEIGHT}H0Z` }),
    svgElement("path", { class: "spark-line", d: steps }),
  );
}
