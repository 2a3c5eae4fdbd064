// A part of the map painted off screen, wider than the view, so that panning only moves a picture.

import { Camera } from "./camera.js";

/** How much wider and higher than the view a layer is painted. */
const OVERSIZE = 1.4;

/** A layer that takes longer than this to paint is stretched while the scale changes [ms]. */
const COSTLY_MS = 8;

export class Layer {
  #canvas = document.createElement("canvas");
  /** The view the canvas was painted for, or null. */
  #camera = null;
  #stale = true;
  #cost = 0;

  /** The next `compose` must paint again. */
  invalidate() {
    this.#stale = true;
  }

  /**
   * Draws the layer into `target`, after `paint(context, camera)` if what it holds does not serve any more.
   * `hurried` – a rough picture now is better than a right one late.
   */
  compose(target, camera, ratio, hurried, paint) {
    const rough = hurried && this.#camera !== null && this.#cost > COSTLY_MS;
    if (!rough && (this.#stale || !this.#serves(camera))) this.#repaint(camera, ratio, paint);
    const held = this.#camera;
    const zoom = camera.scale / held.scale;
    const left = camera.screenX(held.x) - (held.width * zoom) / 2;
    const top = camera.screenY(held.y) - (held.height * zoom) / 2;
    // Whole device pixels, or the picture would blur while it moves.
    const snap = (value) => Math.round(value * ratio) / ratio;
    target.drawImage(this.#canvas, snap(left), snap(top), held.width * zoom, held.height * zoom);
  }

  #serves(camera) {
    const held = this.#camera;
    return held.scale === camera.scale
      && Math.abs(held.x - camera.x) * camera.scale <= (held.width - camera.width) / 2
      && Math.abs(held.y - camera.y) * camera.scale <= (held.height - camera.height) / 2;
  }

  #repaint(camera, ratio, paint) {
    const began = performance.now();
    const width = Math.ceil(camera.width * OVERSIZE);
    const height = Math.ceil(camera.height * OVERSIZE);
    this.#camera = new Camera(camera.x, camera.y, camera.scale, width, height);
    this.#canvas.width = width * ratio;
    this.#canvas.height = height * ratio;
    const context = this.#canvas.getContext("2d");
    context.scale(ratio, ratio);
    paint(context, this.#camera);
    this.#stale = false;
    this.#cost = performance.now() - began;
  }
}
