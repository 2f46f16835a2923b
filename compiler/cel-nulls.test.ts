/**
 * What is warned of null is what fails on null: each expression is made from parts by chance,
 * warned of, and evaluated on records in which every choice of fields is null.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Record } from '../core/record.ts';
import { CelCompiler } from './cel.ts';
import { shapeOf } from './shape.ts';

const SEED = Number(process.env.SEED ?? 20_261_127);
console.log(`expressions and null: seed ${SEED} (SEED=… runs another)`);

const SHAPE = shapeOf({
  type: 'record',
  name: 'Sample',
  namespace: 'test',
  fields: [
    { name: 'n', type: ['null', 'int'] },
    { name: 'm', type: ['null', 'int'] },
    { name: 't', type: ['null', 'string'] },
    { name: 'b', type: ['null', 'boolean'] },
    { name: 'l', type: ['null', { type: 'array', items: 'string' }] },
    {
      name: 'r',
      type: ['null', { type: 'record', name: 'Inner', fields: [{ name: 'k', type: 'int' }] }],
    },
    { name: 'on', type: 'boolean' },
  ],
});
const FULL = { n: 3, m: 5, t: 'ab', b: true, l: ['x'], r: { k: 1 }, on: true };
const NULLABLE = ['n', 'm', 't', 'b', 'l', 'r'] as const;

function warned(source: string): string[] {
  const compiled = new CelCompiler().compile(source, SHAPE);
  assert.ok('expression' in compiled, `${source}: ${JSON.stringify(compiled)}`);
  return compiled.warnings.map(({ what }) =>
    /value(?:\.\w+)+/.exec(what)![0].slice('value.'.length),
  );
}

/** True: it throws on some record of nulls, whatever `on` is. */
function failsOnNull(source: string): boolean {
  const compiled = new CelCompiler().compile(source, SHAPE);
  assert.ok('expression' in compiled);
  for (let mask = 0; mask < 1 << NULLABLE.length; mask++) {
    for (const [numbers, on] of [
      [3, true],
      [30, false],
      [0, true],
      [0, false],
    ] as const) {
      const value: { [field: string]: unknown } = { ...FULL, n: numbers, b: on, on };
      NULLABLE.forEach((field, i) => {
        if (mask & (1 << i)) value[field] = null;
      });
      try {
        compiled.expression.evaluate({ value, key: 'k', timestamp: 0 } as Record);
      } catch {
        return true;
      }
    }
  }
  return false;
}

const rows: readonly [source: string, ...warned: readonly string[]][] = [
  ['value.n > 3', 'n'],
  ['3 <= value.n', 'n'],
  ['value.n + 1 == 4', 'n'],
  ['-value.n == 4', 'n'],
  ['!value.b', 'b'],
  ['value.b && value.on', 'b'],
  ['value.on || value.b', 'b'],
  ['value.b ? true : false', 'b'],
  ['value.t.startsWith("a")', 't'],
  ['"ab".contains(value.t)', 't'],
  ['size(value.l) > 0', 'l'],
  ['"x" in value.l', 'l'],
  ['value.l[0] == "x"', 'l'],
  ['value.l.exists(x, x == "x")', 'l'],
  ['value.r.k == 1', 'r'],
  ['string(value.n) == "3"', 'n'],
  ['value.n > value.m', 'n', 'm'],
  ['value.r.k == 1 && value.r.k == 2', 'r'],
  ['value.r.k == 1 || value.r.k != 2', 'r'],
  ['value.n > 3 && value.n < 9', 'n'],
  ['value.n > 3 && value.m != null', 'n'],
  ['value.n > 3 || value.n != null', 'n'],
  ['!(value.n != null) && value.n > 3', 'n'],
  ['value.n == null ? value.n > 3 : false', 'n'],
  ['value.n == null'],
  ['value.n == 3'],
  ['value.n != 3'],
  ['value.n in [3, 4]'],
  ['value.b'],
  ['value.n != null && value.n > 3'],
  ['value.n > 3 && value.n != null'],
  ['null != value.n && value.n > 3'],
  ['value.n == null || value.n > 3'],
  ['value.n > 3 || value.n == null'],
  ['value.n == null || (value.n > 3 && value.n < 9)'],
  ['!(value.n == null) && value.n > 3'],
  ['value.n != null ? value.n > 3 : false'],
  ['value.n == 3 && value.n > 1'],
  ['value.n in [3, 4] && value.n > 1'],
  ['value.n != null && value.m != null && value.n > value.m'],
  ['(value.n != null && value.n > 3) || (value.m != null && value.m > 3)'],
  ['value.r != null && value.r.k == 1'],
  ['has(value.r.k) && value.r.k == 1'],
  ['value.b != null && value.b'],
  ['value.b == true && value.on'],
  ['value.l != null && value.l.exists(x, x == "x")'],
  ['type(value.n) == int'],
];
for (const [source, ...expected] of rows) {
  test(`${source} is warned of ${expected.join(', ') || 'nothing'}, as it fails`, () => {
    assert.deepEqual(warned(source), expected);
    assert.equal(failsOnNull(source), expected.length > 0);
  });
}

const ATOMS = [
  ...['value.n > 3', 'value.n < 9', 'value.n != null', 'value.n == null', 'value.n == 3'],
  ...['value.m > 3', 'value.m != null', 'value.m == null', 'value.m in [5, 6]'],
  ...['value.t.size() > 1', 'value.t != null', 'value.t == "ab"', 'value.on', 'value.b == true'],
  ...['value.r != null', 'value.r.k == 1', '!value.b', 'value.b != null'],
];
const expression = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...ATOMS),
    fc
      .tuple(tie('any'), fc.constantFrom('&&', '||'), tie('any'))
      .map((all) => `(${all.join(' ')})`),
    tie('any').map((inner) => `!(${inner})`),
    fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
  ),
})).any;

test('property: what fails on null is warned of', () => {
  fc.assert(
    fc.property(expression, (source) => {
      if (failsOnNull(source)) assert.ok(warned(source).length > 0, source);
    }),
    { seed: SEED, numRuns: 300 },
  );
});
