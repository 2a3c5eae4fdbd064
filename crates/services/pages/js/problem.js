import { ApiProblem } from "./api.js";
import { pick, t, tOr } from "./i18n.js";

/** One line for a person: what went wrong, then what to do. Rethrows our own bugs instead of hiding them. */
export function explain(error) {
  if (!(error instanceof ApiProblem)) throw error;
  // What is worded in both languages says what to do itself.
  const { detail_zh } = error.members;
  if (detail_zh) return pick({ detail_en: error.detail, detail_zh }, "detail");
  const known = tOr(`refused.${error.code}`, null);
  if (known) return known;
  const advice = t(error.code === "airplane" ? "problem.airplane" : adviceKey(error.status));
  return error.detail ? `${error.detail} ${advice}` : advice;
}

/** For what is asked again and again: the banner tells of a lost city, one notice a second would only shout. */
export function toldElsewhere(error) {
  if (!(error instanceof ApiProblem)) throw error;
}

function adviceKey(status) {
  if (status === 0) return "problem.unreachable";
  if (status === 404) return "problem.missing";
  if (status === 429) return "problem.slow_down";
  return status < 500 ? "problem.refused" : "problem.server";
}
