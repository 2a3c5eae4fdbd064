// A part of the map painted off screen, wider than the view, so that panning only moves a picture. Painting goes on over
// several frames if it takes long; until it is done the picture before is shown.

import { Camera } from "./camera.js";

/** How much wider and higher than the view a layer is painted. */
const OVERSIZE = 1.4;
/** How much of one frame painting may take [ms]: the rest is for moving the pictures. */
const BUDGET_MS = 7;

export class Layer {
  #front = null;
  #back = null;
  /** What is being painted into the back, or null. */
  #painting = null;
  #stale = true;
  /** Whether the last picture took more than one frame. */
  #costly = false;

  /** The next `compose` must begin to paint again. */
  invalidate() {
    this.#stale = true;
  }

  /**
   * Draws the layer into `target`. If what it holds does not serve any more, it is painted again: `paint(context, camera)`
   * is a generator that yields where it can be put off. Returns whether there is more to paint.
   *
   * `hurried` – a stretched picture now is better than a right one late.
   */
  compose(target, camera, ratio, hurried, paint) {
    const rough = hurried && this.#front !== null && this.#costly;
    if (!rough && this.#painting === null && (this.#stale || !serves(this.#front.camera, camera))) this.#begin(camera, ratio, paint);
    if (this.#painting !== null) this.#paintOn();
    draw(target, camera, ratio, this.#front);
    return this.#painting !== null;
  }

  #begin(camera, ratio, paint) {
    const width = Math.ceil(camera.width * OVERSIZE);
    const height = Math.ceil(camera.height * OVERSIZE);
    this.#back ??= { canvas: document.createElement("canvas") };
    this.#back.camera = new Camera(camera.x, camera.y, camera.scale, width, height);
    // A new size also clears it, and forgets how it was drawn on.
    this.#back.canvas.width = width * ratio;
    this.#back.canvas.height = height * ratio;
    const context = this.#back.canvas.getContext("2d");
    context.scale(ratio, ratio);
    this.#painting = paint(context, this.#back.camera);
    this.#stale = false;
    this.#costly = false;
  }

  #paintOn() {
    // Without a picture there is nothing to show meanwhile.
    const until = this.#front === null ? Infinity : performance.now() + BUDGET_MS;
    while (!this.#painting.next().done) {
      if (performance.now() >= until) {
        this.#costly = true;
        return;
      }
    }
    this.#painting = null;
    [this.#front, this.#back] = [this.#back, this.#front];
  }
}

function serves(held, camera) {
  return held.scale === camera.scale
    && Math.abs(held.x - camera.x) * camera.scale <= (held.width - camera.width) / 2
    && Math.abs(held.y - camera.y) * camera.scale <= (held.height - camera.height) / 2;
}

function draw(target, camera, ratio, { canvas, camera: held }) {
  const zoom = camera.scale / held.scale;
  const left = camera.screenX(held.x) - (held.width * zoom) / 2;
  const top = camera.screenY(held.y) - (held.height * zoom) / 2;
  // Whole device pixels, or the picture would blur while it moves.
  const snap = (value) => Math.round(value * ratio) / ratio;
  target.drawImage(canvas, snap(left), snap(top), held.width * zoom, held.height * zoom);
}
