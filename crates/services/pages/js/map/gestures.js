// Mouse, touch and keyboard on the map.

const PAN_KEY_PX = 80;
const ZOOM_KEY = 1.4;
const ZOOM_WHEEL = 0.0016;
/** A press that moves less than this is a click [px]. */
const CLICK_SLACK_PX = 5;
const KEYS = {
  ArrowLeft: [PAN_KEY_PX, 0], ArrowRight: [-PAN_KEY_PX, 0], ArrowUp: [0, PAN_KEY_PX], ArrowDown: [0, -PAN_KEY_PX],
};

/** Turns what the hand does on `canvas` into `pan(dx, dy)`, `zoom(factor, x, y)` and `pick(x, y)`. */
export function watchGestures(canvas, { pan, zoom, pick }) {
  const pointers = new Map();
  let travelled = 0;

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (pointers.size === 0) travelled = 0;
    pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const here = [event.offsetX, event.offsetY];
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, here);
    travelled += distance(before, here);
    if (other) {
      zoom(distance(other, here) / Math.max(1, distance(other, before)), (other[0] + here[0]) / 2, (other[1] + here[1]) / 2);
      pan((here[0] - before[0]) / 2, (here[1] - before[1]) / 2);
    } else if (travelled > CLICK_SLACK_PX) {
      pan(here[0] - before[0], here[1] - before[1]);
    }
  });

  canvas.addEventListener("pointerup", (event) => {
    pointers.delete(event.pointerId);
    if (travelled <= CLICK_SLACK_PX) pick(event.offsetX, event.offsetY);
  });
  canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * ZOOM_WHEEL), event.offsetX, event.offsetY);
  }, { passive: false });

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (KEYS[event.key]) pan(...KEYS[event.key]);
    else if (event.key === "+" || event.key === "=") zoom(ZOOM_KEY);
    else if (event.key === "-") zoom(1 / ZOOM_KEY);
    else if (event.key === "Enter") pick(canvas.clientWidth / 2, canvas.clientHeight / 2);
    else return;
    event.preventDefault();
  });
}

const distance = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by);
