// The map: layers of the city under one camera, drawn only when something changed.

import { wantsCalm } from "./dom.js";
import { Camera } from "./map/camera.js";
import { watchGestures } from "./map/gestures.js";
import { Glow } from "./map/glow.js";
import { inPaintOrder, paintBackdrop, paintGround, paintNames } from "./map/ground.js";
import { Layer, Still } from "./map/layer.js";
import * as marks from "./map/marks.js";
import { skyAt, skyStep } from "./map/sky.js";

/** A click reaches this far for its lamp [px]. */
const PICK_REACH_PX = 40;
/** Looking at one lamp: at least this close [px/m]. */
const CLOSE_UP_SCALE = 1.2;
/** A box looked at reaches at least this far around its middle [m]. */
const BOX_MIN_M = 150;
const FLIGHT_MS = 450;
/** A change of scale is over after this long without another. */
const REST_MS = 120;

export class CityMap {
  #canvas; #context; #city; #lamps; #clock; #onSelect;
  #camera = new Camera();
  #ground = new Layer();
  #light = new Layer();
  #names = new Layer();
  #still = new Still();
  #glow;
  #walkers = [];
  #selected = null;
  /** Lamps of the selected group. */
  #chosen = [];
  #incidents = [];
  #explained = new Set();
  #chosenLayer = new Layer();
  #flight = null;
  #step = -1;
  #scheduled = false;
  /** The timer of a change of scale that is going on. */
  #hurried = null;

  constructor(canvas, city, lamps, clock, { onSelect, onMove }) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#city = { ...city, streets: inPaintOrder(city.streets) };
    this.#lamps = lamps;
    this.#glow = new Glow(lamps.spacing());
    this.#clock = clock;
    this.#onSelect = onSelect;
    this.onMove = onMove;
    this.#resize();
    this.overview();
    new ResizeObserver(() => this.#resize()).observe(canvas);
    canvas.addEventListener("focus", () => this.#redraw());
    canvas.addEventListener("blur", () => this.#redraw());
    watchGestures(canvas, {
      pan: (dx, dy) => this.#move(() => this.#camera.pan(dx, dy)),
      zoom: (factor, x, y) => this.zoom(factor, x, y),
      pick: (x, y) => this.#pick(x, y),
    });
  }

  /** Looks at the whole city. */
  overview() {
    this.#move(() => this.#camera.fit(extent(this.#lamps)));
  }

  zoom(factor, x, y) {
    this.#hurry();
    this.#move(() => this.#camera.zoom(factor, x, y));
  }

  /** Marks a lamp, or none with null. `approach` also goes there. */
  select(index, { approach = false } = {}) {
    this.#selected = index;
    if (approach && index !== null) this.#flyTo(this.#lamps.x[index], this.#lamps.y[index]);
    this.#redraw();
  }

  /** Marks the lamps of a group, none with an empty list. `approach` also goes there. */
  choose(indexes, { approach = false } = {}) {
    this.#chosen = indexes;
    this.#chosenLayer.invalidate();
    if (approach && indexes.length > 0) this.#move(() => this.#camera.fit(extent(this.#lamps, indexes)));
    this.#redraw();
  }

  /** Places of cabinets something is wrong with, and the lamps that this explains: they have no sign of their own. */
  updateIncidents(places, explained) {
    this.#incidents = places;
    this.#explained = explained;
    this.#redraw();
  }

  /** All lamps may look different: the past came up, or the present. */
  updateAll() {
    this.#ground.invalidate();
    this.#light.invalidate();
    this.#redraw();
  }

  /** Takes the updates of a `lamps` event. */
  updateLamps(updates) {
    const { light, posts } = this.#lamps.apply(updates);
    if (posts) this.#ground.invalidate();
    if (light) this.#light.invalidate();
    this.#redraw();
  }

  updateWalkers(walkers) {
    this.#walkers = walkers;
    this.#redraw();
  }

  /** The clock moved: draws again if the daylight did. */
  updateSky() {
    if (skyStep(this.#clock.daylight()) !== this.#step) this.#redraw();
  }

  updateLanguage() {
    this.#names.invalidate();
    this.#redraw();
  }

  #move(change) {
    this.#flight = null;
    change();
    this.onMove(this.#camera.scale);
    this.#redraw();
  }

  #pick(x, y) {
    const reach = PICK_REACH_PX / this.#camera.scale;
    const index = this.#lamps.nearest(this.#camera.worldX(x), this.#camera.worldY(y), reach);
    if (index !== null) this.#onSelect(index);
  }

  #flyTo(x, y) {
    const from = { x: this.#camera.x, y: this.#camera.y, scale: this.#camera.scale };
    const to = { x, y, scale: Math.max(this.#camera.scale, CLOSE_UP_SCALE) };
    this.#flight = { from, to, since: performance.now(), lasts: wantsCalm() ? 0 : FLIGHT_MS };
  }

  #fly(now) {
    const { from, to, since, lasts } = this.#flight;
    const part = lasts === 0 ? 1 : Math.min(1, (now - since) / lasts);
    const eased = 1 - (1 - part) ** 3;
    this.#camera.x = from.x + (to.x - from.x) * eased;
    this.#camera.y = from.y + (to.y - from.y) * eased;
    this.#camera.scale = from.scale * (to.scale / from.scale) ** eased;
    this.onMove(this.#camera.scale);
    this.#hurry();
    if (part === 1) this.#flight = null;
  }

  /** While the scale changes, costly layers may be stretched; they are painted again when it rests. */
  #hurry() {
    clearTimeout(this.#hurried);
    this.#hurried = setTimeout(() => {
      this.#hurried = null;
      this.#redraw();
    }, REST_MS);
  }

  #resize() {
    const ratio = devicePixelRatio;
    // A hidden canvas has no size, and the view must survive until it is shown again.
    if (this.#canvas.clientWidth === 0) return;
    this.#camera.width = this.#canvas.clientWidth;
    this.#camera.height = this.#canvas.clientHeight;
    this.#canvas.width = Math.round(this.#camera.width * ratio);
    this.#canvas.height = Math.round(this.#camera.height * ratio);
    for (const layer of [this.#ground, this.#light, this.#names, this.#chosenLayer]) layer.invalidate();
    this.#redraw();
  }

  #redraw() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame((now) => {
      this.#scheduled = false;
      if (this.#flight) this.#fly(now);
      const unfinished = this.#draw();
      if (this.#flight || unfinished) this.#redraw();
    });
  }

  /** Returns whether a layer is not finished. */
  #draw() {
    const [context, camera, ratio] = [this.#context, this.#camera, devicePixelRatio];
    const step = skyStep(this.#clock.daylight());
    const sky = skyAt(step);
    if (step !== this.#step) {
      this.#step = step;
      this.#ground.invalidate();
      this.#names.invalidate();
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = sky.edge;
    context.fillRect(0, 0, camera.width, camera.height);
    const unfinished = !this.#drawStill(sky) && this.#drawLayers(sky);
    this.#drawMarks(sky);
    return unfinished;
  }

  /** While the scale changes and painting takes long, one picture of all layers is stretched. Tells whether it was. */
  #drawStill(sky) {
    const [context, camera, ratio] = [this.#context, this.#camera, devicePixelRatio];
    if (this.#hurried === null || !(this.#ground.costly || this.#light.costly)) {
      this.#still.drop();
      return false;
    }
    if (!this.#still.draw(context, camera, ratio)) {
      this.#still.take(camera, ratio, (on, view) => this.#drawHeld(on, view, sky));
      this.#still.draw(context, camera, ratio);
    }
    return true;
  }

  #drawHeld(on, view, sky) {
    on.fillStyle = sky.edge;
    on.fillRect(0, 0, view.width, view.height);
    const draw = (layer) => layer.drawHeld(on, view, devicePixelRatio);
    draw(this.#ground);
    on.globalCompositeOperation = "lighter";
    draw(this.#light);
    on.globalCompositeOperation = "source-over";
    if (this.#chosen.length > 0) draw(this.#chosenLayer);
    draw(this.#names);
  }

  #drawLayers(sky) {
    const [context, camera] = [this.#context, this.#camera];
    const [city, lamps, chosen, glow] = [this.#city, this.#lamps, this.#chosen, this.#glow];
    const compose = (layer, paint) => layer.compose(context, camera, devicePixelRatio, this.#hurried !== null, paint);
    const unfinished = [];
    unfinished.push(compose(this.#ground, function* paint(on, view) {
      paintBackdrop(on, view, sky);
      yield* paintGround(on, view, sky, city);
      marks.paintPosts(on, view, sky, lamps);
    }));
    context.globalCompositeOperation = "lighter";
    unfinished.push(compose(this.#light, (on, view) => glow.paint(on, view, devicePixelRatio, lamps)));
    context.globalCompositeOperation = "source-over";
    if (chosen.length > 0) {
      unfinished.push(compose(this.#chosenLayer, function* paint(on, view) { marks.paintChosen(on, view, lamps, chosen); }));
    }
    unfinished.push(compose(this.#names, (on, view) => paintNames(on, view, sky, city)));
    return unfinished.includes(true);
  }

  #drawMarks(sky) {
    const [context, camera, lamps] = [this.#context, this.#camera, this.#lamps];
    marks.paintWalkers(context, camera, this.#walkers);
    marks.paintClinics(context, camera, sky, this.#city.clinics);
    marks.paintAlarms(context, camera, lamps, this.#explained);
    marks.paintIncidents(context, camera, this.#incidents);
    if (this.#selected !== null) marks.paintSelected(context, camera, lamps, this.#selected);
    if (this.#canvas.matches(":focus-visible")) marks.paintCrosshair(context, camera);
  }
}

/** The box around these lamps [m], at least as wide as a street is long. */
function extent({ x, y, ids }, indexes = ids.keys()) {
  const box = { west: Infinity, east: -Infinity, south: Infinity, north: -Infinity };
  for (const index of indexes) {
    box.west = Math.min(box.west, x[index]);
    box.east = Math.max(box.east, x[index]);
    box.south = Math.min(box.south, y[index]);
    box.north = Math.max(box.north, y[index]);
  }
  const [x0, y0] = [(box.west + box.east) / 2, (box.south + box.north) / 2];
  return {
    west: Math.min(box.west, x0 - BOX_MIN_M), east: Math.max(box.east, x0 + BOX_MIN_M),
    south: Math.min(box.south, y0 - BOX_MIN_M), north: Math.max(box.north, y0 + BOX_MIN_M),
  };
}
