// The phone's own key (P-256). WebCrypto keeps it, and no script can read it, this one included.

import { toHex } from "../bytes.js";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };

/** Browsers give keys only to pages of this machine or behind TLS. */
export const canKeepKeys = () => window.isSecureContext && Boolean(crypto.subtle) && "indexedDB" in window;

export class PhoneKey {
  #pair;

  /** The public half: 66 hex digits of a compressed point. */
  public;

  static async make() {
    return PhoneKey.of(await crypto.subtle.generateKey(ALGORITHM, false, ["sign"]));
  }

  /** The key of a pair that was kept. */
  static async of(pair) {
    const key = new PhoneKey();
    const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    key.#pair = pair;
    key.public = toHex([2 + (point[64] & 1), ...point.subarray(1, 33)]);
    return key;
  }

  get pair() {
    return this.#pair;
  }

  /** An ES256 signature: r and s, 32 bytes each. */
  async sign(message) {
    return new Uint8Array(await crypto.subtle.sign(SIGNING, this.#pair.privateKey, message));
  }
}
