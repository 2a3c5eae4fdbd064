// As much of CBOR (RFC 8949) as codes need: shortest heads, definite lengths.

import { concat } from "../bytes.js";

const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const SIMPLE = 7;
/** How deep a code may be nested, as the city's own reader has it. */
const NESTING_MAX = 16;

export const NULL = Uint8Array.of(0xf6);

/** The encoding of an integer that JavaScript holds exactly. */
export const int = (value) => (value < 0 ? head(NEGATIVE, -1 - value) : head(UNSIGNED, value));
export const bytes = (value) => concat(head(BYTES, value.length), value);
export const array = (...items) => concat(head(ARRAY, items.length), ...items);
export const tag = (number, item) => concat(head(TAG, number), item);
/** `entries` are pairs of encodings, in their order. */
export const map = (...entries) => concat(head(MAP, entries.length), ...entries.flat());

export function text(value) {
  const encoded = new TextEncoder().encode(value);
  return concat(head(TEXT, encoded.length), encoded);
}

function head(major, value) {
  const first = major << 5;
  if (value < 24) return Uint8Array.of(first | value);
  const size = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 0x1_0000_0000 ? 4 : 8;
  const whole = new Uint8Array(1 + size);
  whole[0] = first | (24 + Math.log2(size));
  for (let at = size, rest = value; at > 0; at -= 1, rest = Math.floor(rest / 256)) whole[at] = rest % 256;
  return whole;
}

/** One item with nothing behind it: numbers, `Uint8Array`s, texts, arrays, `Map`s; a tag is left off. */
export function decode(encoded) {
  const reader = { encoded, at: 0 };
  const item = read(reader, NESTING_MAX);
  if (reader.at !== encoded.length) throw new Error("something stands behind the item");
  return item;
}

function read(reader, depth) {
  if (depth === 0) throw new Error("nested too deeply");
  const [first] = take(reader, 1);
  const [major, short] = [first >> 5, first & 31];
  if (major === SIMPLE) return simple(short);
  const value = short < 24 ? short : number(take(reader, sizeOf(short)));
  switch (major) {
    case UNSIGNED: return value;
    case NEGATIVE: return -1 - value;
    case BYTES: return take(reader, value);
    case TEXT: return new TextDecoder().decode(take(reader, value));
    case ARRAY: return times(reader, value, () => read(reader, depth - 1));
    case MAP: return new Map(times(reader, value, () => [read(reader, depth - 1), read(reader, depth - 1)]));
    default: return read(reader, depth - 1);
  }
}

function simple(short) {
  if (short === 20 || short === 21) return short === 21;
  if (short === 22 || short === 23) return null;
  throw new Error("no such simple value here");
}

/** An item has at least one byte, so more items than bytes are left cannot be. */
function times(reader, count, one) {
  if (count > reader.encoded.length - reader.at) throw new Error("cut short");
  return Array.from({ length: count }, one);
}

function sizeOf(short) {
  if (short > 27) throw new Error("indefinite lengths have no place here");
  return 1 << (short - 24);
}

const number = (digits) => digits.reduce((sum, digit) => sum * 256 + digit, 0);

function take(reader, count) {
  const end = reader.at + count;
  if (end > reader.encoded.length) throw new Error("cut short");
  const taken = reader.encoded.slice(reader.at, end);
  reader.at = end;
  return taken;
}
