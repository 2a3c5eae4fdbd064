// The operator's console: loads the city, listens to it, and connects map, panel and lists.

import { getJson } from "./api.js";
import { Alarms } from "./alarms.js";
import { CityClock } from "./clock.js";
import { showSpeed, startClockBar } from "./clock-bar.js";
import { byId, element } from "./dom.js";
import { listen } from "./events.js";
import { Feed } from "./feed.js";
import { showFigures } from "./figures.js";
import { number } from "./format.js";
import { GroupPanel } from "./group-panel.js";
import { Groups } from "./groups.js";
import { onLanguage, startI18n, t } from "./i18n.js";
import { LampPanel } from "./lamp-panel.js";
import { LampTable } from "./lamp-table.js";
import { Lamps } from "./lamps.js";
import { CityMap } from "./map.js";
import { notify, notifyProblem } from "./notice.js";
import { Timeline } from "./timeline.js";

const RETRY_MS = 2_000;
const ZOOM_STEP = 1.5;
/** Ids offered while typing; a list of all would slow the page down. */
const SUGGESTIONS_MAX = 20;

startI18n();
start(await loadCity());

/** Waits for the city for as long as it takes. */
async function loadCity() {
  for (;;) {
    try {
      const city = await getJson("/api/city");
      byId("lost").hidden = true;
      return city;
    } catch {
      byId("lost").hidden = false;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function start(city) {
  const lamps = new Lamps(city.lamps);
  const groups = new Groups(city, lamps);
  const clock = new CityClock();
  const map = new CityMap(byId("map"), city, lamps, clock, { onSelect: (index) => select(index), onMove: showScale });
  const panel = new LampPanel(city, lamps, groups, { onClose: () => select(null), onGroup: selectGroup });
  const groupPanel = new GroupPanel(groups, { onClose: () => select(null), onSelect: selectGroup });
  const table = new LampTable(city, lamps, (index) => select(index, true));
  const alarms = new Alarms({ onLamp: (id) => select(lamps.indexOf.get(id), true), onGroup: selectGroup });
  const feed = new Feed();

  function select(index = null, approach = false) {
    map.choose([]);
    map.select(index, { approach });
    panel.select(index);
    groupPanel.select(null);
    byId("lamp").hidden = false;
  }

  function selectGroup(id) {
    map.select(null);
    map.choose(groups.members(id), { approach: true });
    panel.select(null);
    groupPanel.select(id);
    byId("lamp").hidden = true;
  }

  /** The map looks at a moment of the last day, or at now with null. */
  function lookAt(moment, change) {
    change();
    clock.lookAt(moment);
    map.updateAll();
    map.updateWalkers([]);
    table.update();
  }

  startClockBar(clock, () => map.updateSky());
  new Timeline(clock, {
    show: (moment, looks) => lookAt(moment, () => lamps.showPast(looks)),
    showNow: () => lookAt(null, () => lamps.showNow()),
  });
  startSearch(lamps, groups, { onLamp: (index) => select(index, true), onGroup: selectGroup });
  byId("zoom-in").addEventListener("click", () => map.zoom(ZOOM_STEP));
  byId("zoom-out").addEventListener("click", () => map.zoom(1 / ZOOM_STEP));
  byId("zoom-all").addEventListener("click", () => map.overview());
  onLanguage(() => map.updateLanguage());

  listen("/api/events", {
    clock: (event) => {
      clock.handle(event);
      showSpeed(clock);
      map.updateSky();
    },
    lamps: ({ u }) => {
      map.updateLamps(u);
      table.update();
    },
    walkers: ({ w }) => { if (!lamps.past) map.updateWalkers(w); },
    stats: showFigures,
    alarm: (event) => alarms.handle(event),
    incidents: (incidents) => {
      alarms.handleIncidents(incidents);
      const places = incidents.map(({ cabinet }) => city.cabinets.find(({ id }) => id === cabinet));
      const explained = incidents.flatMap((incident) => incident.lamps.map((id) => lamps.indexOf.get(id)));
      map.updateIncidents(places.filter(Boolean), new Set(explained));
    },
    feed: (event) => feed.handle(event),
  }, {
    onUp: (again) => {
      byId("lost").hidden = true;
      alarms.load().catch(notifyProblem);
      if (again) reloadIfReplaced(city);
    },
    onDown: () => { byId("lost").hidden = false; },
  });

  // For tests and the curious.
  window.kitecity = {
    lampCount: () => lamps.count,
    litCount: () => lamps.litCount(),
    select: (id) => select(lamps.indexOf.get(id), true),
    selectGroup,
    now: () => clock.now(),
    map,
  };
}

/** A server that was started again may run another city, which this page knows nothing about. */
async function reloadIfReplaced({ run, seed }) {
  const city = await loadCity();
  if (city.run !== run || city.seed !== seed) location.reload();
}

function startSearch(lamps, groups, { onLamp, onGroup }) {
  const input = byId("search-id");
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    const named = groups.search(wanted).map(([, name]) => name);
    const ids = wanted === "" ? [] : lamps.ids.filter((id) => id.includes(wanted)).slice(0, SUGGESTIONS_MAX);
    byId("search-ids").replaceChildren(...[...named, ...ids].map((value) => element("option", { value })));
  });
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const index = findLamp(lamps, input.value.trim().toLowerCase());
    const [group] = index === undefined ? groups.search(input.value) : [];
    if (index !== undefined) onLamp(index);
    else if (group) onGroup(group[0]);
    else notify(t("search.missing", { id: input.value }), "problem");
  });
}

/** By the whole id, or by its digits alone: 42 finds l-0042. */
function findLamp(lamps, wanted) {
  if (lamps.indexOf.has(wanted)) return lamps.indexOf.get(wanted);
  if (!/^\d+$/.test(wanted)) return undefined;
  const found = lamps.ids.findIndex((id) => Number(id.replace(/\D/g, "")) === Number(wanted));
  return found === -1 ? undefined : found;
}

/** The longest round distance that fits a bar of about 120 px. */
function showScale(scale) {
  const [least, most] = [1, 5_000];
  const lengths = [least, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, most];
  const metres = lengths.findLast((length) => length * scale <= 120) ?? least;
  byId("scale-bar").style.width = `${metres * scale}px`;
  byId("scale-text").textContent = metres < 1_000 ? `${number(metres)} m` : `${number(metres / 1_000)} km`;
}
