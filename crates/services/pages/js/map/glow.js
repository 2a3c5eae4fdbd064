// The light of the lamps: one picture per level, drawn many times and added up like light.

/** Pictures from dark to full; finer steps cannot be told apart. */
const STEPS = 20;
/** How far the light of a lamp is drawn: farther than it reaches, for the haze. */
const REACH_M = 34;
const RADIUS_MIN_PX = 4.5;
const RADIUS_MAX_PX = 84;
/** Lamps closer together on the screen than this are drawn weaker, or their sum would be all white [px]. */
const CROWDED_PX = 4.5;
const EXPOSURE_MIN = 0.14;

export class Glow {
  #spacing;
  #sprites = [];
  #radius = 0;
  #ratio = 0;

  /** `spacing` – the usual distance from lamp to lamp [m]. */
  constructor(spacing) {
    this.#spacing = spacing;
  }

  /** Makes the pictures for a scale of the map; cheap when little changed. */
  prepare(scale, ratio) {
    // Steps of a quarter octave: zooming does not remake them at each frame.
    const stepped = 2 ** (Math.round(Math.log2(scale) * 4) / 4);
    const radius = Math.min(RADIUS_MAX_PX, Math.max(RADIUS_MIN_PX, REACH_M * stepped));
    const exposure = Math.min(1, Math.max(EXPOSURE_MIN, (this.#spacing * stepped) / CROWDED_PX));
    if (radius === this.#radius && ratio === this.#ratio) return;
    [this.#radius, this.#ratio] = [radius, ratio];
    this.#sprites = Array.from({ length: STEPS + 1 }, (_, step) => sprite(step / STEPS, radius, exposure, ratio));
  }

  /** Adds the light of a lamp at `level` (0 to 100) to `context`, centred on the pixel. */
  draw(context, x, y, level) {
    const step = Math.ceil((level / 100) * STEPS);
    if (step === 0) return;
    const picture = this.#sprites[step];
    const size = picture.width / this.#ratio;
    if (x < -size || y < -size) return;
    context.drawImage(picture, x - size / 2, y - size / 2, size, size);
  }
}

function sprite(level, radiusFull, exposure, ratio) {
  // Area goes with the light, and a faint lamp must still be seen.
  const radius = radiusFull * (0.5 + 0.5 * Math.sqrt(level));
  const strength = exposure * (0.2 + 0.8 * level);
  const size = Math.ceil(2 * radius * ratio);
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const context = canvas.getContext("2d");
  const light = context.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
  light.addColorStop(0, `rgb(255 226 170 / ${strength})`);
  light.addColorStop(0.1, `rgb(255 196 112 / ${0.85 * strength})`);
  light.addColorStop(0.24, `rgb(255 152 54 / ${0.32 * strength})`);
  light.addColorStop(0.55, `rgb(240 112 38 / ${0.1 * strength})`);
  light.addColorStop(1, "rgb(220 90 30 / 0)");
  context.fillStyle = light;
  context.fillRect(0, 0, size, size);
  return canvas;
}
