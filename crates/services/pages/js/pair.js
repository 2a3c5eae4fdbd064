// The PIN of the terminal makes this device a phone of the city.

import { postJson } from "./api.js";
import { watchCity } from "./connection.js";
import { byId } from "./dom.js";
import { onLanguage, startI18n, t } from "./i18n.js";
import { explain } from "./problem.js";

const CODES = new Set(["wrong_pin", "locked"]);
let problem = null;

startI18n();
onLanguage(showTrouble);
watchCity(() => tell(null));
byId("pairing").addEventListener("submit", (event) => {
  event.preventDefault();
  pair(byId("pin").value);
});

// The QR code in the terminal brings the PIN along, behind the `#`: that part of an address never leaves the browser.
const brought = location.hash.slice(1);
if (brought) {
  history.replaceState(null, "", location.pathname);
  byId("pin").value = brought;
  pair(brought);
}

async function pair(pin) {
  byId("enter").disabled = true;
  try {
    await postJson("/api/pair", { pin });
    location.replace("/phone");
  } catch (error) {
    tell(error);
    byId("pin").select();
  } finally {
    byId("enter").disabled = false;
  }
}

function tell(trouble) {
  problem = trouble;
  showTrouble();
}

function showTrouble() {
  byId("trouble").textContent = problem ? inWords(problem) : "";
}

const inWords = (trouble) => (CODES.has(trouble.code) ? t(`pair.${trouble.code}`) : explain(trouble));
