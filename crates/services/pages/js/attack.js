// The attack desk: nine attacks, each really done by the city's server, and what came of it.

import { AttackCards } from "./attack/cards.js";
import { Story } from "./attack/story.js";
import { postJson } from "./api.js";
import { watchCity } from "./connection.js";
import { startI18n } from "./i18n.js";
import { startSound } from "./sound.js";

/** The slowest attack waits for the lighting service to notice, and to notice the end [ms]. */
const PATIENCE_MS = 90_000;

startI18n();
startSound();
watchCity();
const story = new Story();
const cards = new AttackCards(perform);

async function perform(attack) {
  cards.begin(attack);
  story.begin(attack);
  try {
    const report = await postJson(`/api/attacks/${attack}`, {}, { patience: PATIENCE_MS });
    story.show(attack, report);
    cards.end(attack, report.end.kind !== "succeeded");
  } catch (error) {
    story.problem(attack, error);
    cards.end(attack, null);
  }
}
