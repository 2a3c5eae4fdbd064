// What the console knows about every luminaire, in columns: 20,000 of them stay cheap to walk through.

const ONLINE = 1;
const ALARM = 2;
const OVERRIDE = 4;
const PRESENCE = 8;
/** Actual, in effect, flags. */
const LOOK_BYTES = 3;

export class Lamps {
  /** What the city says meanwhile, while the past is shown. */
  #live = null;

  constructor({ id, x, y, street, cabinet, circuit, district }) {
    Object.assign(this, { ids: id, x, y, street, cabinet, circuit, district, count: id.length });
    this.indexOf = new Map(id.map((name, index) => [name, index]));
    this.actual = new Uint8Array(this.count);
    this.inEffect = new Uint8Array(this.count);
    this.flags = new Uint8Array(this.count);
  }

  online(index) { return (this.flags[index] & ONLINE) !== 0; }
  alarmed(index) { return (this.flags[index] & ALARM) !== 0; }
  overridden(index) { return (this.flags[index] & OVERRIDE) !== 0; }
  sensing(index) { return (this.flags[index] & PRESENCE) !== 0; }

  litCount() {
    return this.actual.reduce((lit, level) => lit + (level > 0 ? 1 : 0), 0);
  }

  /** Takes the updates of a `lamps` event. Returns what of the lamps looks different now: their light, their posts. */
  apply(updates) {
    if (this.#live !== null) {
      for (const [index, ...look] of updates) this.#live.set(look, index * LOOK_BYTES);
      return { light: false, posts: false };
    }
    const changed = { light: false, posts: false };
    for (const [index, actual, inEffect, flags] of updates) {
      changed.light ||= this.actual[index] !== actual;
      changed.posts ||= ((this.flags[index] ^ flags) & ONLINE) !== 0;
      [this.actual[index], this.inEffect[index], this.flags[index]] = [actual, inEffect, flags];
    }
    return changed;
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
