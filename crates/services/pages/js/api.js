// Requests to the city. Every failure, a lost connection included, arrives as an `ApiProblem`.

const TIMEOUT_MS = 10_000;

let airplane = false;

/** In airplane mode nothing is asked at all. */
export const setAirplane = (on) => { airplane = on; };
export const isAirplane = () => airplane;

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

/** The body as it is. */
export const getBytes = (path) => request(path, {}, async (response) => new Uint8Array(await response.arrayBuffer()));

/** `patience` – how long the answer may take [ms]; `headers` – beside the usual ones. */
export const postJson = (path, body = {}, { patience = TIMEOUT_MS, headers = {} } = {}) =>
  request(path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body), signal: AbortSignal.timeout(patience) });

/** For `/v1`, where every POST has a key that makes it safe to repeat. */
export const postOnce = (path, body) =>
  request(path, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

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
    // No answer, or one that is not JSON: a proxy's error page, say.
    throw new ApiProblem({ status: response?.status, title: response?.statusText });
  }
  if (!response.ok) throw new ApiProblem({ ...body, status: response.status });
  return body;
}
