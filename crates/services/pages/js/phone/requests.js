// What readers ask of the phone's owner from afar: heard from the city as it comes, and answered there.

import { postOnce } from "../api.js";
import { listen } from "../events.js";

export class Requests {
  #session;
  #onWaiting;
  #resident = null;
  #end = () => {};

  /** `session` makes the codes that agree; `onWaiting` hears who waits: `[{ request, verifier, profile, expires_ms }]`. */
  constructor(session, onWaiting) {
    [this.#session, this.#onWaiting] = [session, onWaiting];
  }

  open(resident) {
    this.close();
    this.#resident = resident;
    const heard = { requests: ({ requests }) => this.#onWaiting(requests) };
    // That the city is lost, the phone says itself.
    this.#end = listen(this.#place("events"), heard, { onUp: () => {}, onDown: () => {} });
  }

  close() {
    this.#end();
    this.#end = () => {};
    this.#onWaiting([]);
  }

  /** Answers a question from afar: with a code that has it as its challenge, or that its owner does not agree. */
  async answer({ request, ...question }, agrees) {
    const code = agrees ? await this.#session.code({ profile: question.profile }, question) : null;
    await postOnce(this.#place(`requests/${request}`), code ? { code: code.code } : {});
  }

  #place(rest) {
    return `/api/phone/${encodeURIComponent(this.#resident)}/${rest}`;
  }
}
