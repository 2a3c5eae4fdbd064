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
