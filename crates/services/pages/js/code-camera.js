// The kiosk's camera: sends a picture now and then until somebody shows a code.

import { byId } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { explain } from "./problem.js";

const FRAME_MS = 400;
/** After a verdict the camera rests, for people to read it and take their phone away. */
const REST_MS = 3_000;
/** Wide enough for a dense code in an outstretched hand, small enough to send often [px]. */
const FRAME_WIDTH_MAX = 960;
/** After this a camera that another program had is tried again [ms]. */
const BUSY_MS = 5_000;
const JPEG_QUALITY = 0.85;
const TROUBLES = { NotAllowedError: "denied", NotFoundError: "missing", OverconstrainedError: "missing" };

export class CodeCamera {
  #judge;
  #onVerdict;
  #stream = null;
  /** Ends the wait for a camera that could not be started. */
  #waiting = new AbortController();
  #canvas = document.createElement("canvas");
  #note = () => t("kiosk.camera.off");

  /** `judge` asks the server about a picture; `onVerdict` gets its answer if there was a code in it. */
  constructor(judge, onVerdict) {
    this.#judge = judge;
    this.#onVerdict = onVerdict;
    byId("camera-toggle").addEventListener("click", () => (this.#stream ? this.#stop() : this.#start()));
    onLanguage(() => this.#show());
    this.#show();
  }

  async #start() {
    this.#waiting.abort();
    if (!navigator.mediaDevices) {
      this.#say(() => t("kiosk.camera.insecure"));
      return;
    }
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    } catch (error) {
      const trouble = TROUBLES[error.name] ?? "busy";
      this.#say(() => t(`kiosk.camera.${trouble}`));
      this.#startLater(trouble);
      return;
    }
    const stream = this.#stream;
    // A camera that is unplugged ends its track.
    stream.getVideoTracks()[0].addEventListener("ended", () => { if (this.#stream === stream) this.#stop(); });
    byId("video").srcObject = stream;
    await byId("video").play();
    while (this.#stream === stream) await this.#look();
  }

  /** Starts by itself once the camera is allowed, plugged in or free. */
  async #startLater(trouble) {
    const { signal } = (this.#waiting = new AbortController());
    const start = () => { if (!signal.aborted) this.#start(); };
    if (trouble === "busy") setTimeout(start, BUSY_MS);
    navigator.mediaDevices.addEventListener("devicechange", start, { signal });
    // Not every browser tells what it thinks of a camera.
    const permission = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
    permission?.addEventListener("change", start, { signal });
  }

  #stop() {
    for (const track of this.#stream.getTracks()) track.stop();
    this.#stream = null;
    byId("video").srcObject = null;
    this.#say(() => t("kiosk.camera.off"));
  }

  /** One picture, one answer, one pause. */
  async #look() {
    const stream = this.#stream;
    let pause = FRAME_MS;
    try {
      const answer = await this.#judge(await this.#frame());
      if (this.#stream !== stream) return;
      if (answer.found) {
        this.#onVerdict(answer);
        pause = REST_MS;
      }
      const state = answer.found ? "resting" : answer.blurred ? "blurred" : "looking";
      this.#say(() => t(`kiosk.camera.${state}`));
    } catch (error) {
      if (this.#stream !== stream) return;
      pause = REST_MS;
      this.#say(() => explain(error));
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }

  #frame() {
    const video = byId("video");
    const shrink = Math.min(1, FRAME_WIDTH_MAX / video.videoWidth);
    this.#canvas.width = video.videoWidth * shrink;
    this.#canvas.height = video.videoHeight * shrink;
    this.#canvas.getContext("2d").drawImage(video, 0, 0, this.#canvas.width, this.#canvas.height);
    return new Promise((resolve) => { this.#canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY); });
  }

  #say(note) {
    this.#note = note;
    this.#show();
  }

  #show() {
    // Writing the same words again would make a screen reader say them again.
    const note = this.#note();
    if (byId("camera-note").textContent !== note) byId("camera-note").textContent = note;
    byId("camera-note").classList.toggle("over-video", this.#stream !== null);
    byId("camera-toggle").textContent = t(this.#stream ? "kiosk.camera.stop" : "kiosk.camera.start");
  }
}
