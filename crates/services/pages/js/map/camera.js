// Where the map looks: metres of the city, x east and y north, to pixels of the screen.

const SCALE_MAX = 8;

export class Camera {
  /** Centre [m], scale [px/m] and size of the view [px]. */
  constructor(x = 0, y = 0, scale = 1, width = 1, height = 1) {
    Object.assign(this, { x, y, scale, width, height, scaleMin: Infinity });
  }

  screenX(x) { return (x - this.x) * this.scale + this.width / 2; }
  screenY(y) { return (this.y - y) * this.scale + this.height / 2; }
  worldX(px) { return (px - this.width / 2) / this.scale + this.x; }
  worldY(py) { return this.y - (py - this.height / 2) / this.scale; }

  /** Looks at all of `box` [m], with a margin. */
  fit({ west, east, south, north }) {
    this.x = (west + east) / 2;
    this.y = (south + north) / 2;
    this.scale = 0.92 * Math.min(this.width / (east - west), this.height / (north - south));
    this.scaleMin = Math.min(this.scaleMin, this.scale / 2);
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
  }

  /** Zooms by `factor` and keeps what is under the pixel in its place. */
  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const [x, y] = [this.worldX(px), this.worldY(py)];
    this.scale = Math.min(SCALE_MAX, Math.max(this.scaleMin, this.scale * factor));
    this.x += x - this.worldX(px);
    this.y += y - this.worldY(py);
  }
}
