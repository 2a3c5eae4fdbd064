// Who looked at this identity, when, and what they were shown. What was heard last can be read without the city too.

import { ApiProblem, getJson } from "../api.js";
import { byId, element, showRows } from "../dom.js";
import { date, hourMinute, number, wallTime } from "../format.js";
import { onLanguage, pick, t, tOr } from "../i18n.js";
import { recall, remember } from "../memory.js";
import { explain } from "../problem.js";

const REFRESH_MS = 5_000;
/** Says only what a portrait is made of. */
const UNTOLD = "photo_format";

export class History {
  #resident = null;
  #isOpen = false;
  /** What the city told last: `{ heard_ms, showings }`; null if it never did. */
  #known = null;
  /** Why it may be out of date. */
  #trouble = null;

  constructor() {
    setInterval(() => { if (this.#isOpen && !document.hidden) this.#refresh(); }, REFRESH_MS);
    onLanguage(() => this.#draw());
  }

  open(resident) {
    this.#resident = resident;
    this.#known = JSON.parse(recall(`history.${resident}`) ?? "null");
    this.#trouble = null;
    this.#isOpen = true;
    this.#draw();
    this.#refresh();
  }

  close() {
    this.#isOpen = false;
  }

  async #refresh() {
    const resident = this.#resident;
    try {
      const showings = await getJson(`/api/phone/${encodeURIComponent(resident)}/history`);
      if (resident !== this.#resident) return;
      this.#known = { heard_ms: Date.now(), showings };
      this.#trouble = null;
      remember(`history.${resident}`, JSON.stringify(this.#known));
    } catch (error) {
      if (resident !== this.#resident) return;
      this.#trouble = whyOld(error);
    }
    this.#draw();
  }

  #draw() {
    this.#note(this.#trouble ? this.#standing() : "");
    const showings = this.#known?.showings ?? [];
    const nothing = this.#known ? [element("p", { className: "muted", textContent: t("history.none") })] : [];
    const days = new Set(showings.map(({ at }) => date(at)));
    const sections = Array.from(days, (day) => daySection(day, showings.filter(({ at }) => date(at) === day)));
    showRows(byId("history"), sections.length > 0 ? sections : nothing);
  }

  #standing() {
    const heard = this.#known ? t("history.heard", { time: wallTime(this.#known.heard_ms) }) : "";
    return `${this.#trouble()} ${heard}`;
  }

  /** Said again in the same words, it would interrupt a screen reader for nothing. */
  #note(words) {
    if (byId("history-note").textContent !== words) byId("history-note").textContent = words;
  }
}

function whyOld(error) {
  if (!(error instanceof ApiProblem)) throw error;
  const own = { airplane: "history.airplane", unreachable: "history.lost" }[error.code];
  return () => (own ? t(own) : explain(error));
}

function daySection(day, showings) {
  return element("section", {},
    element("h3", { textContent: day }),
    element("ul", {}, ...showings.map(row)));
}

function row(showing) {
  const { at, refused, guardian, times } = showing;
  const lines = [element("span", { className: "told", textContent: refused ? refusal(showing) : disclosure(showing) })];
  if (guardian) lines.push(element("small", { textContent: t("history.guardian", { guardian }) }));
  if (times > 1) lines.push(element("small", { textContent: t("history.times", { times: number(times) }) }));
  return element("li", { data: { verdict: refused ? "refused" : "accepted" } },
    element("b", { textContent: whoLooked(showing) }),
    element("time", { dateTime: new Date(at).toISOString(), textContent: hourMinute(at) }),
    ...lines);
}

const whoLooked = (showing) => pick(showing, "name") ?? tOr(`history.who.${showing.verifier}`, showing.verifier);

const refusal = (showing) => t("history.refused", { why: pick(showing, "title") });

function disclosure({ disclosed }) {
  const names = disclosed.filter((name) => name !== UNTOLD).map((name) => tOr(`field.${name}`, name));
  return names.length > 0 ? t("history.saw", { what: names.join(t("history.and")) }) : t("history.saw_nothing");
}
