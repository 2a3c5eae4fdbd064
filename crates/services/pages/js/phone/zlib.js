// zlib in both directions. The browser's own writer may choose stored blocks, on which a widespread reader of codes
// crashes; ours has one kind of block only: fixed Huffman (RFC 1951, 3.2.6).

/** CM 8 with a 32 KiB window, and FLEVEL 3. */
const HEADER = [0x78, 0xda];
const END_OF_BLOCK = 256;
const MATCH_MIN = 3;
const MATCH_MAX = 258;
/** Three bytes from further away cost as much as they save. */
const SHORT_MATCH_NEAR = 256;
const DISTANCE_MAX = 32_768;
const ADLER_MODULUS = 65_521;

/** Base values of the length symbols from 257 and of the distance symbols from 0, each with its extra bits. */
const LENGTHS = [3, 4, 5, 6, 7, 8, 9, 10, ...steps(11, 4, 1), ...steps(19, 4, 2), ...steps(35, 4, 3), ...steps(67, 4, 4), ...steps(131, 4, 5), 258]
  .map((base, index) => [base, index < 8 || index === 28 ? 0 : (index - 4) >> 2]);
const DISTANCES = Array.from({ length: 30 }, (_, index) => {
  const extra = index < 4 ? 0 : (index - 2) >> 1;
  return [index < 4 ? index + 1 : ((2 + (index & 1)) << extra) + 1, extra];
});

function steps(first, count, extra) {
  return Array.from({ length: count }, (_, index) => first + (index << extra));
}

export async function inflate(stream) {
  const whole = new Blob([stream]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(whole).arrayBuffer());
}

export function deflate(data) {
  const bits = new BitWriter();
  bits.put(0b011, 3); // The last block, with fixed codes.
  const last = new Map();
  for (let at = 0; at < data.length;) {
    const { length, distance } = repetition(data, at, last.get(keyAt(data, at)));
    if (length > 0) putMatch(bits, length, distance);
    else putSymbol(bits, data[at]);
    for (const end = at + Math.max(1, length); at < end; at += 1) last.set(keyAt(data, at), at);
  }
  putSymbol(bits, END_OF_BLOCK);
  const sum = adler32(data);
  return Uint8Array.from([...HEADER, ...bits.finish(), sum >>> 24, (sum >> 16) & 255, (sum >> 8) & 255, sum & 255]);
}

/** Collects bits, the first one lowest. */
class BitWriter {
  #bytes = [];
  #held = 0;
  #count = 0;

  put(bits, count) {
    for (let bit = 0; bit < count; bit += 1) {
      this.#held |= ((bits >> bit) & 1) << this.#count;
      this.#count += 1;
      if (this.#count === 8) this.#flush();
    }
  }

  /** Huffman codes, unlike everything else, begin with their highest bit. */
  putCode(code, count) {
    for (let bit = count - 1; bit >= 0; bit -= 1) this.put((code >> bit) & 1, 1);
  }

  finish() {
    if (this.#count > 0) this.#flush();
    return this.#bytes;
  }

  #flush() {
    this.#bytes.push(this.#held);
    this.#held = this.#count = 0;
  }
}

/** A literal byte, the end of the block, or a length. */
function putSymbol(bits, symbol) {
  if (symbol < 144) bits.putCode(0x30 + symbol, 8);
  else if (symbol < 256) bits.putCode(0x190 + symbol - 144, 9);
  else if (symbol < 280) bits.putCode(symbol - 256, 7);
  else bits.putCode(0xc0 + symbol - 280, 8);
}

function putMatch(bits, length, distance) {
  const [lengthIndex, lengthBase, lengthExtra] = lastAtMost(LENGTHS, length);
  putSymbol(bits, END_OF_BLOCK + 1 + lengthIndex);
  bits.put(length - lengthBase, lengthExtra);
  const [index, base, extra] = lastAtMost(DISTANCES, distance);
  bits.putCode(index, 5);
  bits.put(distance - base, extra);
}

function lastAtMost(table, value) {
  const index = table.findLastIndex(([base]) => base <= value);
  return [index, ...table[index]];
}

/** How long the bytes from `at` repeat those from `before`; length 0 if it is not worth it. */
function repetition(data, at, before) {
  const none = { length: 0, distance: 0 };
  if (before === undefined || at + MATCH_MIN > data.length) return none;
  const distance = at - before;
  let length = 0;
  while (length < MATCH_MAX && at + length < data.length && data[at + length] === data[before + length]) length += 1;
  const pays = length > MATCH_MIN || (length === MATCH_MIN && distance <= SHORT_MATCH_NEAR);
  return pays && distance <= DISTANCE_MAX ? { length, distance } : none;
}

const keyAt = (data, at) => (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];

/** RFC 1950, 8.2. */
function adler32(data) {
  let [a, b] = [1, 0];
  for (const byte of data) {
    a = (a + byte) % ADLER_MODULUS;
    b = (b + a) % ADLER_MODULUS;
  }
  return b * 65_536 + a;
}
