// Short tones for the verdicts: up for yes, down for no.

import { byId } from "./dom.js";
import { recall, remember } from "./memory.js";

/** Frequencies [Hz], one after the other. */
const TUNES = { accepted: [660, 990], refused: [220, 165], problem: [330, 330] };
const TONE_S = 0.13;
const LOUDNESS = 0.16;

let on = recall("sound") !== "off";
let audio = null;

export function startSound() {
  byId("sound").addEventListener("click", () => {
    on = !on;
    remember("sound", on ? "on" : "off");
    show();
  });
  show();
}

export function play(verdict) {
  // Browsers let a page sound only after somebody touched it.
  if (!on || !navigator.userActivation?.hasBeenActive) return;
  audio ??= new AudioContext();
  TUNES[verdict].forEach((frequency, i) => tone(frequency, audio.currentTime + i * TONE_S));
}

function tone(frequency, start) {
  const oscillator = new OscillatorNode(audio, { frequency, type: "triangle" });
  const gain = new GainNode(audio, { gain: LOUDNESS });
  // A faded end does not click.
  gain.gain.setTargetAtTime(0, start + TONE_S * 0.6, TONE_S / 6);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + TONE_S * 1.5);
}

function show() {
  byId("sound").setAttribute("aria-pressed", on);
}
