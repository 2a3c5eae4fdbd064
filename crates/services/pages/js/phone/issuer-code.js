// A code made by the issuer for each showing: for phones that may keep no key, such as one on plain HTTP in a LAN.

import { getJson } from "../api.js";

/** A code with less life than this is not worth showing any more [ms]. */
const RENEW_BEFORE_MS = 2_000;

export async function issuerCode(resident, profile) {
  const query = new URLSearchParams({ profile });
  const { code, issued_ms, expires_ms } = await getJson(`/api/phone/${encodeURIComponent(resident)}/code?${query}`);
  return { code, issued_ms, expires_ms, renew_ms: expires_ms - RENEW_BEFORE_MS };
}
