// The city's time on a phone whose own clock may be wrong: codes are made by the city's.

import { recall, remember } from "../memory.js";

/** From here on a phone's clock is worth a word [ms]. */
export const CLOCK_OFF_MS = 30_000;

/** Clocks drift by less between two looks [ms]. */
const SET_MS = 2_000;
const KEPT = "clock-offset";

/** The city's time minus the phone's [ms]. Kept, so that it is known without a network too. */
let offset = Number(recall(KEPT)) || 0;

export const now = () => Date.now() + offset;

/** The phone's clock against one that only runs [ms]. */
let base = Date.now() - performance.now();

/** Whether somebody has set the phone's clock since this was asked last. */
export function wasSet() {
  const before = base;
  base = Date.now() - performance.now();
  return Math.abs(base - before) > SET_MS;
}

/** How far the phone's clock is ahead [ms]; behind if negative. */
export const clockAhead = () => -offset;

/** Learns the time from an answer; the server read its clock about halfway between question and answer. */
export function learn(server_ms, asked_ms) {
  offset = Math.round(server_ms - (asked_ms + Date.now()) / 2);
  remember(KEPT, offset);
}
