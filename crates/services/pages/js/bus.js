// The bus view: what goes over the bus, how fast, and what nobody could read.

import { ApiProblem, getJson } from "./api.js";
import { watchCity } from "./connection.js";
import { byId, element, showRows, topicParts } from "./dom.js";
import { number, timeOfDay } from "./format.js";
import { onLanguage, startI18n, t } from "./i18n.js";
import { explain, toldElsewhere } from "./problem.js";

const REFRESH_MS = 1_000;
/** The bar beside the fastest topic [px]. */
const RATE_WIDTH_PX = 48;

let filter = "#";
let held = false;
let chosen = null;
let overview = null;
let listed = [];

startI18n();
onLanguage(showAll);
byId("filter-form").addEventListener("submit", (event) => {
  event.preventDefault();
  look(byId("filter").value.trim() || "#");
});
byId("hold").addEventListener("click", () => {
  held = !held;
  byId("hold").setAttribute("aria-pressed", held);
});
watchCity();
refresh();

/** Again and again, one question after the other, however slow the city is. */
async function refresh() {
  if (!document.hidden) await ask();
  setTimeout(refresh, REFRESH_MS);
}

async function ask() {
  try {
    overview = await getJson("/api/bus");
    showOverview();
    if (!held) await list();
  } catch (error) {
    toldElsewhere(error);
  }
}

async function list() {
  const asked = filter;
  try {
    const found = await getJson(`/api/bus/messages?filter=${encodeURIComponent(asked)}`);
    if (asked !== filter) return;
    listed = found;
    told("");
    showMessages();
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status === 0) throw error;
    told(error.detail);
  }
}

function told(problem) {
  byId("filter-problem").textContent = problem;
  byId("filter").setAttribute("aria-invalid", problem !== "");
}

/** Lists other messages. */
function look(wanted) {
  filter = wanted;
  byId("filter").value = wanted;
  held = false;
  byId("hold").setAttribute("aria-pressed", false);
  ask();
}

function showAll() {
  showOverview();
  showMessages();
}

function showOverview() {
  if (overview === null) return;
  const most = Math.max(1, ...overview.topics.map(({ per_s }) => per_s));
  const others = { ...overview.others, address: t("bus.others"), summary: t("bus.others_summary"), filter: null };
  const rows = [...overview.topics, ...(others.count > 0 ? [others] : [])].map((topic) => topicRow(topic, most));
  showRows(byId("topics"), rows);
  byId("dead-count").textContent = number(overview.dead_count);
  byId("dead-count").classList.toggle("warning", overview.dead_count > 0);
  byId("dead-none").hidden = overview.dead.length > 0;
  showRows(byId("dead"), overview.dead.map(deadRow));
}

function topicRow({ address, summary, count, per_s, filter: own }, most) {
  const asFilter = address.replace(/\{[a-z]+\}/g, "+").replace(/^rsp\/\+$/, "rsp/#");
  const name = own === null ? element("span", { textContent: address }) : element("button", { type: "button", className: "link", title: summary, data: { row: address } }, ...topicParts(address));
  if (own !== null) name.addEventListener("click", () => look(asFilter));
  const bar = element("i", { className: "rate" });
  bar.style.width = `${(per_s / most) * RATE_WIDTH_PX}px`;
  return element("tr", { className: per_s > 0 ? "" : "still" },
    element("td", {}, name),
    element("td", { className: "number" }, bar, number(per_s, per_s < 10 ? 1 : 0)),
    element("td", { className: "number", textContent: number(count) }));
}

function deadRow({ at_ms, consumer, topic, offset, reason }) {
  return element("tr", {},
    element("td", {}, element("time", { textContent: timeOfDay(at_ms) })),
    element("td", { textContent: consumer }),
    element("td", {}, element("code", {}, ...topicParts(topic))),
    element("td", { className: "number", textContent: number(offset) }),
    element("td", { textContent: reason }));
}

function showMessages() {
  byId("messages-none").hidden = listed.length > 0;
  showRows(byId("messages"), listed.map((message) => {
    const button = element("button", { type: "button", data: { row: message.number } },
      element("time", { textContent: timeOfDay(message.at_ms) }),
      element("code", {}, ...topicParts(message.topic)));
    button.setAttribute("aria-current", message.number === chosen);
    button.addEventListener("click", () => read(message.number));
    return element("li", {}, button);
  }));
}

async function read(wanted) {
  chosen = wanted;
  showMessages();
  let message;
  try {
    message = await getJson(`/api/bus/messages/${wanted}`);
  } catch (error) {
    message = { topic: "", problem: explain(error) };
  }
  if (chosen !== wanted) return;
  byId("message-hint").hidden = true;
  byId("message").hidden = false;
  byId("message-topic").textContent = message.topic;
  byId("message-facts").textContent = message.problem ? "" : facts(message);
  byId("message-note").hidden = !message.note && !message.problem;
  byId("message-note").textContent = message.problem ?? (message.note ? t(`bus.note.${message.note}`) : "");
  byId("message-payload").textContent = message.payload ?? "";
}

function facts({ number: place, at_ms, bytes, retained }) {
  const words = [t("bus.number", { number: number(place) }), timeOfDay(at_ms), t("bus.bytes", { bytes: number(bytes) })];
  if (retained) words.push(t("bus.retained"));
  return words.join(" · ");
}
