// The light of the lamps: one picture per level, added up like light. By hand, not by the canvas: that puts off its work,
// so that nobody can tell when a frame is full, and needs ten times as long where no graphics card helps.

/** Pictures from dark to full; finer steps cannot be told apart. */
const STEPS = 20;
/** How far the light of a lamp is drawn: farther than it reaches, for the haze. */
const REACH_M = 34;
const RADIUS_MIN_PX = 4.5;
const RADIUS_MAX_PX = 84;
/** Lamps closer together on the screen than this are drawn weaker, or their sum would be all white [px]. */
const CROWDED_PX = 4.5;
/** A pixel as the number that its bytes are on every machine a browser runs on. */
const OPAQUE_BLACK = 0xff000000;
/** Lamps drawn before someone else may be on. */
const YIELD_EVERY = 250;
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
  #prepare(scale, ratio) {
    // Steps of a quarter octave: zooming does not remake them at each frame.
    const stepped = 2 ** (Math.round(Math.log2(scale) * 4) / 4);
    const radius = Math.min(RADIUS_MAX_PX, Math.max(RADIUS_MIN_PX, REACH_M * stepped));
    const exposure = Math.min(1, Math.max(EXPOSURE_MIN, (this.#spacing * stepped) / CROWDED_PX));
    if (radius === this.#radius && ratio === this.#ratio) return;
    [this.#radius, this.#ratio] = [radius, ratio];
    this.#sprites = Array.from({ length: STEPS + 1 }, (_, step) => sprite(step / STEPS, radius, exposure, ratio));
  }

  /** Paints the light of all lamps, bit by bit: yields now and then. */
  * paint(context, camera, ratio, lamps) {
    // Not before: a layer that is only stretched needs none.
    this.#prepare(camera.scale, ratio);
    const { width, height } = context.canvas;
    const image = new ImageData(width, height);
    new Uint32Array(image.data.buffer).fill(OPAQUE_BLACK);
    for (let index = 0; index < lamps.count; index += 1) {
      const level = lamps.actual[index];
      if (level > 0) {
        const sprite = this.#sprites[Math.ceil((level / 100) * STEPS)];
        add(image, sprite, camera.screenX(lamps.x[index]) * this.#ratio, camera.screenY(lamps.y[index]) * this.#ratio);
      }
      if (index % YIELD_EVERY === YIELD_EVERY - 1) yield;
    }
    context.putImageData(image, 0, 0);
  }
}

/** Adds a sprite with its middle on the pixel; what is brighter than white is white. */
function add({ data, width, height }, { size, light }, x, y) {
  const [left, top] = [Math.round(x - size / 2), Math.round(y - size / 2)];
  const [from, to] = [Math.max(0, -left), Math.min(size, width - left)];
  for (let row = Math.max(0, -top); row < Math.min(size, height - top); row += 1) {
    let at = ((top + row) * width + left + from) * 4;
    for (let source = (row * size + from) * 3; source < (row * size + to) * 3; source += 3) {
      data[at] += light[source];
      data[at + 1] += light[source + 1];
      data[at + 2] += light[source + 2];
      at += 4;
    }
  }
}

/** A round light as numbers: red, green and blue of each pixel of a square. */
function sprite(level, radiusFull, exposure, ratio) {
  // Area goes with the light, and a faint lamp must still be seen.
  const radius = radiusFull * (0.5 + 0.5 * Math.sqrt(level));
  const strength = exposure * (0.2 + 0.8 * level);
  const size = Math.ceil(2 * radius * ratio);
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  // On black the picture is what it adds to the light behind it.
  context.fillStyle = "#000";
  context.fillRect(0, 0, size, size);
  const light = context.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
  light.addColorStop(0, `rgb(255 226 170 / ${strength})`);
  light.addColorStop(0.1, `rgb(255 196 112 / ${0.85 * strength})`);
  light.addColorStop(0.24, `rgb(255 152 54 / ${0.32 * strength})`);
  light.addColorStop(0.55, `rgb(240 112 38 / ${0.1 * strength})`);
  light.addColorStop(1, "rgb(220 90 30 / 0)");
  context.fillStyle = light;
  context.fillRect(0, 0, size, size);
  const { data } = context.getImageData(0, 0, size, size);
  return { size, light: data.filter((_, place) => place % 4 !== 3) };
}
