// What the console knows about every luminaire, in columns: 20,000 of them stay cheap to walk through.

const ONLINE = 1;
const ALARM = 2;
const OVERRIDE = 4;
const PRESENCE = 8;
/** Actual, in effect, flags. */
const LOOK_BYTES = 3;
/** How long a change of light is shown in passing [ms]. */
const FADE_MS = 300;

export class Lamps {
  #known = false;

  /** What the city says meanwhile, while the past is shown. */
  #live = null;

  constructor({ id, x, y, street, cabinet, circuit, district }) {
    Object.assign(this, { ids: id, x, y, street, cabinet, circuit, district, count: id.length });
    this.indexOf = new Map(id.map((name, index) => [name, index]));
    this.actual = new Uint8Array(this.count);
    this.inEffect = new Uint8Array(this.count);
    this.flags = new Uint8Array(this.count);
    /** The level on the screen, which follows `actual` softly. */
    this.shown = new Float32Array(this.count);
    /** Lamps whose light changed since the last `settle`, with where it came from and when. */
    this.loose = new Map();
  }

  online(index) { return (this.flags[index] & ONLINE) !== 0; }
  alarmed(index) { return (this.flags[index] & ALARM) !== 0; }
  overridden(index) { return (this.flags[index] & OVERRIDE) !== 0; }
  sensing(index) { return (this.flags[index] & PRESENCE) !== 0; }

  litCount() {
    return this.actual.reduce((lit, level) => lit + (level > 0 ? 1 : 0), 0);
  }

  /** The next `lamps` event is a snapshot: take it as it is, do not fade. */
  forget() {
    this.#known = false;
  }

  /** Takes the updates of a `lamps` event. Returns whether any lamp went online or offline. */
  apply(updates, now, animate) {
    if (this.#live !== null) {
      for (const [index, ...look] of updates) this.#live.set(look, index * LOOK_BYTES);
      return false;
    }
    let switched = false;
    for (const [index, actual, inEffect, flags] of updates) {
      switched ||= ((this.flags[index] ^ flags) & ONLINE) !== 0;
      this.inEffect[index] = inEffect;
      this.flags[index] = flags;
      this.actual[index] = actual;
      if (animate && this.#known) {
        this.loose.set(index, { from: this.shown[index], since: now });
      } else {
        this.loose.delete(index);
        this.shown[index] = actual;
      }
    }
    this.#known = true;
    return switched;
  }

  /** Shows looks of the past, three bytes for each lamp: actual, in effect, flags. The present goes on unseen. */
  showPast(looks) {
    this.#live ??= this.#looks();
    this.#take(looks);
  }

  /** Whether the past is shown. */
  get past() { return this.#live !== null; }

  /** Shows the present again. */
  showNow() {
    if (this.#live !== null) this.#take(this.#live);
    this.#live = null;
  }

  #looks() {
    const looks = new Uint8Array(this.count * LOOK_BYTES);
    for (let index = 0; index < this.count; index += 1) {
      looks.set([this.actual[index], this.inEffect[index], this.flags[index]], index * LOOK_BYTES);
    }
    return looks;
  }

  #take(looks) {
    for (let index = 0; index < this.count; index += 1) {
      const at = index * LOOK_BYTES;
      [this.actual[index], this.inEffect[index], this.flags[index]] = [looks[at], looks[at + 1], looks[at + 2]];
      this.shown[index] = looks[at];
    }
    this.loose.clear();
  }

  /** Moves the fades on to `now`. Returns whether any of them still goes on. */
  fade(now) {
    let busy = false;
    for (const [index, { from, since }] of this.loose) {
      const part = Math.min(1, Math.max(0, (now - since) / FADE_MS));
      this.shown[index] = from + (this.actual[index] - from) * part;
      busy ||= part < 1;
    }
    return busy;
  }

  /** Lets go of the fades that ended. */
  settle() {
    for (const index of this.loose.keys()) {
      if (this.shown[index] === this.actual[index]) this.loose.delete(index);
    }
  }

  /** The distance from lamp to lamp along a street: the median of those from each to the next [m]. */
  spacing() {
    const steps = Float64Array.from({ length: Math.max(1, this.count - 1) }, (_, i) =>
      Math.hypot(this.x[i + 1] - this.x[i], this.y[i + 1] - this.y[i])).sort();
    return steps[steps.length >> 1];
  }

  /** The lamp nearest to a point, at most `reach` metres away, or null. */
  nearest(x, y, reach) {
    let best = null;
    let bestSquare = reach * reach;
    for (let index = 0; index < this.count; index += 1) {
      const square = (this.x[index] - x) ** 2 + (this.y[index] - y) ** 2;
      if (square < bestSquare) [best, bestSquare] = [index, square];
    }
    return best;
  }
}
