// QR symbols (ISO/IEC 18004, model 2) made on the phone, so that a code needs nobody else: alphanumeric or byte mode,
// level L or M, up to 97 modules.

import { ALPHABET } from "../bytes.js";
import { correction } from "./reed-solomon.js";
import { Grid, bestMask } from "./qr-grid.js";

/** By version, from 1: correction codewords of a block, and the number of blocks (ISO/IEC 18004, table 9). */
const BLOCKS = {
  L: [[7, 1], [10, 1], [15, 1], [20, 1], [26, 1], [18, 2], [20, 2], [24, 2], [30, 2], [18, 4],
    [20, 4], [24, 4], [26, 4], [30, 4], [22, 6], [24, 6], [28, 6], [30, 6], [28, 7], [28, 8]],
  M: [[10, 1], [16, 1], [26, 1], [18, 2], [24, 2], [16, 4], [18, 4], [22, 4], [22, 5], [26, 5],
    [30, 5], [22, 8], [22, 9], [24, 9], [24, 10], [28, 10], [28, 11], [26, 13], [26, 14], [26, 16]],
};
const PADDING = [0xec, 0x11];
/** Light modules around the symbol. */
const QUIET_ZONE = 4;

/** The modules of a text: rows of booleans, true = dark. Throws if it does not fit. */
export function encodeQr(text, level = "L") {
  const segment = segmentOf(text);
  const version = BLOCKS[level].findIndex((_, index) => bitsOf(segment, index + 1) <= 8 * dataCodewords(index + 1, level)) + 1;
  if (version === 0) throw new Error("this text is too long for a symbol on a screen");
  const codewords = interleave(padded(segment, version, level), version, level);
  return bestMask(new Grid(version, codewords), level);
}

/** The symbol as an SVG picture with its quiet zone. */
export function qrSvg(text, level = "L") {
  const rows = encodeQr(text, level);
  const side = rows.length + 2 * QUIET_ZONE;
  const path = rows.flatMap((row, y) => row.flatMap((dark, x) => {
    if (!dark || row[x - 1]) return [];
    const end = row.indexOf(false, x);
    return [`M${x + QUIET_ZONE} ${y + QUIET_ZONE}h${(end < 0 ? row.length : end) - x}v1H${x + QUIET_ZONE}z`];
  })).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">`
    + `<path fill="#fff" d="M0 0h${side}v${side}H0z"/><path d="${path}"/></svg>`;
}

/** A text as mode, number of characters, and bits. */
function segmentOf(text) {
  const letters = Array.from(text, (letter) => ALPHABET.indexOf(letter));
  if (!letters.includes(-1)) return { mode: 0b0010, count: letters.length, bits: alphanumericBits(letters), lengthBits: [9, 11] };
  const bytes = new TextEncoder().encode(text);
  return { mode: 0b0100, count: bytes.length, bits: [...bytes].flatMap((byte) => bitsFrom(byte, 8)), lengthBits: [8, 16] };
}

function alphanumericBits(letters) {
  const bits = [];
  for (let at = 0; at < letters.length; at += 2) {
    const isPair = at + 1 < letters.length;
    bits.push(...(isPair ? bitsFrom(letters[at] * 45 + letters[at + 1], 11) : bitsFrom(letters[at], 6)));
  }
  return bits;
}

/** The highest first. */
function bitsFrom(value, count) {
  return Array.from({ length: count }, (_, index) => (value >> (count - 1 - index)) & 1);
}

const lengthBits = (segment, version) => segment.lengthBits[version < 10 ? 0 : 1];
const bitsOf = (segment, version) => 4 + lengthBits(segment, version) + segment.bits.length;

/** Codewords of data and correction that a symbol has room for. */
function allCodewords(version) {
  const aligned = version < 2 ? 0 : Math.floor(version / 7) + 2;
  const alignment = aligned === 0 ? 0 : (25 * aligned - 10) * aligned - 55;
  const versionInfo = version < 7 ? 0 : 36;
  return Math.floor(((16 * version + 128) * version + 64 - alignment - versionInfo) / 8);
}

function dataCodewords(version, level) {
  const [corrections, blocks] = BLOCKS[level][version - 1];
  return allCodewords(version) - corrections * blocks;
}

/** The data codewords: head, data, terminator, padding. */
function padded(segment, version, level) {
  const room = dataCodewords(version, level);
  const bits = [...bitsFrom(segment.mode, 4), ...bitsFrom(segment.count, lengthBits(segment, version)), ...segment.bits];
  bits.push(...Array(Math.min(4, 8 * room - bits.length)).fill(0));
  bits.push(...Array(-bits.length & 7).fill(0));
  const codewords = [];
  for (let at = 0; at < bits.length; at += 8) {
    codewords.push(bits.slice(at, at + 8).reduce((sum, bit) => 2 * sum + bit, 0));
  }
  for (let index = 0; codewords.length < room; index += 1) codewords.push(PADDING[index % 2]);
  return codewords;
}

/** Cuts the data into blocks, puts the correction behind each, and deals them out in turn. */
function interleave(data, version, level) {
  const [corrections, count] = BLOCKS[level][version - 1];
  const short = Math.floor(data.length / count);
  const shortBlocks = count - (data.length % count);
  const blocks = [];
  for (let index = 0, at = 0; index < count; index += 1) {
    const length = short + (index < shortBlocks ? 0 : 1);
    blocks.push(data.slice(at, at + length));
    at += length;
  }
  return [...dealt(blocks), ...dealt(blocks.map((block) => correction(block, corrections)))];
}

function dealt(blocks) {
  const longest = Math.max(...blocks.map((block) => block.length));
  return Array.from({ length: longest }, (_, at) => blocks.flatMap((block) => (at < block.length ? [block[at]] : []))).flat();
}
