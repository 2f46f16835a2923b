/**
 * Writes the bytes of a WebAssembly module: the few instructions that our programs are made of, as
 * functions that nest like the formulas they stand for, `add(a, xor(b, c))`. Each takes the code of
 * its operands and gives the code that leaves its result on the stack. Nothing is checked here: an
 * ill-typed program is refused when the module is compiled. Opcodes and layout are those of the
 * WebAssembly 2.0 core specification, chapter 5 (binary format).
 */

/** Bytes, as the tree that the formula was; laid flat once, when the module is assembled. */
export type Code = readonly (number | Code)[];

function flat(code: Code, to: number[] = []): number[] {
  for (const part of code) {
    if (typeof part === 'number') to.push(part);
    else flat(part, to);
  }
  return to;
}

/** LEB128 of a whole number from 0 to 2³² − 1. */
function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}

/** LEB128 of a whole number from −2³¹ to 2³¹ − 1; bit 6 of its last byte is the sign. */
function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -64 || rest > 63; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest & 0x7f);
  return bytes;
}

// Locals and numbers.

export const local = (index: number): Code => [0x20, unsigned(index)];
export const setLocal = (index: number, value: Code): Code => [value, 0x21, unsigned(index)];
export const i32 = (value: number): Code => [0x41, signed(value)];
export const addI32 = (a: Code, b: Code): Code => [a, b, 0x6a];

/** Runs `body`, then again as long as `condition` is not 0. */
export const loopWhile = (body: Code, condition: Code): Code => [
  0x03,
  0x40,
  body,
  condition,
  0x0d,
  0,
  0x0b,
];

// Vectors of 128 bits. An address is a number in a local or constant, plus a constant offset.

const vector = (opcode: number): Code => [0xfd, unsigned(opcode)];

/** A memory argument; alignment is a hint, and bytes (2⁰) promise nothing. */
const memory = (offset: number): Code => [0, unsigned(offset)];

export const load = (address: Code, offset: number): Code => [
  address,
  vector(0x00),
  memory(offset),
];
/** The word at the address, in all four lanes. */
export const loadSplat32 = (address: Code, offset: number): Code => [
  address,
  vector(0x09),
  memory(offset),
];
export const store = (address: Code, offset: number, value: Code): Code => [
  address,
  value,
  vector(0x0b),
  memory(offset),
];
/** Stores one of the four words. */
export const storeLane32 = (address: Code, offset: number, value: Code, lane: number): Code => [
  address,
  value,
  vector(0x5a),
  memory(offset),
  lane,
];
export const constant128 = (bytes: readonly number[]): Code => [vector(0x0c), bytes];

/** Bytes 0 to 15 are those of `a`, 16 to 31 those of `b`: `picks` names the result's sixteen. */
export const shuffle = (a: Code, b: Code, picks: readonly number[]): Code => [
  a,
  b,
  vector(0x0d),
  picks,
];
/** Shuffles whole words: 0 to 3 are those of `a`, 4 to 7 those of `b`. */
export const shuffle32 = (a: Code, b: Code, picks: readonly number[]): Code =>
  shuffle(
    a,
    b,
    picks.flatMap((word) => [4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3]),
  );
/** Each byte of `places` becomes the byte of `table` at that place. */
export const swizzle = (table: Code, places: Code): Code => [table, places, vector(0x0e)];
export const replaceLane8 = (value: Code, lane: number, byte: Code): Code => [
  value,
  byte,
  vector(0x17),
  lane,
];

export const and = (a: Code, b: Code): Code => [a, b, vector(0x4e)];
export const or = (a: Code, b: Code): Code => [a, b, vector(0x50)];
export const xor = (a: Code, b: Code): Code => [a, b, vector(0x51)];
/** Bits of `a` where `mask` has ones, of `b` where it has zeros. */
export const select = (a: Code, b: Code, mask: Code): Code => [a, b, mask, vector(0x52)];
export const shiftRight8 = (a: Code, bits: number): Code => [a, i32(bits), vector(0x6d)];
export const shiftLeft32 = (a: Code, bits: number): Code => [a, i32(bits), vector(0xab)];
export const shiftRight32 = (a: Code, bits: number): Code => [a, i32(bits), vector(0xad)];
export const add32 = (a: Code, b: Code): Code => [a, b, vector(0xae)];

/** A function without a result. Its locals: parameters, all i32, more of i32, then vectors. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: number;
  readonly numbers: number;
  readonly vectors: number;
  readonly body: Code;
}

export interface WasmModule {
  readonly functions: readonly WasmFunction[];
  /** In pages of 64 KiB. */
  readonly pagesMin: number;
  readonly pagesMax: number;
  /** What the memory holds from address 0 when an instance is made. */
  readonly start: Uint8Array;
}

const I32 = 0x7f;
const V128 = 0x7b;

const list = (items: readonly Code[]): Code => [unsigned(items.length), items];
function sized(code: Code): Code {
  const bytes = flat(code);
  return [unsigned(bytes.length), bytes];
}
const section = (id: number, code: Code): Code => [id, sized(code)];
const named = (name: string, kind: number, index: number): Code => [
  sized([...Buffer.from(name)]),
  kind,
  unsigned(index),
];

/** The module's bytes. It exports its functions by their names, and its memory as `memory`. */
function assemble(of: WasmModule): Uint8Array {
  const { functions } = of;
  const types = functions.map((each): Code => {
    const parameters = new Array<Code>(each.parameters).fill([I32]);
    return [0x60, list(parameters), list([])];
  });
  const bodies = functions.map((each) =>
    sized([
      list([
        [unsigned(each.numbers), I32],
        [unsigned(each.vectors), V128],
      ]),
      each.body,
      0x0b,
    ]),
  );
  const exported = functions.map((each, index) => named(each.name, 0x00, index));
  const limits: Code = [0x01, unsigned(of.pagesMin), unsigned(of.pagesMax)];
  return Uint8Array.from(
    flat([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, list(types)),
      section(3, list(functions.map((_, index) => unsigned(index)))),
      section(5, list([limits])),
      section(7, list([...exported, named('memory', 0x02, 0)])),
      section(10, list(bodies)),
      section(11, list([[0, i32(0), 0x0b, sized([...of.start])]])),
    ]),
  );
}

/** What we use of the global, which the types of Node leave to those of the browser. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: object };
};

/** Null when it is ill-typed, or when the machine has no SIMD for WebAssembly. */
export function compile(of: WasmModule): object | null {
  const bytes = assemble(of);
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
}

/**
 * Exports of a new instance, with a memory of its own. Ends in a RangeError when there is no room
 * for that.
 */
export function instantiate(module: object): object {
  return new WebAssembly.Instance(module).exports;
}
