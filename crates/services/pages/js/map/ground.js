// What does not move: ground, water, streets, and the names of the streets.

import { pick } from "../i18n.js";

/** Narrowest stroke by class of street [px], and the scale from which its name is written [px/m]. */
const CLASSES = {
  branch: { widthMin: 1, namedFrom: 1.1, order: 0 },
  arterial: { widthMin: 1.8, namedFrom: 0.3, order: 1 },
  ring: { widthMin: 2.6, namedFrom: 0.2, order: 2 },
};
/** Streets drawn before someone else may be on. */
const YIELD_EVERY = 40;
const LABEL_SPACING_PX = 130;
/** From the sign of a clinic to about the middle of its name. */
const CLINIC_NAME_PX = 70;

/** Streets in the order in which they cover each other. */
export const inPaintOrder = (streets) => [...streets].sort((a, b) => CLASSES[a.class].order - CLASSES[b.class].order);

export function paintBackdrop(context, camera, sky) {
  const [x, y] = [camera.screenX(0), camera.screenY(0)];
  const reach = Math.max(camera.width, camera.height, 2600 * camera.scale);
  const glow = context.createRadialGradient(x, y, 0, x, y, reach);
  glow.addColorStop(0, sky.ground);
  glow.addColorStop(0.75, sky.edge);
  context.fillStyle = glow;
  context.fillRect(0, 0, camera.width, camera.height);
}

/** Yields between streets: a city has thousands. */
export function* paintGround(context, camera, sky, { streets, water }) {
  context.lineJoin = "round";
  context.lineCap = "round";
  for (const shore of water) paintWater(context, camera, sky, shore);
  for (const [broaden, alpha] of [[2.6, 0.16], [1, 0.85]]) {
    for (const [place, street] of streets.entries()) {
      strokeStreet(context, camera, street, sky[street.class], broaden, alpha);
      if (place % YIELD_EVERY === YIELD_EVERY - 1) yield;
    }
  }
}

function paintWater(context, camera, sky, shore) {
  trace(context, camera, shore);
  context.closePath();
  context.fillStyle = sky.water;
  context.fill();
  context.strokeStyle = sky.shore;
  context.lineWidth = 1;
  context.stroke();
}

function strokeStreet(context, camera, street, colour, broaden, alpha) {
  trace(context, camera, street.points);
  context.globalAlpha = alpha;
  context.strokeStyle = colour;
  context.lineWidth = broaden * Math.max(CLASSES[street.class].widthMin, street.width_m * camera.scale * 0.6);
  context.stroke();
  context.globalAlpha = 1;
}

function trace(context, camera, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(camera.screenX(x), camera.screenY(y));
}

/** Names go over the light, which would swallow them. */
export function* paintNames(context, camera, sky, { streets, clinics }) {
  const taken = clinics.map(({ x, y }) => [camera.screenX(x) + CLINIC_NAME_PX, camera.screenY(y)]);
  context.font = "500 11px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 3;
  // The widest streets name themselves first.
  for (const street of [...streets].reverse()) {
    if (camera.scale < CLASSES[street.class].namedFrom) continue;
    const place = namePlace(camera, street.points, taken);
    if (place === null) continue;
    taken.push([place.x, place.y]);
    context.save();
    context.translate(place.x, place.y);
    context.rotate(place.angle);
    context.strokeStyle = sky.ground;
    context.strokeText(pick(street, "name"), 0, 0);
    context.fillStyle = sky.label;
    context.fillText(pick(street, "name"), 0, 0);
    context.restore();
    yield;
  }
}

/** The middle of a free stretch nearest to the centre of the view, so that names stay in sight; null if all is taken. */
function namePlace(camera, points, taken) {
  let best = null;
  for (let i = 1; i < points.length; i += 1) {
    const [ax, ay] = [camera.screenX(points[i - 1][0]), camera.screenY(points[i - 1][1])];
    const [bx, by] = [camera.screenX(points[i][0]), camera.screenY(points[i][1])];
    const [x, y] = [(ax + bx) / 2, (ay + by) / 2];
    if (taken.some(([tx, ty]) => Math.hypot(tx - x, ty - y) < LABEL_SPACING_PX)) continue;
    const off = Math.hypot(x - camera.width * 0.4, y - camera.height * 0.4);
    if (best === null || off < best.off) best = { x, y, off, angle: upright(Math.atan2(by - ay, bx - ax)) };
  }
  return best;
}

/** Turns a direction so that text along it is never upside down. */
function upright(angle) {
  if (angle > Math.PI / 2) return angle - Math.PI;
  return angle < -Math.PI / 2 ? angle + Math.PI : angle;
}
