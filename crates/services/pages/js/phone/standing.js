// How it stands with this phone: one line for each thing its owner should know, gone when it is over.

import { byId, element } from "../dom.js";
import { onLanguage } from "../i18n.js";

const lines = new Map();

onLanguage(draw);

/** `words()` is the line in the language of the page; null takes it away. */
export function tell(kind, words, { severity = "note", action = null } = {}) {
  if (words === null) {
    if (lines.delete(kind)) draw();
    return;
  }
  const before = lines.get(kind);
  lines.set(kind, { words, severity, action });
  // Said again in the same words, it would interrupt a screen reader for nothing.
  if (before?.words() !== words()) draw();
}

function draw() {
  byId("standing").replaceChildren(...Array.from(lines, ([kind, { words, severity, action }]) => {
    const line = element("li", { data: { kind, severity } }, element("span", { textContent: words() }));
    if (action) {
      const button = element("button", { type: "button", textContent: action.label() });
      button.addEventListener("click", action.run);
      line.append(button);
    }
    return line;
  }));
}
