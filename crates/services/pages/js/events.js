// Server-sent events that come back by themselves.

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 8_000;

/**
 * Listens to `path` until the function that it returns is called. `handlers` maps event names to functions of the parsed data;
 * `onUp(again)` tells when the stream starts (`again` after a loss), `onDown()` when it is lost.
 */
export function listen(path, handlers, { onUp, onDown }) {
  let backoff = BACKOFF_FIRST_MS;
  let lost = false;
  let source = null;
  let retry = null;

  const connect = () => {
    source = new EventSource(path);
    source.onopen = () => {
      backoff = BACKOFF_FIRST_MS;
      onUp(lost);
    };
    source.onerror = () => {
      // The browser gives up for good on some failures (an HTTP error, say), so retrying is ours.
      source.close();
      lost = true;
      onDown();
      retry = setTimeout(connect, backoff);
      backoff = Math.min(backoff * 2, BACKOFF_MAX_MS);
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
  };
  connect();
  return () => {
    clearTimeout(retry);
    source.close();
  };
}
