// The colours of the city by the light of the day.

const NIGHT = {
  ground: [20, 24, 68], edge: [6, 8, 28], water: [9, 38, 98], shore: [30, 66, 140],
  ring: [50, 56, 110], arterial: [41, 47, 96], branch: [33, 39, 84], label: [204, 212, 248], lamp: [92, 92, 122],
  offline: [170, 179, 201],
};
const TWILIGHT = {
  ground: [78, 58, 112], edge: [34, 28, 76], water: [44, 62, 132], shore: [128, 96, 156],
  ring: [176, 132, 158], arterial: [146, 110, 148], branch: [112, 86, 134], label: [255, 232, 222], lamp: [206, 176, 196],
  offline: [214, 206, 222],
};
const DAY = {
  ground: [128, 153, 178], edge: [84, 110, 142], water: [60, 118, 172], shore: [150, 186, 212],
  ring: [214, 226, 234], arterial: [190, 206, 220], branch: [164, 184, 203], label: [13, 22, 44], lamp: [52, 66, 98],
  offline: [40, 46, 62],
};
/** Steps from night to day; the ground is painted again at each. */
const STEPS = 48;

/** Which of the steps of the twilight a daylight of 0 to 1 is in. */
export const skyStep = (daylight) => Math.round(daylight * STEPS);

/** CSS colours of one step. */
export function skyAt(step) {
  const light = step / STEPS;
  const [from, to, part] = light < 0.5 ? [NIGHT, TWILIGHT, light * 2] : [TWILIGHT, DAY, light * 2 - 1];
  const mixed = Object.keys(NIGHT).map((name) => {
    const channels = from[name].map((channel, i) => Math.round(channel + (to[name][i] - channel) * part));
    return [name, `rgb(${channels.join(" ")})`];
  });
  return Object.fromEntries(mixed);
}
