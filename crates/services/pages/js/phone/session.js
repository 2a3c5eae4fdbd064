// A resident on this phone: their card, how their codes are made, and how it stands with the city.

import { ApiProblem, getJson, isAirplane, postJson } from "../api.js";
import { number } from "../format.js";
import { t } from "../i18n.js";
import { explain } from "../problem.js";
import { Alone } from "./alone.js";
import { issuerCode } from "./issuer-code.js";
import { canKeepKeys } from "./key.js";
import { CLOCK_OFF_MS, clockAhead, learn, now, wasSet } from "./server-time.js";
import { tell } from "./standing.js";
import { Wallet } from "./wallet.js";

/** How often a phone asks how it stands [ms]: so soon it knows that its owner was suspended. */
const SYNC_MS = 20_000;
/** The same while the city does not answer [ms]. */
const RETRY_MS = 4_000;
/** What a phone keeps credentials of in advance, so that it can go without a network. */
const PROFILES = ["anon", "age", "name", "photo", "full"];
/** The same of somebody whom its owner answers for. */
const WARD_PROFILES = ["name", "age"];
/** Refusals after which nothing that the phone has is worth showing. */
const REVOKED = ["not_enrolled", "resident_inactive"];
/** Refusals of what was asked just now; they say nothing about how the phone stands. */
const OWN_WORDS = ["guardianship_ended", "needs_key"];
/** There is no such resident at all. */
const UNKNOWN = ["not_found", "invalid"];

export class Session {
  #family;
  #on;
  #alone;
  #resident = null;
  #wallet = null;
  #wantsKey = true;
  /** Why the issuer makes the codes, if the phone does not; a key of the dictionary. */
  #byIssuer = null;
  /** Whether another tab shows this resident. */
  #isElsewhere = false;
  #syncing = null;
  #syncAt = 0;

  /**
   * `family` knows whose codes are wanted beside the owner's. `on` hears the `card(card)`; `ready()` and `barred({ revoked })` when codes can, or must not, be shown; and
   * `unknown(who)` when there is no such resident.
   */
  constructor(family, on) {
    [this.#family, this.#on] = [family, on];
    this.#alone = new Alone({ onGained: () => this.#start(), onLost: () => this.#lose() });
    setInterval(() => { if (wasSet() || performance.now() >= this.#syncAt) this.sync(); }, RETRY_MS);
  }

  get resident() { return this.#resident; }
  get hasKey() { return this.#wallet !== null && this.#byIssuer === null; }

  /** Puts a resident on this phone. */
  open(resident) {
    this.close();
    this.#resident = resident;
    this.#alone.take(resident);
  }

  close() {
    this.#resident = this.#wallet = null;
    this.#alone.give();
    for (const kind of ["lost", "revoked", "elsewhere", "issuer", "clock", "unknown"]) tell(kind, null);
  }

  /** Whether codes are made with this phone's key, if it has one. */
  wantKey(wanted) {
    this.#wantsKey = wanted;
    this.#chooseMaker();
  }

  /** A code of a kind: a profile, and a ward if it is not the owner's own. */
  async code(kind, challenge = null) {
    if (!this.hasKey) {
      if (challenge || kind.ward) throw needsKey();
      return issuerCode(this.#resident, kind.profile);
    }
    if (this.#wallet.stock(kind) === 0) await this.#refill(kind);
    // The city may have refused this phone's key just now.
    return this.hasKey ? this.#wallet.code(kind, challenge) : this.code(kind, challenge);
  }

  /** Eight digits that stand for a code of a kind: `{ spoken, expires_ms }`. */
  async spoken(kind) {
    if (!this.hasKey && kind.ward) throw needsKey();
    const asked = this.hasKey ? { code: (await this.code(kind)).code } : { profile: kind.profile };
    return postJson(`/api/phone/${encodeURIComponent(this.#resident)}/spoken`, asked);
  }

  /** Asks the city how the phone stands, and fetches what it lacks. One at a time. */
  sync() {
    if (this.#resident === null || this.#isElsewhere || isAirplane()) return null;
    this.#syncAt = performance.now() + SYNC_MS;
    this.#syncing ??= this.#ask(this.#resident).finally(() => { this.#syncing = null; });
    return this.#syncing;
  }

  async #start() {
    this.#isElsewhere = false;
    tell("elsewhere", null);
    const resident = this.#resident;
    const wallet = canKeepKeys() ? await Wallet.open(resident).catch(() => null) : null;
    if (resident !== this.#resident) return;
    this.#wallet = wallet;
    this.#chooseMaker();
    if (wallet?.card) this.#on.card(wallet.card);
    // With credentials at hand, a code need not wait for the city.
    if (this.hasKey && wallet.lastsUntil({ profile: PROFILES[0] }) > 0) this.#on.ready();
    await this.sync();
  }

  #lose() {
    this.#isElsewhere = true;
    const action = { label: () => t("phone.elsewhere.take"), run: () => this.#alone.take(this.#resident) };
    tell("elsewhere", () => t("phone.elsewhere"), { severity: "warning", action });
    this.#on.barred({ revoked: false });
  }

  async #ask(resident) {
    try {
      const asked = Date.now();
      const { card, server_ms, keys } = await getJson(`/api/phone/${encodeURIComponent(resident)}`);
      learn(server_ms, asked);
      this.#tellClock();
      this.#on.card(card);
      await this.#wallet?.keepCard(card);
      if (keys.length > 0) await this.#wallet?.trust(keys);
      if (this.hasKey) await this.#stockUp();
      if (resident !== this.#resident || this.#isElsewhere) return;
      tell("lost", null);
      tell("revoked", null);
      this.#on.ready();
    } catch (error) {
      if (resident === this.#resident) this.fail(error);
    }
  }

  /** Profiles that lack credentials get them; a phone that has all gets a fresh one instead of one of the oldest. */
  async #stockUp() {
    const kinds = PROFILES.map((profile) => ({ profile }));
    await this.#stockUpFamily();
    const lacking = kinds.filter((kind) => this.#wallet.stock(kind) === 0);
    const [oldest] = kinds.sort((a, b) => this.#wallet.lastsUntil(a) - this.#wallet.lastsUntil(b));
    for (const kind of lacking.length > 0 ? lacking : [oldest]) if (this.hasKey) await this.#refill(kind);
  }

  /** A grant that has ended says nothing about the owner. */
  async #stockUpFamily() {
    for (const ward of this.#family.wards) {
      const lacking = WARD_PROFILES.map((profile) => ({ profile, ward })).filter((kind) => this.#wallet.stock(kind) === 0);
      for (const kind of lacking) await this.#refill(kind).catch((error) => { if (error.code !== "guardianship_ended") throw error; });
    }
  }

  async #refill(kind) {
    try {
      await this.#wallet.refill(kind);
    } catch (error) {
      if (error.code !== "too_many_phones") throw error;
      this.#byIssuer = "phone.issuer.too_many";
      this.#tellMaker();
    }
  }

  /** Hears that something could not be done; says whether its words stand among the phone's own lines. */
  fail(error) {
    if (!(error instanceof ApiProblem)) throw error;
    if (REVOKED.includes(error.code)) {
      tell("revoked", () => t("phone.revoked"), { severity: "bad" });
      this.#wallet?.empty();
      this.#on.barred({ revoked: true });
      return true;
    }
    if (isAirplane() || OWN_WORDS.includes(error.code)) return false;
    if (UNKNOWN.includes(error.code)) {
      this.#on.unknown(this.#resident);
      return true;
    }
    this.#syncAt = performance.now() + RETRY_MS;
    const left = this.hasKey ? Math.floor((this.#wallet.lastsUntil({ profile: "name" }) - now()) / 3_600_000) : 0;
    const words = () => (left > 0 ? t("phone.lost.own_key", { hours: number(left) }) : explain(error));
    tell("lost", words, { severity: "warning" });
    return true;
  }

  #chooseMaker() {
    if (!canKeepKeys()) this.#byIssuer = "phone.issuer.insecure";
    else if (this.#wallet === null) this.#byIssuer = "phone.issuer.no_store";
    else this.#byIssuer = this.#wantsKey ? null : "phone.issuer.chosen";
    this.#tellMaker();
  }

  #tellMaker() {
    const reason = this.#byIssuer;
    tell("issuer", reason && (() => t(reason)));
  }

  #tellClock() {
    const ahead = clockAhead();
    const isOff = Math.abs(ahead) >= CLOCK_OFF_MS;
    const key = ahead > 0 ? "phone.clock.ahead" : "phone.clock.behind";
    tell("clock", isOff ? () => t(key, { time: inWords(Math.abs(ahead)) }) : null, { severity: "warning" });
  }
}

const needsKey = () => new ApiProblem({ status: 400, detail: t("phone.needs_key"), code: "needs_key" });

function inWords(ms) {
  const seconds = Math.round(ms / 1_000);
  const values = { minutes: number(Math.floor(seconds / 60)), seconds: number(seconds % 60) };
  return t(seconds < 60 ? "unit.seconds" : "unit.minutes_seconds", values);
}
