// A resident's phone: who it belongs to, and what it shows.

import { setAirplane } from "./api.js";
import { byId } from "./dom.js";
import { onLanguage, pick, startI18n, t } from "./i18n.js";
import { Bills } from "./phone/bills.js";
import { Consent } from "./phone/consent.js";
import { Family } from "./phone/family.js";
import { History } from "./phone/history.js";
import { canKeepKeys } from "./phone/key.js";
import { LivingCode } from "./phone/living-code.js";
import { Requests } from "./phone/requests.js";
import { ResidentPicker } from "./phone/resident-picker.js";
import { Session } from "./phone/session.js";
import { Spoken } from "./phone/spoken.js";
import { tell } from "./phone/standing.js";
import { Streets } from "./phone/streets.js";
import { Tabs } from "./phone/tabs.js";

const COPIED_MS = 2_000;

startI18n();
let card = null;
let isShowing = false;
const code = new LivingCode((error) => session.fail(error));
const picker = new ResidentPicker(open);
const consent = new Consent({
  agreed: (question) => show(question),
  answered: (question, agrees) => requests.answer(question, agrees),
  look: () => {
    tabs.show("identity");
    byId("consent").scrollIntoView({ block: "center" });
    byId("challenge-agree").focus({ preventScroll: true });
  },
});
const family = new Family(() => show());
const session = new Session(family, {
  card: showCard,
  ready: () => { if (!isShowing) show(); },
  barred: ({ revoked }) => {
    isShowing = false;
    code.stop();
    spoken.clear();
    if (revoked) showValidity(false);
  },
  unknown: (who) => {
    close();
    tell("unknown", () => t("phone.unknown", { who }), { severity: "warning" });
  },
});

const requests = new Requests(session, (waiting) => consent.wait(waiting));
const spoken = new Spoken(() => session.spoken(chosenKind()));
const bills = new Bills(session);
const streets = new Streets();
const past = new History();
const tabs = new Tabs(["identity", "bills", "streets", "history"], (name) => {
  if (name === "bills") bills.open(family.ward ?? session.resident);
  if (name === "history") past.open(session.resident);
  else past.close();
  if (name === "streets") streets.open(session.resident);
  else streets.close();
});

for (const radio of profileRadios()) {
  radio.addEventListener("change", () => {
    showProfile();
    show();
  });
}
byId("by-phone").addEventListener("change", () => {
  session.wantKey(byId("by-phone").checked);
  show();
});
byId("by-phone").disabled = !canKeepKeys();
byId("airplane").addEventListener("change", switchAirplane);
byId("refresh").addEventListener("click", () => code.refresh());
byId("change").addEventListener("click", close);
byId("copy").addEventListener("click", copy);
onLanguage(() => {
  showProfile();
  if (card) showCard(card);
});
showProfile();
consent.learnReaders();
// Only a page of this machine or behind TLS may be kept; any other works all the same.
navigator.serviceWorker?.register("/phone-worker.js", { scope: "/phone" }).catch(() => {});

// The address keeps the resident, so that a page on a stand survives a reload.
const resident = new URLSearchParams(location.search).get("resident");
if (resident) open(resident);
else close();

function open(id) {
  history.replaceState(null, "", `?resident=${encodeURIComponent(id)}`);
  byId("picker").hidden = true;
  byId("wallet").hidden = false;
  session.open(id);
  family.open(id);
  requests.open(id);
  tabs.show("identity");
}

function close() {
  history.replaceState(null, "", location.pathname);
  session.close();
  requests.close();
  streets.close();
  past.close();
  code.stop();
  spoken.clear();
  isShowing = false;
  byId("wallet").hidden = true;
  byId("picker").hidden = false;
  picker.start();
}

/** Shows a living code of what was chosen, or the answer to a question. */
function show(question = null) {
  isShowing = true;
  spoken.clear();
  let asked = question;
  const make = async () => {
    const kind = asked ? { profile: asked.profile } : chosenKind();
    const made = await session.code(kind, asked);
    // A question is answered once; what follows is shown to whoever looks.
    asked = null;
    return made;
  };
  code.show(make, () => family.name ?? (card ? pick(card, "name") : session.resident));
}

function showCard(shown) {
  card = shown;
  byId("card-name").textContent = pick(card, "name");
  byId("card-name-other").textContent = card.name_zh === pick(card, "name") ? card.name_en : card.name_zh;
  byId("card-number").textContent = card.number_masked;
  showValidity(card.valid);
}

function showValidity(isValid) {
  byId("card-valid").textContent = t(isValid ? "phone.valid" : "phone.invalid");
  byId("card-valid").dataset.valid = isValid;
}

function switchAirplane() {
  const on = byId("airplane").checked;
  setAirplane(on);
  document.body.dataset.airplane = on;
  tell("airplane", on ? () => t(session.hasKey ? "phone.airplane.on" : "phone.airplane.no_key") : null);
  if (on) {
    tell("lost", null);
    requests.close();
    return;
  }
  session.sync();
  if (session.resident) requests.open(session.resident);
}

function showProfile() {
  byId("profile-about").textContent = t(`profile.${chosenProfile()}.about`);
}

function profileRadios() {
  return document.querySelectorAll("input[name=profile]");
}

const chosenKind = () => ({ profile: chosenProfile(), ward: family.ward });

function chosenProfile() {
  return document.querySelector("input[name=profile]:checked").value;
}

async function copy() {
  try {
    await navigator.clipboard.writeText(byId("code-text").value);
    byId("copy").textContent = t("phone.copied");
    setTimeout(() => { byId("copy").textContent = t("phone.copy"); }, COPIED_MS);
  } catch {
    // Without permission for the clipboard, the text is at least ready for the visitor's own copy.
    byId("code-text").select();
  }
}
