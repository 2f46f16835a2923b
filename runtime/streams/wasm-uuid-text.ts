/** Digests to texts of UUIDs, as a WebAssembly program: sixteen bytes in, 36 characters out. */
import {
  and,
  type Code,
  constant128,
  i32,
  load,
  local,
  or,
  replaceLane8,
  setLocal,
  shiftRight8,
  shuffle,
  store,
  storeLane32,
  swizzle,
  type WasmFunction,
} from './wasm-assembler.ts';
import { DIGEST_BYTES } from './wasm-sha256.ts';

/** Which of the sixteen bytes each pair of characters shows. */
const PATTERN = '00112233-4455-6677-8899-aabbccddeeff';
export const UUID_CHARS = PATTERN.length;

const VECTOR_BYTES = 16;
const DASH = 0x2d;

const bytes = (of: (n: number) => number): Code =>
  constant128(Array.from({ length: VECTOR_BYTES }, (_, n) => of(n)));

// Version 8 and the variant of RFC 9562, section 5.8: the high half of byte 6, two bits of byte 8.
const KEPT = bytes((n) => (n === 6 ? 0x0f : n === 8 ? 0x3f : 0xff));
const MARKS = bytes((n) => (n === 6 || n === 8 ? 0x80 : 0));
const DIGITS = bytes((n) => '0123456789abcdef'.charCodeAt(n));
const LOW_HALF = bytes(() => 0x0f);

// Parameters, then vectors.
const FROM = 0;
const TO = 1;
const UUID = 2;
const HIGH_DIGITS = 3;
const LOW_DIGITS = 4;
const VECTORS = 3;

/** Sixteen characters of the text from `at` on, or fewer at its end (what follows is not used). */
function characters(at: number): Code {
  const shown = [...PATTERN.slice(at, at + VECTOR_BYTES).padEnd(VECTOR_BYTES, '0')];
  const picks = shown.map((digit, n) => {
    if (digit === '-') return 0;
    const isFirst = PATTERN.indexOf(digit) === at + n;
    return Number.parseInt(digit, 16) + (isFirst ? 0 : VECTOR_BYTES);
  });
  return shown.reduce(
    (text, digit, n) => (digit === '-' ? replaceLane8(text, n, i32(DASH)) : text),
    shuffle(local(HIGH_DIGITS), local(LOW_DIGITS), picks),
  );
}

/** Reads one digest and writes one text, both at constant distances from the parameters. */
function oneText(digest: number, text: number): Code {
  return [
    setLocal(UUID, or(and(load(local(FROM), digest), KEPT), MARKS)),
    setLocal(HIGH_DIGITS, swizzle(DIGITS, shiftRight8(local(UUID), 4))),
    setLocal(LOW_DIGITS, swizzle(DIGITS, and(local(UUID), LOW_HALF))),
    store(local(TO), text, characters(0)),
    store(local(TO), text + VECTOR_BYTES, characters(VECTOR_BYTES)),
    storeLane32(local(TO), text + 2 * VECTOR_BYTES, characters(2 * VECTOR_BYTES), 0),
  ];
}

/**
 * `uuidTexts(from, to)`: of each of four digests at `from`, the first sixteen bytes as the text of
 * a UUID of version 8 (RFC 9562); the texts lie at `to`, one after the other, without a gap.
 */
export function uuidTextsProgram(): WasmFunction {
  return {
    name: 'uuidTexts',
    parameters: 2,
    numbers: 0,
    vectors: VECTORS,
    body: [0, 1, 2, 3].map((lane) => oneText(lane * DIGEST_BYTES, lane * UUID_CHARS)),
  };
}
