// Where the modules of a QR symbol stand, and the mask that makes it easiest to read (ISO/IEC 18004, 6.3 and 7.8).

const FORMAT_LEVELS = { L: 0b01, M: 0b00 };
const FORMAT_DIVISOR = 0x537;
const FORMAT_MASK = 0x5412;
const VERSION_DIVISOR = 0x1f25;

/** What each mask turns over: x is the column, y the row. */
const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** A symbol without its mask. */
export class Grid {
  #side;
  /** Rows of modules; null = still free for data. */
  #rows;
  /** Which of them hold data. */
  #isData;

  constructor(version, codewords) {
    this.#side = 4 * version + 17;
    this.#rows = Array.from({ length: this.#side }, () => Array(this.#side).fill(null));
    this.#drawFinders();
    this.#drawAlignment(version);
    this.#drawTiming();
    this.#drawFormat(0, "L");
    if (version >= 7) this.#drawVersion(version);
    this.#isData = this.#rows.map((row) => row.map((module) => module === null));
    this.#drawData(codewords);
  }

  /** The whole symbol under a mask. */
  masked(mask, level) {
    const turned = this.#rows.map((row, y) => row.map((dark, x) => dark !== (this.#isData[y][x] && MASKS[mask](x, y))));
    const unmasked = this.#rows;
    this.#rows = turned;
    this.#drawFormat(mask, level);
    this.#rows = unmasked;
    return turned;
  }

  #set(x, y, dark) {
    if (y in this.#rows && x in this.#rows[y]) this.#rows[y][x] = Boolean(dark);
  }

  #drawFinders() {
    for (const [left, top] of [[0, 0], [this.#side - 7, 0], [0, this.#side - 7]]) {
      for (let y = -1; y <= 7; y += 1) {
        for (let x = -1; x <= 7; x += 1) {
          const ring = Math.max(Math.abs(x - 3), Math.abs(y - 3));
          this.#set(left + x, top + y, ring !== 2 && ring !== 4);
        }
      }
    }
  }

  #drawAlignment(version) {
    const places = alignmentPlaces(version);
    const last = places.length - 1;
    places.forEach((y, row) => places.forEach((x, column) => {
      const isCorner = (row === 0 && column === 0) || (row === 0 && column === last) || (row === last && column === 0);
      if (isCorner) return;
      for (let dy = -2; dy <= 2; dy += 1) {
        for (let dx = -2; dx <= 2; dx += 1) this.#set(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
      }
    }));
  }

  #drawTiming() {
    for (let at = 8; at < this.#side - 8; at += 1) {
      this.#set(at, 6, at % 2 === 0);
      this.#set(6, at, at % 2 === 0);
    }
  }

  /** Level and mask, twice, each with its check bits. */
  #drawFormat(mask, level) {
    const data = (FORMAT_LEVELS[level] << 3) | mask;
    const bits = ((data << 10) | remainder(data, FORMAT_DIVISOR, 10)) ^ FORMAT_MASK;
    const bit = (index) => (bits >> index) & 1;
    for (let index = 0; index < 15; index += 1) {
      // Around the upper left finder, past the timing pattern.
      if (index < 8) this.#set(8, index < 6 ? index : index + 1, bit(index));
      else this.#set(index === 8 ? 7 : 14 - index, 8, bit(index));
      // Beside the other two.
      if (index < 8) this.#set(this.#side - 1 - index, 8, bit(index));
      else this.#set(8, this.#side - 15 + index, bit(index));
    }
    this.#set(8, this.#side - 8, true);
  }

  #drawVersion(version) {
    const bits = (version << 12) | remainder(version, VERSION_DIVISOR, 12);
    for (let index = 0; index < 18; index += 1) {
      const [near, far] = [Math.floor(index / 3), this.#side - 11 + (index % 3)];
      this.#set(far, near, (bits >> index) & 1);
      this.#set(near, far, (bits >> index) & 1);
    }
  }

  /** Pairs of columns from the right, up and down in turn, leaving out the timing column. */
  #drawData(codewords) {
    let index = 0;
    const next = () => {
      const dark = index < 8 * codewords.length && ((codewords[index >> 3] >> (7 - (index & 7))) & 1) === 1;
      index += 1;
      return dark;
    };
    let upward = true;
    for (let right = this.#side - 1; right > 0; right -= right === 8 ? 3 : 2) {
      for (let step = 0; step < this.#side; step += 1) {
        const y = upward ? this.#side - 1 - step : step;
        for (const x of [right, right - 1]) if (this.#isData[y][x]) this.#rows[y][x] = next();
      }
      upward = !upward;
    }
  }
}

/** The symbol under the mask with the lowest penalty. */
export function bestMask(grid, level) {
  const symbols = MASKS.map((_, mask) => grid.masked(mask, level));
  const penalties = symbols.map(penalty);
  return symbols[penalties.indexOf(Math.min(...penalties))];
}

/** Centres of the alignment patterns, in both directions. */
function alignmentPlaces(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = 2 * Math.ceil((4 * version + 4) / (2 * (count - 1)));
  const others = Array.from({ length: count - 1 }, (_, index) => 4 * version + 10 - index * step);
  return [6, ...others.reverse()];
}

/** The check bits of a BCH code. */
function remainder(data, divisor, degree) {
  let rest = data << degree;
  for (let bit = 31 - Math.clz32(rest); rest >= 1 << degree; bit = 31 - Math.clz32(rest)) rest ^= divisor << (bit - degree);
  return rest;
}

function penalty(rows) {
  const columns = rows.map((_, x) => rows.map((row) => row[x]));
  const lines = [...rows, ...columns];
  const runs = lines.reduce((sum, line) => sum + runPenalty(line), 0);
  const dark = rows.flat().filter(Boolean).length;
  const unbalanced = Math.floor(Math.abs(20 * dark / rows.length ** 2 - 10));
  return runs + blockPenalty(rows) + 10 * unbalanced;
}

/** Five or more alike in a row, and what looks like a finder: 1:1:3:1:1 with four light ones at a side. */
function runPenalty(line) {
  const text = line.map((dark) => (dark ? "1" : "0")).join("");
  const long = (text.match(/0{5,}|1{5,}/g) ?? []).reduce((sum, run) => sum + run.length - 2, 0);
  const finders = text.match(/(?=10111010000|00001011101)/g) ?? [];
  return long + 40 * finders.length;
}

/** Squares of four alike. */
function blockPenalty(rows) {
  let sum = 0;
  for (let y = 1; y < rows.length; y += 1) {
    for (let x = 1; x < rows.length; x += 1) {
      const dark = rows[y][x];
      if (rows[y][x - 1] === dark && rows[y - 1][x] === dark && rows[y - 1][x - 1] === dark) sum += 3;
    }
  }
  return sum;
}
