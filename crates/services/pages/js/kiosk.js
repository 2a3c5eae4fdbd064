// The kiosk: codes come in by camera, hand scanner, paste or image, and leave as a verdict.

import { postImage, postJson } from "./api.js";
import { CodeCamera } from "./code-camera.js";
import { watchCity } from "./connection.js";
import { byId } from "./dom.js";
import { startI18n, t } from "./i18n.js";
import { NetworkSwitch } from "./network-switch.js";
import { ReaderChoice } from "./reader-choice.js";
import { startSound } from "./sound.js";
import { VerdictBoard } from "./verdict-board.js";

startI18n();
startSound();
const board = new VerdictBoard();
const reader = new ReaderChoice();
const network = new NetworkSwitch();
new CodeCamera(judgePicture, (answer) => show(answer));
watchCity(() => {
  reader.start();
  network.refresh();
});

byId("paste").addEventListener("submit", (event) => {
  event.preventDefault();
  verifyPasted();
});
byId("paste-code").addEventListener("keydown", (event) => {
  // A hand scanner types the code and ends it with Enter.
  if (event.key !== "Enter") return;
  event.preventDefault();
  verifyPasted();
});
byId("upload").addEventListener("change", verifyImage);

// A hand scanner types wherever the focus is: keep it in the box unless something else wants it.
document.addEventListener("click", () => {
  if (document.activeElement === document.body) focusPaste();
});
focusPaste();

async function verifyPasted() {
  const code = byId("paste-code").value.trim();
  focusPaste();
  if (code === "") return;
  // The next scan replaces this one.
  byId("paste-code").select();
  await board.check(() => postJson("/api/kiosk/verify", { code, asking: reader.asking() }));
  afterVerdict();
}

async function verifyImage() {
  const [file] = byId("upload").files;
  if (!file) return;
  // Or choosing the same file again would go unnoticed.
  byId("upload").value = "";
  await board.check(async () => {
    const answer = await judgePicture(file);
    const missing = answer.blurred ? "kiosk.upload.blurred" : "kiosk.upload.nothing";
    return answer.found ? answer : { verdict: "problem", advice: () => t(missing) };
  });
  afterVerdict();
}

function judgePicture(picture) {
  return postImage(`/api/kiosk/frame?${new URLSearchParams(reader.asking())}`, picture);
}

function show(answer) {
  board.show(answer);
  afterVerdict();
}

function afterVerdict() {
  reader.renew();
  network.refresh();
}

/** Without scrolling: on a small screen the verdict must stay in sight. */
function focusPaste() {
  byId("paste-code").focus({ preventScroll: true });
}
