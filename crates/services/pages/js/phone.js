// A resident's phone: who it belongs to, and their living code.

import { ChallengeForm } from "./challenge-form.js";
import { byId } from "./dom.js";
import { onLanguage, pick, startI18n, t } from "./i18n.js";
import { LivingCode } from "./living-code.js";
import { ResidentPicker } from "./resident-picker.js";

const COPIED_MS = 2_000;

startI18n();
const code = new LivingCode(showCard);
const picker = new ResidentPicker(open);
new ChallengeForm((challenge) => code.show({ challenge }));

for (const radio of profileRadios()) {
  radio.addEventListener("change", () => {
    showProfile();
    code.show({ profile: radio.value });
  });
}
byId("by-phone").addEventListener("change", () => code.show({ by: chosenMaker() }));
byId("refresh").addEventListener("click", () => code.refresh());
byId("change").addEventListener("click", close);
byId("copy").addEventListener("click", copy);
onLanguage(showProfile);
showProfile();

// The address keeps the resident, so that a page on a stand survives a reload.
const resident = new URLSearchParams(location.search).get("resident");
if (resident) open(resident);
else close();

function open(id) {
  history.replaceState(null, "", `?resident=${encodeURIComponent(id)}`);
  byId("picker").hidden = true;
  byId("wallet").hidden = false;
  code.show({ resident: id, profile: chosenProfile(), by: chosenMaker() });
}

function close() {
  history.replaceState(null, "", location.pathname);
  code.stop();
  byId("wallet").hidden = true;
  byId("picker").hidden = false;
  picker.start();
}

function showCard({ card }) {
  byId("card-name").textContent = pick(card, "name");
  byId("card-name-other").textContent = card.name_zh === pick(card, "name") ? card.name_en : card.name_zh;
  byId("card-number").textContent = card.number_masked;
  byId("card-valid").textContent = t(card.valid ? "phone.valid" : "phone.invalid");
  byId("card-valid").dataset.valid = card.valid;
}

function showProfile() {
  byId("profile-about").textContent = t(`profile.${chosenProfile()}.about`);
}

function profileRadios() {
  return document.querySelectorAll("input[name=profile]");
}

function chosenProfile() {
  return document.querySelector("input[name=profile]:checked").value;
}

function chosenMaker() {
  return byId("by-phone").checked ? "phone" : "issuer";
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
