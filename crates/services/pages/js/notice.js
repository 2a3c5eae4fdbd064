// One short line over the map that answers what the operator just did.

import { byId } from "./dom.js";
import { explain } from "./problem.js";

const SHOWN_MS = 6_000;
let timer;

export function notify(text, kind = "done") {
  const notice = byId("notice");
  notice.textContent = text;
  notice.dataset.kind = kind;
  clearTimeout(timer);
  timer = setTimeout(() => { notice.textContent = ""; }, SHOWN_MS);
}

export const notifyProblem = (error) => notify(explain(error), "problem");
