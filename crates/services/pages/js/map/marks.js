// Signs over the light: posts, offline lamps, alarms, clinics, walkers, the selected lamp.

import { pick } from "../i18n.js";
import { percent } from "../format.js";

const TURN = 2 * Math.PI;
const COLOURS = {
  alarm: "#ff5a36", alarmEdge: "#2a0b06", walker: "#7fe3d4", walkerEdge: "#06323a",
  clinic: "#e8403a", clinicGround: "#ffffff", selected: "#ffffff", chosen: "#a9c1ff", incident: "#c81e3c", tag: "rgb(7 10 32 / .88)",
};

/** Posts as small dots, offline lamps as hollow grey rings. */
export function paintPosts(context, camera, sky, lamps) {
  const radius = Math.min(3.5, Math.max(0.9, camera.scale * 2.2));
  const posts = new Path2D();
  const hollow = new Path2D();
  for (let index = 0; index < lamps.count; index += 1) {
    const [x, y] = [camera.screenX(lamps.x[index]), camera.screenY(lamps.y[index])];
    if (!inView(camera, x, y)) continue;
    if (lamps.online(index)) disc(posts, x, y, radius);
    else disc(hollow, x, y, Math.max(3, radius * 1.4));
  }
  context.fillStyle = sky.lamp;
  context.fill(posts);
  context.strokeStyle = sky.offline;
  context.lineWidth = 1.4;
  context.stroke(hollow);
}

export function paintWalkers(context, camera, walkers) {
  const path = new Path2D();
  const radius = Math.min(3.5, Math.max(1.6, camera.scale * 1.6));
  for (const [x, y] of walkers) disc(path, camera.screenX(x), camera.screenY(y), radius);
  // The edge keeps them visible on the pale ground of the day.
  context.strokeStyle = COLOURS.walkerEdge;
  context.lineWidth = 1.5;
  context.stroke(path);
  context.fillStyle = COLOURS.walker;
  context.fill(path);
}

export function paintAlarms(context, camera, lamps, explained) {
  const half = Math.min(10, Math.max(6, camera.scale * 7));
  context.lineJoin = "round";
  context.fillStyle = COLOURS.alarm;
  context.strokeStyle = COLOURS.alarmEdge;
  context.lineWidth = 1.5;
  const triangles = new Path2D();
  for (let index = 0; index < lamps.count; index += 1) {
    if (!lamps.alarmed(index) || explained.has(index)) continue;
    const [x, y] = [camera.screenX(lamps.x[index]), camera.screenY(lamps.y[index])];
    if (!inView(camera, x, y)) continue;
    triangles.moveTo(x, y - half * 1.15);
    triangles.lineTo(x + half, y + half * 0.75);
    triangles.lineTo(x - half, y + half * 0.75);
    triangles.closePath();
  }
  context.stroke(triangles);
  context.fill(triangles);
}

/** The lamps of a group, each in a ring. */
export function paintChosen(context, camera, lamps, indexes) {
  const path = new Path2D();
  const radius = Math.min(9, Math.max(2.6, camera.scale * 6));
  for (const index of indexes) {
    const [x, y] = [camera.screenX(lamps.x[index]), camera.screenY(lamps.y[index])];
    if (inView(camera, x, y)) disc(path, x, y, radius);
  }
  context.strokeStyle = COLOURS.chosen;
  context.lineWidth = 1.4;
  context.stroke(path);
}

/** Cabinets with an incident: a square on its corner with a bolt, larger than any alarm. */
export function paintIncidents(context, camera, places) {
  for (const { x: east, y: north } of places) {
    const [x, y] = [camera.screenX(east), camera.screenY(north)];
    if (!inView(camera, x, y)) continue;
    context.beginPath();
    context.moveTo(x, y - 15);
    context.lineTo(x + 15, y);
    context.lineTo(x, y + 15);
    context.lineTo(x - 15, y);
    context.closePath();
    context.fillStyle = COLOURS.incident;
    context.strokeStyle = COLOURS.selected;
    context.lineWidth = 2;
    context.fill();
    context.stroke();
    context.fillStyle = COLOURS.selected;
    context.beginPath();
    for (const [dx, dy] of [[2, -9], [-5, 2], [-0.5, 2], [-2, 9], [5, -2], [0.5, -2]]) context.lineTo(x + dx, y + dy);
    context.fill();
  }
}

export function paintClinics(context, camera, sky, clinics) {
  context.font = "600 12px system-ui, sans-serif";
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const clinic of clinics) {
    const [x, y] = [camera.screenX(clinic.x), camera.screenY(clinic.y)];
    context.fillStyle = COLOURS.clinicGround;
    context.beginPath();
    context.roundRect(x - 9, y - 9, 18, 18, 5);
    context.fill();
    context.fillStyle = COLOURS.clinic;
    context.fillRect(x - 2, y - 6, 4, 12);
    context.fillRect(x - 6, y - 2, 12, 4);
    context.strokeStyle = sky.ground;
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeText(pick(clinic, "name"), x + 14, y);
    context.fillStyle = sky.label;
    context.fillText(pick(clinic, "name"), x + 14, y);
  }
}

export function paintSelected(context, camera, lamps, index) {
  const [x, y] = [camera.screenX(lamps.x[index]), camera.screenY(lamps.y[index])];
  context.strokeStyle = COLOURS.selected;
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y, 13, 0, TURN);
  context.stroke();
  paintTag(context, x, y - 28, `${lamps.ids[index]} · ${percent(lamps.actual[index])}`);
}

function paintTag(context, x, y, text) {
  context.font = "600 12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 16;
  context.fillStyle = COLOURS.tag;
  context.beginPath();
  context.roundRect(x - width / 2, y - 11, width, 22, 11);
  context.fill();
  context.fillStyle = COLOURS.selected;
  context.fillText(text, x, y + 0.5);
}

/** Shows what Enter would select while the map is used by keyboard. */
export function paintCrosshair(context, camera) {
  const [x, y] = [camera.width / 2, camera.height / 2];
  context.strokeStyle = COLOURS.selected;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(x + dx * 5, y + dy * 5);
    context.lineTo(x + dx * 14, y + dy * 14);
  }
  context.stroke();
}

/** Lifts the pen to the disc first, or the path would draw a line to it. */
function disc(path, x, y, radius) {
  path.moveTo(x + radius, y);
  path.arc(x, y, radius, 0, TURN);
}

const inView = (camera, x, y) => x > -20 && y > -20 && x < camera.width + 20 && y < camera.height + 20;
