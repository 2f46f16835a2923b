import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addI32,
  type Code,
  compile,
  constant128,
  i32,
  instantiate,
  load,
  local,
  loopWhile,
  setLocal,
  store,
  storeLane32,
} from './wasm-assembler.ts';

const SIXTEEN = Array.from({ length: 16 }, (_, n) => n + 1);

/** The memory after a program has run once; its parameter is 3. */
function memoryAfter(body: Code, start = Uint8Array.of()): Uint8Array {
  const run = { name: 'run', parameters: 1, numbers: 1, vectors: 1, body };
  const module = compile({ functions: [run], pagesMin: 2, pagesMax: 2, start });
  assert.ok(module !== null);
  const exports = instantiate(module) as {
    run(of: number): void;
    memory: { buffer: ArrayBuffer };
  };
  exports.run(3);
  return new Uint8Array(exports.memory.buffer);
}

for (const n of [0, 1, 63, 64, 127, 128, 8191, 8192, 65_536, 2 ** 31 - 1]) {
  for (const signed of [n, -n, -n - 1]) {
    test(`the number ${signed} arrives as it is`, () => {
      // As the address 96, if both come to be what they are.
      const address = addI32(i32(signed), i32((96 - signed) | 0));
      const memory = memoryAfter(store(address, 0, constant128(SIXTEEN)));
      assert.deepEqual([...memory.subarray(95, 113)], [0, ...SIXTEEN, 0]);
    });
  }
}

for (const offset of [0, 1, 127, 128, 129, 16_383, 16_384, 131_056]) {
  test(`the offset ${offset} arrives as it is`, () => {
    const memory = memoryAfter(store(i32(0), offset, constant128(SIXTEEN)));
    assert.equal(memory.indexOf(1), offset);
    assert.deepEqual([...memory.subarray(offset, offset + 16)], SIXTEEN);
  });
}

test('a loop runs as often as its condition says, and at least once', () => {
  const put = storeLane32(local(1), 0, constant128(SIXTEEN), 1);
  const next = setLocal(1, addI32(local(1), i32(4)));
  const less = setLocal(0, addI32(local(0), i32(-1)));
  const thrice = memoryAfter(loopWhile([put, next, less], local(0)));
  assert.deepEqual([...thrice.subarray(0, 13)], [5, 6, 7, 8, 5, 6, 7, 8, 5, 6, 7, 8, 0]);
  const once = memoryAfter(loopWhile([put, next], i32(0)));
  assert.deepEqual([...once.subarray(0, 5)], [5, 6, 7, 8, 0]);
});

test('the memory starts as it was told', () => {
  const copied = memoryAfter(store(i32(16), 0, load(i32(0), 0)), Uint8Array.from(SIXTEEN));
  assert.deepEqual([...copied.subarray(0, 33)], [...SIXTEEN, ...SIXTEEN, 0]);
});

test('what is ill-typed is refused', () => {
  const run = { name: 'run', parameters: 0, numbers: 0, vectors: 0, body: local(0) };
  assert.equal(compile({ functions: [run], pagesMin: 1, pagesMax: 1, start: NOTHING }), null);
});

const NOTHING = new Uint8Array(0);
