// A hospital's till: a bill, the patient's code, a receipt. It asks as any hospital's system does, under /v1.

import { getJson, postImage, postJson } from "./api.js";
import { CodeCamera } from "./code-camera.js";
import { watchCity } from "./connection.js";
import { byId, element } from "./dom.js";
import { onLanguage, pick, startI18n } from "./i18n.js";
import { recall, remember } from "./memory.js";
import { startSound } from "./sound.js";
import { BillList } from "./till/bill-list.js";
import { BillSheet } from "./till/bill-sheet.js";
import { Outcome } from "./till/outcome.js";
import { PayDesk } from "./till/pay-desk.js";

const PATIENTS_LISTED = 200;

startI18n();
startSound();
const outcome = new Outcome();
const sheet = new BillSheet();
const list = new BillList((bill) => desk.open(bill));
const desk = new PayDesk(sheet, outcome, () => list.refresh());
new CodeCamera((picture) => postImage("/api/till/scan", picture), ({ code }) => desk.scanned(code));

let providers = [];

byId("provider").addEventListener("change", () => {
  remember("provider", byId("provider").value);
  desk.close();
  list.show(byId("provider").value);
});
byId("visit").addEventListener("submit", (event) => {
  event.preventDefault();
  treat();
});
onLanguage(listProviders);
watchCity(() => { if (providers.length === 0) start(); });
start();

async function start() {
  try {
    providers = await getJson("/api/till/providers");
    listProviders();
    if (recall("provider")) byId("provider").value = recall("provider");
    if (!byId("provider").value) byId("provider").selectedIndex = 0;
    list.show(byId("provider").value);
    const people = await getJson(`/api/residents?limit=${PATIENTS_LISTED}`);
    byId("patients").replaceChildren(...people.map((person) =>
      element("option", { value: person.id, label: `${person.name_zh} ${person.name_en}` })));
  } catch (error) {
    outcome.problem(error);
  }
}

function listProviders() {
  const chosen = byId("provider").value;
  byId("provider").replaceChildren(...providers.map((provider) =>
    element("option", { value: provider.id, textContent: pick(provider, "name") })));
  byId("provider").value = chosen;
}

/** A patient is treated: the clinic makes the bill. */
async function treat() {
  byId("treat").disabled = true;
  try {
    const path = `/api/till/${byId("provider").value}/visits`;
    const { bill } = await postJson(path, { beneficiary: byId("patient").value.trim() });
    list.choose(bill);
    await desk.open(bill);
  } catch (error) {
    outcome.problem(error);
  } finally {
    byId("treat").disabled = false;
  }
}
