// Scenarios: choose one, watch its expectations in the time of its city, open the report.

import { ApiProblem, getJson, postJson } from "./api.js";
import { watchCity } from "./connection.js";
import { byId, element, showRows } from "./dom.js";
import { dateAndTime } from "./format.js";
import { onLanguage, startI18n, t } from "./i18n.js";
import { explain } from "./problem.js";

const WATCH_MS = 250;
const IDLE_MS = 2_000;
const SIGNS = { ahead: "·", watching: "…", came_true: "✓", failed: "✗", passed: "✓", inconclusive: "?" };

let scenarios = null;
let run = null;

startI18n();
onLanguage(show);
byId("run-cancel").addEventListener("click", () => order(() => postJson("/api/scenarios/run/cancel")));
watchCity(() => { scenarios = null; });
watch();

/** Again and again, one question after the other, however slow the city is. */
async function watch() {
  try {
    scenarios ??= await getJson("/api/scenarios");
    run = await getJson("/api/scenarios/run");
    show();
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    byId("choose-problem").textContent = error.status === 0 ? "" : explain(error);
  }
  setTimeout(watch, run?.phase === "playing" ? WATCH_MS : IDLE_MS);
}

/** Does what was asked for, and says so if it cannot be. */
async function order(what) {
  byId("choose-problem").textContent = "";
  try {
    await what();
    run = await getJson("/api/scenarios/run");
    show();
  } catch (error) {
    byId("choose-problem").textContent = explain(error);
  }
}

function show() {
  showList();
  // A city that was started again has played nothing yet.
  byId("run").hidden = run === null;
  if (run !== null) showRun();
}

function showList() {
  showRows(byId("scenarios"), (scenarios ?? []).map(row));
}

function row({ file, title, about, mistake }) {
  const button = element("button", { type: "button", textContent: t("scenarios.play"), data: { row: file } });
  button.setAttribute("aria-label", t("scenarios.play_one", { title }));
  button.disabled = mistake !== null || run?.phase === "playing";
  button.addEventListener("click", () => order(async () => {
    await postJson("/api/scenarios/run", { file });
    byId("run-title").focus();
  }));
  const words = mistake === null ? element("p", { textContent: about }) : element("p", { className: "mistake", textContent: mistake });
  const item = element("li", {}, element("b", { textContent: title }), button, words);
  item.setAttribute("aria-current", file === run?.file);
  return item;
}

function showRun() {
  const { title, file, scene, phase } = run;
  byId("run-title").textContent = title;
  byId("run-about").textContent = scenarios?.find((one) => one.file === file)?.about ?? "";
  byId("run-cancel").hidden = phase !== "playing";
  byId("run-end").hidden = phase !== "ended";
  byId("run-again").textContent = run.again ?? "";
  byId("run-mistake").hidden = phase !== "mistaken";
  byId("run-mistake").textContent = run.mistake ?? "";
  showBadge();
  showClock(scene);
  byId("expectations").replaceChildren(...(run.outcomes ? run.outcomes.map(outcome) : scene.expectations.map(expectation)));
}

function showBadge() {
  const state = run.phase === "ended" ? run.standing : run.phase;
  const words = t(`scenarios.state.${state}`);
  byId("run-badge").hidden = false;
  byId("run-badge").dataset.standing = state;
  // A live region speaks again whenever it is written, also with the same words.
  if (byId("run-badge").textContent !== words) byId("run-badge").textContent = words;
}

function showClock({ start_ms, now_ms, end_ms }) {
  const percent = end_ms > start_ms ? Math.floor(((now_ms - start_ms) / (end_ms - start_ms)) * 100) : 0;
  byId("run-clock").textContent = end_ms > 0 ? dateAndTime(now_ms) : "—";
  byId("run-bar").setAttribute("aria-valuenow", percent);
  byId("run-bar").firstElementChild.style.width = `${percent}%`;
}

const expectation = ({ name, so_far }) => line(name, so_far, "");

function outcome({ name, standing, measured, failure }) {
  const why = failure ? t("scenarios.failure", { time: dateAndTime(failure.at), expected: failure.expected, seen: failure.seen }) : measured;
  return line(name, standing, why);
}

function line(name, state, words) {
  return element("li", { data: { state } },
    element("i", { textContent: SIGNS[state], attributes: { "aria-hidden": "true" } }),
    element("span", { textContent: name }),
    element("span", { className: "state", textContent: t(`scenarios.so_far.${state}`) }),
    ...(words ? [element("small", { textContent: words })] : []));
}
