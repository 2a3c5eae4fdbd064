// Whether the city is there. A page that lost it says so in its banner, `#lost`, and asks until it is back.

import { isThere, onReached } from "./api.js";
import { byId } from "./dom.js";
import { toldElsewhere } from "./problem.js";

/** How often a page looks that may ask nothing by itself [ms]. */
const LOOK_MS = 5_000;
const RETRY_MS = 1_500;

/** `onBack` is called when the city is there again: what it said before may not hold any more. */
export function watchCity(onBack = () => {}) {
  let isLost = false;
  onReached((reached) => {
    const isBack = isLost && reached;
    isLost = !reached;
    byId("lost").hidden = reached;
    if (isBack) onBack();
  });

  /** Asks for the page itself: who served that serves all that it needs. */
  const look = async () => {
    await isThere(location.pathname).catch(toldElsewhere);
    setTimeout(look, isLost ? RETRY_MS : LOOK_MS);
  };
  setTimeout(look, LOOK_MS);
}
