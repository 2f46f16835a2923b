import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { firstFault, parseJson } from './json-body.ts';

const SEED = Number(process.env.SEED ?? 20_260_101);
console.log(`JSON properties: seed ${SEED} (SEED=… runs another)`);

// The caret stands where the text stops being JSON.
const rows: readonly [string, number][] = [
  ['{"a":x}', 5],
  ['{"a" 1}', 5],
  ['{"a":1,}', 7],
  ['[1,2', 4],
  ['[1 2]', 3],
  ['[1,]', 3],
  ['{"a":1]', 6],
  ["{'a':1}", 1],
  ['{"a":1}}', 7],
  ['01', 1],
  ['"a\nb"', 0],
  ['"a\\x"', 0],
  ['', 0],
  ['nul', 0],
  ['{"a":{"b":[true,flase]}}', 16],
];
for (const [text, at] of rows) {
  test(`where ${JSON.stringify(text)} is wrong`, () => {
    assert.throws(() => JSON.parse(text));
    assert.equal(firstFault(text), at);
  });
}

test('what is JSON has no fault, and what has one is not JSON', () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 2 }),
      (json, at, dirt) => {
        assert.equal(firstFault(json), json.length);
        const cut = at % (json.length + 1);
        const text = json.slice(0, cut) + dirt + json.slice(cut);
        let whole = true;
        try {
          JSON.parse(text);
        } catch {
          whole = false;
        }
        if (whole) assert.deepEqual(parseJson(Buffer.from(text)), JSON.parse(text));
        else assert.throws(() => parseJson(Buffer.from(text)), /CAR709/);
      },
    ),
    { seed: SEED, numRuns: 500 },
  );
});

test('a deep and a long body are looked through without recursion', () => {
  assert.equal(firstFault('['.repeat(500_000)), 500_000);
  assert.equal(firstFault(`["${'x'.repeat(900_000)}",?]`), 900_004);
});
