// Requests to the city. Every failure, a lost connection included, arrives as an `ApiProblem`.

import { toHex } from "./bytes.js";

const TIMEOUT_MS = 10_000;
/** How often a request that nobody answered is asked again, if it is done once all the same. */
const TRIES = 3;
const RETRY_MS = 1_500;
const KEY_BYTES = 16;

let airplane = false;
let hearReached = () => {};

/** In airplane mode nothing is asked at all. */
export const setAirplane = (on) => { airplane = on; };
export const isAirplane = () => airplane;

/** `hear(reached)` is told after each request whether anybody answered at all. */
export const onReached = (hear) => { hearReached = hear; };

/** A refusal or failure in the shape of RFC 9457; `status` is 0 when no answer came at all. */
export class ApiProblem extends Error {
  constructor({ title = "", status = 0, detail = "", code = "unreachable", ...members }) {
    super(detail || title);
    /** What a refusal tells beside its code, such as `fresh`. */
    this.members = members;
    Object.assign(this, { title, status, detail: detail || title, code });
  }
}

export const getJson = (path) => request(path, {});

/** Whether the city serves this place; says no more. */
export const isThere = (path) => request(path, { method: "HEAD" }, () => true);

/** The body as it is. */
export const getBytes = (path) => request(path, {}, async (response) => new Uint8Array(await response.arrayBuffer()));

/** `patience` – how long the answer may take [ms]; `headers` – beside the usual ones. */
export const postJson = (path, body = {}, { patience = TIMEOUT_MS, headers = {} } = {}) =>
  request(path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body), signal: AbortSignal.timeout(patience) });

/** Asks for something that is done once, however often it is asked: the key says that it is the same request. */
export async function postOnce(path, body) {
  const headers = { "idempotency-key": toHex(crypto.getRandomValues(new Uint8Array(KEY_BYTES))) };
  for (let left = TRIES; ; left -= 1) {
    try {
      return await postJson(path, body, { headers });
    } catch (error) {
      if (error.code !== "unreachable" || left <= 1) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

export const postImage = (path, blob) =>
  request(path, { method: "POST", headers: { "content-type": blob.type }, body: blob });

async function request(path, options, read = (response) => response.json()) {
  if (airplane) throw new ApiProblem({ code: "airplane" });
  let response;
  let body;
  try {
    response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
    body = response.ok ? await read(response) : await response.json();
  } catch {
    hearReached(response !== undefined);
    // No answer, or one that is not JSON: a proxy's error page, say.
    throw new ApiProblem({ status: response?.status, title: response?.statusText });
  }
  hearReached(true);
  if (!response.ok) throw new ApiProblem({ ...body, status: response.status });
  return body;
}
