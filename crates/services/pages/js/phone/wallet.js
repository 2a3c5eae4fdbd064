// A resident's wallet on this phone: its key, and the credentials it makes codes of.

import { postJson } from "../api.js";
import { PROOF_RENEW_MS, present, readCredential, requestCredentials } from "./credential.js";
import { PhoneKey } from "./key.js";
import { now } from "./server-time.js";
import { keep, load } from "./store.js";

/** Credentials of a kind that are kept: each showing uses another one, so that two readers cannot tell by the bytes
 * that they saw the same phone. */
const STOCK = 10;

export class Wallet {
  #kept;
  #key;

  /** The wallet of a resident; with a new key if there is none on this phone. */
  static async open(resident) {
    const wallet = new Wallet();
    wallet.#kept = await load(resident);
    if (wallet.#kept) {
      wallet.#key = await PhoneKey.of(wallet.#kept.pair);
    } else {
      wallet.#key = await PhoneKey.make();
      wallet.#kept = { resident, pair: wallet.#key.pair, card: null, stock: {} };
      await keep(wallet.#kept);
    }
    return wallet;
  }

  /** What the resident's card showed last; null on a new phone. */
  get card() { return this.#kept.card; }

  async keepCard(card) {
    this.#kept.card = card;
    await keep(this.#kept);
  }

  /** How many credentials of a kind could be shown now. */
  stock(kind) { return this.#living(kind).length; }

  /** When the last credential of a kind ends [Unix ms]; 0 if there is none. */
  lastsUntil(kind) { return Math.max(0, ...this.#living(kind).map((credential) => credential.expires_ms)); }

  /** A code of the next credential; null if there is none left. */
  async code(kind, challenge = null) {
    const living = this.#living(kind);
    if (living.length === 0) return null;
    const [next, ...others] = living;
    this.#kept.stock[nameOf(kind)] = [...others, next];
    await keep(this.#kept);
    const at = now();
    const code = await present(next, this.#key, at, challenge);
    // The answer to a challenge is given once; anything else is renewed while it is still good.
    const renew_ms = challenge ? code.expires_ms : Math.min(at + PROOF_RENEW_MS, code.expires_ms);
    return { ...code, renew_ms };
  }

  /** Fetches credentials: all of a kind that has none, one for the oldest of a kind that has some. */
  async refill(kind) {
    const wanted = this.stock(kind) < STOCK ? STOCK - this.stock(kind) : 1;
    const resident = this.#kept.resident;
    const request = await requestCredentials(this.#key, { resident, ...kind }, wanted, now());
    const answer = await postJson(`/api/phone/${encodeURIComponent(resident)}/credentials`, request);
    const fresh = await Promise.all(answer.credentials.map(readCredential));
    this.#kept.stock[nameOf(kind)] = [...this.#living(kind), ...fresh].slice(-STOCK);
    await keep(this.#kept);
  }

  /** Lets go of what is signed by other keys than these: by one that was given up, or of a city before this one. */
  async trust(keys) {
    for (const [kind, stock] of Object.entries(this.#kept.stock)) {
      this.#kept.stock[kind] = stock.filter(({ kid }) => keys.includes(kid));
    }
    await keep(this.#kept);
  }

  /** Lets all credentials go: the city no longer stands by them. */
  async empty() {
    this.#kept.stock = {};
    await keep(this.#kept);
  }

  #living(kind) {
    const at = now();
    return (this.#kept.stock[nameOf(kind)] ?? []).filter((credential) => credential.expires_ms > at);
  }
}

const nameOf = ({ profile, ward }) => `${profile}/${ward ?? ""}`;
