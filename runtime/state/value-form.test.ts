import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { serialize } from 'node:v8';
import { VarintReader } from '../../core/varint.ts';
import { roughBytes } from './rough-bytes.ts';
import { RowWriter } from './row-writer.ts';
import { ValueForm, writeValue } from './value-form.ts';

function bytesOf(value: unknown): { readonly bytes: Buffer; readonly size: number } {
  const to = new RowWriter();
  const size = writeValue(value, to);
  return { bytes: Buffer.from(to.bytes.subarray(0, to.at)), size };
}

const form = new ValueForm();

function read(bytes: Buffer): unknown {
  const from = new VarintReader(bytes);
  const value = form.read(bytes, from);
  assert.equal(from.at, bytes.length, 'all of it is read');
  return value;
}

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
const own = (name: string, value: unknown) => JSON.parse(`{"${name}":${JSON.stringify(value)}}`);

function holed(): number[] {
  const list = [1, 2, 3];
  delete list[1];
  return list;
}

const PLAIN: readonly [string, unknown][] = [
  ['null', null],
  ['undefined', undefined],
  ['booleans', [true, false]],
  ['whole numbers', [0, 1, -1, 63, 64, -65, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53 - 1)]],
  ['doubles', [-0, 0.1, -1.5, 2 ** 53, 1e300, Number.NaN, Infinity, -Infinity]],
  ['whole numbers of 64 bits', [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 10n ** 40n]],
  ['texts', ['', 'a', 'é', '😀', 'x'.repeat(64), 'x'.repeat(65), 'é'.repeat(64), 'é'.repeat(70)]],
  ['bytes', Buffer.from([0, 255, 7])],
  ['lists', [[], [[]], [1, [2, [3]]], [undefined, null]]],
  ['objects', { a: 1, b: { c: null, d: undefined }, é: 'x', [`${'n'.repeat(80)}`]: 0 }],
  ['a field __proto__', own('__proto__', { a: 1 })],
  ['fields in their order', { z: 1, y: 2, a: 3 }],
  ['63 lists in each other', nested(63)],
];

const OTHER: readonly [string, unknown][] = [
  ['a Map', new Map([['a', [1, 2]]])],
  ['a Set in a list', [new Set([1])]],
  ['a date', { at: new Date(7) }],
  ['bytes that are no Buffer', new Uint8Array([1, 2])],
  ['a list with a hole', [holed()]],
  ['half a surrogate pair', ['a\ud800', { a: '\udc00' }]],
  ['half a surrogate pair in a name', { 'a\ud800': 1 }],
  ['70 lists in each other', nested(70)],
];

describe('what is written', () => {
  for (const [name, value] of [...PLAIN, ...OTHER]) {
    test(name, () => {
      const back = read(bytesOf(value).bytes);
      assert.deepStrictEqual(back, value);
      const namesOf = (of: unknown) => Object.keys((of as object | null | undefined) ?? {});
      assert.deepEqual(namesOf(back), namesOf(value));
    });
  }

  for (const [name, value] of [...PLAIN, ...OTHER]) {
    test(`${name}, as it was written before`, () => {
      const old = serialize(value);
      const to = new RowWriter();
      to.blob(new DataView(old.buffer, old.byteOffset, old.length), 0, old.length);
      assert.deepStrictEqual(read(Buffer.from(to.bytes.subarray(0, to.at))), value);
    });
  }

  test('what refers to itself', () => {
    const self: { me?: unknown } = {};
    self.me = self;
    const back = read(bytesOf(self).bytes) as { me: unknown };
    assert.equal(back.me, back);
  });

  test('what nothing can write is refused, and the next value is whole', () => {
    assert.throws(() => bytesOf({ a: () => 1 }), /could not be cloned/);
    assert.deepEqual(read(bytesOf({ a: 1 }).bytes), { a: 1 });
  });

  test('behind others, and before others', () => {
    const to = new RowWriter();
    to.int(5);
    writeValue({ a: 'x' }, to);
    writeValue([1], to);
    to.int(6);
    const bytes = Buffer.from(to.bytes.subarray(0, to.at));
    const from = new VarintReader(bytes);
    const all = [from.next(), form.read(bytes, from), form.read(bytes, from), from.next()];
    assert.deepEqual(all, [5, { a: 'x' }, [1], 6]);
  });
});

describe('its size on the heap', () => {
  for (const [name, value] of PLAIN) {
    test(`of ${name} is what a walk would reckon, written and read`, () => {
      const { bytes, size } = bytesOf(value);
      assert.equal(size, roughBytes(value));
      read(bytes);
      assert.equal(form.size, size);
    });
  }
});

test('more names than are kept are read all the same', () => {
  const wide = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`field-${n}`, n]));
  assert.deepEqual(read(bytesOf(wide).bytes), wide);
  assert.deepEqual(read(bytesOf(wide).bytes), wide);
});

test('two names with one hash are two', () => {
  // In the hash of 31, "Aa" and "BB" are the same.
  const value = { Aa: 1, BB: 2, AaAa: 3, BBBB: 4, AaBB: 5 };
  assert.deepEqual(read(bytesOf(value).bytes), value);
  assert.deepEqual(Object.keys(read(bytesOf(value).bytes) as object), Object.keys(value));
});

describe('what is no value', () => {
  const good = bytesOf({ name: 'x', list: [1, 2.5, Buffer.from('ab')], n: 300n }).bytes;
  for (let cut = 0; cut < good.length - 1; cut++) {
    test(`its first ${cut} bytes`, () => {
      const to = new RowWriter();
      to.blob(new DataView(good.buffer, good.byteOffset + 1, cut), 0, cut);
      const bytes = Buffer.from(to.bytes.subarray(0, to.at));
      assert.throws(() => form.read(bytes, new VarintReader(bytes)), RangeError);
    });
  }

  test('of a kind that there is not', () => {
    const bytes = Buffer.from([2, 99]);
    assert.throws(() => form.read(bytes, new VarintReader(bytes)), RangeError);
  });
});
