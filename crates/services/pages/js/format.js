// Numbers and times as people read them, in the language of the page.

import { languageTag, t } from "./i18n.js";

/** The city keeps China standard time, wherever its visitors are. */
const ZONE = "Asia/Shanghai";

const formats = new Map();

/** Building an `Intl` format is slow, and the feed needs many. */
function cached(kind, options) {
  const key = `${languageTag()} ${kind.name} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new kind(languageTag(), options));
  return formats.get(key);
}

export const number = (value, digits = 0) =>
  cached(Intl.NumberFormat, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

export const percent = (value) => `${number(value)} %`;

export const timeOfDay = (ms) =>
  cached(Intl.DateTimeFormat, { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(ms);

export const hourMinute = (ms) =>
  cached(Intl.DateTimeFormat, { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);

export const date = (ms) =>
  cached(Intl.DateTimeFormat, { timeZone: ZONE, weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(ms);

export const dateAndTime = (ms) =>
  cached(Intl.DateTimeFormat, { timeZone: ZONE, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);

/** Wall-clock time in the visitor's own zone. */
export const wallTime = (ms) =>
  cached(Intl.DateTimeFormat, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(ms);

/** `—` for what was never reported. */
export const orDash = (value, format) => (value === null || value === undefined ? "—" : format(value));

export const watts = (milliwatts) => `${number(milliwatts / 1e3, 1)} W`;
export const volts = (millivolts) => `${number(millivolts / 1e3, 1)} V`;
export const kilowattHours = (milliwattHours) => `${number(milliwattHours / 1e6, 2)} kWh`;
export const amperes = (milliamperes) => `${number(milliamperes / 1e3, 2)} A`;
export const factor = (permille) => number(permille / 1e3, 2);
export const celsius = (degrees) => `${number(degrees)} °C`;
export const hours = (seconds) => t("unit.hours", { value: number(seconds / 3600, 1) });

/** How long ago something was, in its largest fitting unit. */
export function age(seconds) {
  if (seconds < 60) return t("unit.age.seconds", { value: seconds });
  if (seconds < 3600) return t("unit.age.minutes", { value: Math.floor(seconds / 60) });
  return t("unit.age.hours", { hours: Math.floor(seconds / 3600), minutes: Math.floor(seconds / 60) % 60 });
}

/** Whole fen as yuan. */
export const yuan = (fen) => `¥${number(fen / 100, 2)}`;
