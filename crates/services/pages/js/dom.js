// Small helpers over the DOM. Text always goes in as text, so nothing a server sends becomes markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** Makes an element; `properties` are DOM properties, `data` and `attributes` are what their names say. */
export function element(tag, { data = {}, attributes = {}, ...properties } = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  Object.assign(node.dataset, data);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function svgElement(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/**
 * Shows these rows in a list, and no others. A row that looks as before stays in its place, so that a click on it, begun
 * or aimed at, still meets it; one that was made anew keeps the focus by what it holds with the same `data-row`.
 */
export function showRows(list, rows) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.row : null;
  const wanted = new Set(rows.map((row) => row.outerHTML));
  const kept = new Map();
  for (const row of [...list.children]) {
    if (wanted.has(row.outerHTML) && !kept.has(row.outerHTML)) kept.set(row.outerHTML, row);
    else row.remove();
  }
  let place = list.firstElementChild;
  for (const made of rows) {
    const row = kept.get(made.outerHTML) ?? made;
    kept.delete(made.outerHTML);
    if (row === place) place = place.nextElementSibling;
    else list.insertBefore(row, place);
  }
  if (focused && !list.contains(document.activeElement)) {
    list.querySelector(`[data-row="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
}

/** A topic that may break after each slash, and nowhere else. */
export const topicParts = (topic) => topic.split("/").flatMap((part, place) => (place === 0 ? [part] : ["/", document.createElement("wbr"), part]));

/** True when the visitor asked the system for less movement; asked each time because it can change. */
export const wantsCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Puts off repeated calls, so that `run` happens at most once per `interval` [ms]. */
export function throttle(run, interval) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      run();
    }, interval);
  };
}
