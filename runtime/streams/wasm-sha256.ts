/**
 * SHA-256 (FIPS 180-4) of four messages at once, as a WebAssembly program: a vector holds the same
 * word of the four, so that each instruction works for all of them. Letters and Greek names are
 * those of the standard.
 */
import {
  add32,
  addI32,
  and,
  type Code,
  i32,
  load,
  loadSplat32,
  local,
  loopWhile,
  or,
  select,
  setLocal,
  shiftLeft32,
  shiftRight32,
  shuffle,
  shuffle32,
  store,
  type WasmFunction,
  xor,
} from './wasm-assembler.ts';

export const LANES = 4;
export const BLOCK_BYTES = 64;
/** Blocks that a lane has room for: messages of up to 3 × 64 − 9 = 183 bytes. */
export const BLOCKS_MAX = 3;
/** From the beginning of a lane's message to that of the next lane's. */
export const LANE_BYTES = BLOCKS_MAX * BLOCK_BYTES;
export const DIGEST_BYTES = 32;
/** A message ends in a byte of padding and its length in bits, of eight bytes. */
export const PADDING_BYTES_MIN = 9;

const ROUNDS = 64;
const WORD_BYTES = 4;
const K_AT = 0;
const H_AT = ROUNDS * WORD_BYTES;

function firstPrimes(count: number): readonly number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes;
}

/**
 * The table that the program reads, for address 0: K, the first 32 bits of the fractional parts of
 * the cube roots of the first 64 primes; then the initial H, the same of the square roots of the
 * first eight. (A double leaves more than 48 bits of such a fraction.)
 */
export function sha256Table(): Uint8Array {
  const fraction = (root: number) => Math.floor((root % 1) * 2 ** 32);
  const primes = firstPrimes(ROUNDS);
  const words = [
    ...primes.map((prime) => fraction(Math.cbrt(prime))),
    ...primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime))),
  ];
  const table = new DataView(new ArrayBuffer(words.length * WORD_BYTES));
  for (const [n, word] of words.entries()) table.setUint32(n * WORD_BYTES, word, true);
  return new Uint8Array(table.buffer);
}

// Parameters; where the K of the next rounds lie; vectors. DIFFERING: the bits in which a and b
// differ, this round's and those of the round before.
const FROM = 0;
const BLOCKS = 1;
const TO = 2;
const vectors = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);
const K_FROM = 3;
const HASH = vectors(4, 8);
const LETTERS = vectors(12, 8);
const W = vectors(20, 16);
const T1 = 36;
const DIFFERING = vectors(37, 2);
const VECTORS = 35;

const v = (index: number): Code => local(index);
const w = (t: number): number => W[t % W.length]!;
const rotr = (x: Code, bits: number): Code => or(shiftRight32(x, bits), shiftLeft32(x, 32 - bits));
const xor3 = (a: Code, b: Code, c: Code): Code => xor(xor(a, b), c);
const Σ0 = (x: Code): Code => xor3(rotr(x, 2), rotr(x, 13), rotr(x, 22));
const Σ1 = (x: Code): Code => xor3(rotr(x, 6), rotr(x, 11), rotr(x, 25));
const σ0 = (x: Code): Code => xor3(rotr(x, 7), rotr(x, 18), shiftRight32(x, 3));
const σ1 = (x: Code): Code => xor3(rotr(x, 17), rotr(x, 19), shiftRight32(x, 10));
const ch = (x: Code, y: Code, z: Code): Code => select(y, z, x);

/** The bytes of each word in the other order: the standard's words are big-endian. */
const swapBytes = (x: Code): Code =>
  shuffle(x, x, [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]);

/** Four vectors, row by row, become four others, column by column; `spare` are four to use. */
function transpose(rows: readonly number[], spare: readonly number[], to: readonly number[]): Code {
  const [r0, r1, r2, r3] = rows.map(v) as [Code, Code, Code, Code];
  const pairs = [
    shuffle32(r0, r1, [0, 4, 1, 5]),
    shuffle32(r2, r3, [0, 4, 1, 5]),
    shuffle32(r0, r1, [2, 6, 3, 7]),
    shuffle32(r2, r3, [2, 6, 3, 7]),
  ].map((pair, n) => setLocal(spare[n]!, pair));
  const [low01, low23, high01, high23] = spare.map(v) as [Code, Code, Code, Code];
  const columns = [
    shuffle32(low01, low23, [0, 1, 4, 5]),
    shuffle32(low01, low23, [2, 3, 6, 7]),
    shuffle32(high01, high23, [0, 1, 4, 5]),
    shuffle32(high01, high23, [2, 3, 6, 7]),
  ].map((column, n) => setLocal(to[n]!, swapBytes(column)));
  return [pairs, columns];
}

/** W 0 to 15: the block's words, of all lanes. Uses the letters. */
function loadBlock(): Code {
  const rows = LETTERS.slice(0, 4);
  const steps: Code[] = [];
  for (let word = 0; word < W.length; word += 4) {
    for (let lane = 0; lane < LANES; lane++) {
      const offset = lane * LANE_BYTES + word * WORD_BYTES;
      steps.push(setLocal(rows[lane]!, load(local(FROM), offset)));
    }
    steps.push(transpose(rows, LETTERS.slice(4), W.slice(word, word + 4)));
  }
  return steps;
}

/** The next word of the message schedule, in the place of the one that is sixteen rounds old. */
const schedule = (t: number): Code =>
  setLocal(w(t), add32(add32(σ1(v(w(t + 14))), v(w(t + 9))), add32(σ0(v(w(t + 1))), v(w(t)))));

/**
 * Sixteen rounds, written out; K_FROM is where their K begins. The letters do not move, as they do
 * in the standard: the next round takes the same places under other names, and after eight they
 * are where they were. maj(a, b, c), the bit that most of the three have, is b unless both others
 * differ from it: b ^ ((a ^ b) & (b ^ c)), of which the last part is known from the round before.
 */
function sixteenRounds(isFirst: boolean): Code {
  let letters = LETTERS;
  const steps: Code[] = [];
  for (let t = 0; t < W.length; t++) {
    const at = letters.map(v);
    const [a, b, , d, e, f, g, h] = at as [Code, Code, Code, Code, Code, Code, Code, Code];
    const ab = DIFFERING[t % 2]!;
    const bc = DIFFERING[(t + 1) % 2]!;
    const k = loadSplat32(local(K_FROM), t * WORD_BYTES);
    const maj = xor(b, and(v(ab), v(bc)));
    steps.push(
      isFirst ? [] : schedule(t),
      setLocal(T1, add32(add32(add32(h, add32(k, v(w(t)))), ch(e, f, g)), Σ1(e))),
      setLocal(letters[3]!, add32(d, v(T1))),
      setLocal(ab, xor(a, b)),
      setLocal(letters[7]!, add32(add32(maj, v(T1)), Σ0(a))),
    );
    letters = [letters[7]!, ...letters.slice(0, 7)];
  }
  return steps;
}

function rounds(): Code {
  const [, b, c] = LETTERS as [number, number, number];
  const nextK = setLocal(K_FROM, addI32(local(K_FROM), i32(W.length * WORD_BYTES)));
  return [
    setLocal(K_FROM, i32(K_AT)),
    setLocal(DIFFERING[1]!, xor(v(b), v(c))),
    sixteenRounds(true),
    nextK,
    loopWhile([sixteenRounds(false), nextK], addI32(local(K_FROM), i32(-H_AT))),
  ];
}

const forHash = (step: (hash: number, n: number) => Code): Code => HASH.map(step);

/**
 * `sha256(from, blocks, to)`: the digests of four padded messages of so many blocks each, 1 to
 * BLOCKS_MAX. The messages begin at `from`, LANE_BYTES apart; the digests are written to `to`,
 * DIGEST_BYTES apart. The memory must hold `sha256Table()` at address 0.
 */
export function sha256Program(): WasmFunction {
  const perBlock = [
    loadBlock(),
    forHash((hash, n) => setLocal(LETTERS[n]!, v(hash))),
    rounds(),
    forHash((hash, n) => setLocal(hash, add32(v(hash), v(LETTERS[n]!)))),
    setLocal(FROM, addI32(local(FROM), i32(BLOCK_BYTES))),
    setLocal(BLOCKS, addI32(local(BLOCKS), i32(-1))),
  ];
  const rows = LETTERS.slice(0, LANES);
  const digests = [0, LANES].map((half) => [
    transpose(HASH.slice(half, half + LANES), LETTERS.slice(LANES), rows),
    rows.map((row, lane) => store(local(TO), lane * DIGEST_BYTES + half * WORD_BYTES, v(row))),
  ]);
  return {
    name: 'sha256',
    parameters: 3,
    numbers: 1,
    vectors: VECTORS,
    body: [
      forHash((hash, n) => setLocal(hash, loadSplat32(i32(H_AT), n * WORD_BYTES))),
      loopWhile(perBlock, local(BLOCKS)),
      digests,
    ],
  };
}
