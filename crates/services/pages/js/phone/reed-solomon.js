// Reed–Solomon codewords over GF(256), as QR symbols have them (ISO/IEC 18004, 7.5).

/** x⁸ + x⁴ + x³ + x² + 1. */
const MODULUS = 0x11d;

const POWERS = [];
const LOGARITHMS = [];
for (let power = 0, value = 1; power < 255; power += 1) {
  POWERS[power] = value;
  LOGARITHMS[value] = power;
  value = value < 128 ? 2 * value : (2 * value) ^ MODULUS;
}

const times = (a, b) => (a === 0 || b === 0 ? 0 : POWERS[(LOGARITHMS[a] + LOGARITHMS[b]) % 255]);

/** The coefficients of (x − 2⁰)(x − 2¹)…, the highest first and without its leading 1. */
function generator(degree) {
  let coefficients = [1];
  for (let power = 0; power < degree; power += 1) {
    const shifted = [...coefficients, 0];
    coefficients = shifted.map((value, index) => value ^ (index > 0 ? times(coefficients[index - 1], POWERS[power]) : 0));
  }
  return coefficients.slice(1);
}

/** The remainder of a block's data: `count` codewords. */
export function correction(data, count) {
  const divisor = generator(count);
  let remainder = Array(count).fill(0);
  for (const codeword of data) {
    const factor = codeword ^ remainder[0];
    remainder = [...remainder.slice(1), 0].map((value, index) => value ^ times(divisor[index], factor));
  }
  return remainder;
}
