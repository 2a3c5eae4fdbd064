// Credentials of a day, and the rotating proof that turns one into a code. What they look like is in docs/eid.md.

import { fromBase45, toBase45, toHex } from "../bytes.js";
import { NULL, array, bytes, decode, int, map, tag, text } from "./cbor.js";
import { deflate, inflate } from "./zlib.js";

/** How long one proof may be shown [s]. */
export const PROOF_LIFE_S = 30;
/** How often a phone makes a new one [ms]: what is on the screen is always good for 15 s. */
export const PROOF_RENEW_MS = 15_000;

const ES256 = -7;
const TAG_SIGN1 = 18;
const HEADER = { alg: 1, kid: 4, countersignature: 11, claims: 15 };
const CLAIM = { audience: 3, expires: 4, issued: 6, nonce: 7 };
const NONCE_BYTES = 8;

/** Takes a credential's text apart. Its parts are kept as they came: those bytes were signed. */
export async function readCredential(credential) {
  const [header, , payload, signature] = decode(await inflate(fromBase45(credential)));
  const kid = toHex(decode(header).get(HEADER.kid));
  return { header, payload, signature, kid, expires_ms: decode(payload).get(CLAIM.expires) * 1_000 };
}

/**
 * The code of a credential for the next seconds, and until when it is good.
 * `challenge` has the `verifier` and `nonce` it answers, if it answers one.
 */
export async function present(credential, key, now_ms, challenge = null) {
  // Proofs count whole seconds. Rounding down can only shorten a life.
  const issued = Math.floor(now_ms / 1_000);
  const protectedHeader = map(
    [int(HEADER.alg), int(ES256)],
    [int(HEADER.claims), proofClaims(issued, challenge)],
  );
  const proof = await key.sign(countersigned(credential, protectedHeader));
  const countersignature = array(bytes(protectedHeader), map(), bytes(proof));
  const cose = tag(TAG_SIGN1, array(
    bytes(credential.header),
    map([int(HEADER.countersignature), countersignature]),
    bytes(credential.payload),
    bytes(credential.signature),
  ));
  const expires_ms = Math.min((issued + PROOF_LIFE_S) * 1_000, credential.expires_ms);
  return { code: toBase45(deflate(cose)), issued_ms: issued * 1_000, expires_ms };
}

function proofClaims(issued, challenge) {
  const audience = challenge ? [[int(CLAIM.audience), text(challenge.verifier)]] : [];
  const nonce = challenge ? challenge.nonce : crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  return map(
    ...audience,
    [int(CLAIM.expires), int(issued + PROOF_LIFE_S)],
    [int(CLAIM.issued), int(issued)],
    [int(CLAIM.nonce), bytes(nonce)],
  );
}

/** What a countersignature signs (RFC 9338, 3.3). */
function countersigned(credential, protectedHeader) {
  return array(
    text("CounterSignatureV2"),
    bytes(credential.header),
    bytes(protectedHeader),
    bytes(new Uint8Array()),
    bytes(credential.payload),
    array(bytes(credential.signature)),
  );
}

/** A request for `count` credentials, signed by the phone's key. */
export async function requestCredentials(key, { resident, ward, profile }, count, now_ms) {
  const asked = Math.floor(now_ms);
  const signed = array(
    text("EidCredentialRequest"), text(resident), ward ? text(ward) : NULL, text(profile), int(count), int(asked), text(key.public),
  );
  const request = { resident, profile, count, asked, key: key.public, proof: toHex(await key.sign(signed)) };
  return ward ? { ...request, ward } : request;
}
