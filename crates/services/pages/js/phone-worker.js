// Keeps the phone page, so that it opens without the city too. Its answers come from the city whenever that is there.

const CACHE = "kitecity.phone";
/** What the page is made of: the list that the city gives. */
const LIST = "/phone-shell.json";
const PAGE = "/phone";
/** How long the city may take before what is kept is shown [ms]. */
const PATIENCE_MS = 3_000;

self.addEventListener("install", (event) => {
  event.waitUntil(keepAll().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(self.clients.claim());
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  const isShell = pathname === PAGE || pathname.startsWith("/assets/");
  // What the city says is never kept: it would be old.
  if (event.request.method !== "GET" || origin !== self.location.origin || !isShell) return;
  event.respondWith(fromCity(event.request, pathname));
});

async function keepAll() {
  const files = await (await fetch(LIST, { cache: "no-store" })).json();
  await (await caches.open(CACHE)).addAll([PAGE, ...files]);
}

/** Kept by its path: which resident is shown is no matter of the shell. */
async function fromCity(request, path) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) await cache.put(path, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(path);
    if (kept) return kept;
    throw error;
  }
}
