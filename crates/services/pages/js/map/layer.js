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

  /** Whether painting it takes more than one frame. */
  get costly() { return this.#costly; }

  /** Draws what it holds, stretched if need be. */
  drawHeld(target, camera, ratio) {
    if (this.#front !== null) draw(target, camera, ratio, this.#front);
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

/** One picture of several layers, as they are now: cheaper to stretch than all of them while the scale changes. */
export class Still {
  #held = null;

  /** Takes the picture of what `paint(context, camera)` draws. */
  take(camera, ratio, paint) {
    const [width, height] = [Math.ceil(camera.width * OVERSIZE), Math.ceil(camera.height * OVERSIZE)];
    const canvas = Object.assign(document.createElement("canvas"), { width: width * ratio, height: height * ratio });
    const context = canvas.getContext("2d", { alpha: false });
    context.scale(ratio, ratio);
    this.#held = { canvas, camera: new Camera(camera.x, camera.y, camera.scale, width, height) };
    paint(context, this.#held.camera);
  }

  /** Draws it into `target`; false if there is none. */
  draw(target, camera, ratio) {
    if (this.#held !== null) draw(target, camera, ratio, this.#held);
    return this.#held !== null;
  }

  drop() {
    this.#held = null;
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
