// One tab for each resident: two would show codes that overtake each other. The newest has it; when it is closed, the
// one before comes back by itself.

const nameOf = (resident) => `kitecity.phone.${resident}`;

export class Alone {
  #onGained;
  #onLost;
  #release = () => {};
  #waiting = new AbortController();

  constructor({ onGained, onLost }) {
    [this.#onGained, this.#onLost] = [onGained, onLost];
  }

  /** Takes a resident from whichever tab has them. Browsers without locks have nothing to take. */
  take(resident) {
    this.give();
    if (navigator.locks) this.#hold(resident, { steal: true });
    else this.#onGained();
  }

  /** Lets go of whoever is held or waited for. */
  give() {
    this.#waiting.abort();
    this.#release();
  }

  async #hold(resident, options) {
    try {
      await navigator.locks.request(nameOf(resident), options, () => new Promise((resolve) => {
        this.#release = resolve;
        this.#onGained();
      }));
    } catch {
      // Stolen by another tab, or no longer waited for.
      if (options.signal?.aborted) return;
      this.#onLost();
      this.#waiting = new AbortController();
      this.#hold(resident, { signal: this.#waiting.signal });
    }
  }
}
