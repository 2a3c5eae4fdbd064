// The city's clock between two events of the server.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The city keeps UTC+8 all year. */
const ZONE_MS = 8 * HOUR_MS;
/** Civil twilight at Weifang's latitude lasts about this long [ms]. */
const TWILIGHT_MS = 32 * 60_000;

export class CityClock {
  /** Midnight, until the first event: the city appears out of the dark. */
  #base = { city_ms: -ZONE_MS, speed: 1, paused: true, sunset_ms: 18 * HOUR_MS - ZONE_MS, sunrise_ms: 6 * HOUR_MS - ZONE_MS };
  #receivedAt = 0;

  /** Takes a `clock` event. */
  handle(event) {
    this.#base = event;
    this.#receivedAt = performance.now();
  }

  /** The moment the map shows, if that is not now. */
  #looked = null;

  /** Shows the light of another moment, or of now with null. */
  lookAt(moment) {
    this.#looked = moment;
  }

  get speed() { return this.#base.speed; }
  get paused() { return this.#base.paused; }
  get sunset() { return this.#base.sunset_ms; }
  get sunrise() { return this.#base.sunrise_ms; }

  /** City time now [Unix ms]. */
  now() {
    const elapsed = this.#base.paused ? 0 : (performance.now() - this.#receivedAt) * this.#base.speed;
    return Math.min(this.#base.city_ms + elapsed, this.#base.stands_at_ms ?? Infinity);
  }

  /** 0 in the night, 1 in the day, between them in the twilight. */
  daylight() {
    const now = timeOfDay(this.#looked ?? this.now());
    const rise = ramp(now - timeOfDay(this.#base.sunrise_ms));
    const set = ramp(now - timeOfDay(this.#base.sunset_ms));
    return rise * (1 - set);
  }

  /** `day`, `night`, `dawn` or `dusk`. */
  phase() {
    const light = this.daylight();
    if (light > 0.95) return "day";
    if (light < 0.05) return "night";
    return timeOfDay(this.now()) < DAY_MS / 2 ? "dawn" : "dusk";
  }
}

/** Milliseconds since midnight in the city. */
const timeOfDay = (ms) => (ms + ZONE_MS) % DAY_MS;

/** Smooth from 0 to 1 across the twilight around the horizon. */
function ramp(sinceHorizon) {
  const x = Math.min(1, Math.max(0, sinceHorizon / (2 * TWILIGHT_MS) + 0.5));
  return x * x * (3 - 2 * x);
}
