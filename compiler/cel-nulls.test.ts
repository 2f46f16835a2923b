/**
 * What is warned of null and of types is what fails on them: each expression is made from parts by
 * chance, warned of, and evaluated on records in which every field is null or of any of its types.
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
    { name: 'u', type: ['long', 'string'] },
    { name: 'w', type: ['null', 'double', 'string', 'boolean'] },
    { name: 'x', type: ['null', 'int', 'long'] },
    { name: 'c', type: ['string', { type: 'map', values: 'int' }] },
    { name: 's', type: { type: 'array', items: ['null', 'int'] } },
    { name: 'd', type: ['null', 'double'] },
    { name: 'p', type: { type: 'map', values: 'int' } },
    { name: 'q', type: ['null', { type: 'map', values: ['null', 'int'] }] },
    { name: 'key', type: 'string' },
  ],
});
/** Each field with what it may be. */
const VALUES: { readonly [field: string]: readonly unknown[] } = {
  n: [3, 30, 0, null],
  m: [5, null],
  t: ['ab', null],
  b: [true, false, null],
  l: [['x'], null],
  r: [{ k: 1 }, null],
  on: [true, false],
  u: [4, 'ab'],
  w: [2, 2.5, 'ab', true, null],
  x: [{ int: 4 }, { long: 4 }, null],
  c: ['ab', { a: 1 }],
  s: [[4], [null]],
  d: [2.5, 2, null],
  p: [{ a: 1, 'b c': 2 }, { a: 1 }, { 'b c': 2, z: 1 }, {}],
  q: [{ a: 1 }, { a: null }, {}, null],
  key: ['a', 'z'],
};

function warned(source: string): string[] {
  const compiled = new CelCompiler().compile(source, SHAPE);
  assert.ok('expression' in compiled, `${source}: ${JSON.stringify(compiled)}`);
  return compiled.warnings.map(({ what }) => /^(?:has\()?(?:value\.)?([\w.[\]"]+)/.exec(what)![1]!);
}

/** What it gives on all records, but those on which it fails, and whether there are such. */
function given(source: string): { readonly results: ReadonlySet<unknown>; fails: boolean } {
  const results = new Set<unknown>();
  return { results, fails: throws(source, (result) => results.add(result)) };
}

/** True: it throws on some record. */
function fails(source: string): boolean {
  return given(source).fails;
}

function throws(source: string, each: (result: unknown) => void): boolean {
  const compiled = new CelCompiler().compile(source, SHAPE);
  assert.ok('expression' in compiled);
  const read = Object.keys(VALUES).filter((field) => source.includes(`value.${field}`));
  const value = Object.fromEntries(
    Object.entries(VALUES).map(([field, [first]]) => [field, first]),
  );
  const throwsFrom = (i: number): boolean => {
    const field = read[i];
    if (field === undefined) {
      try {
        each(compiled.expression.evaluate({ value, key: 'k', timestamp: 0 } as Record));
        return false;
      } catch {
        return true;
      }
    }
    let found = false;
    for (const one of VALUES[field]!) {
      value[field] = one;
      found = throwsFrom(i + 1) || found;
    }
    return found;
  };
  return throwsFrom(0);
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
  ['value.u > 3', 'u'],
  ['"a" < value.u', 'u'],
  ['value.u + 1 == 4', 'u'],
  ['value.u.startsWith("a")', 'u'],
  ['size(value.u) > 1', 'u'],
  ['-value.u < 0', 'u'],
  ['int(value.w) > 1', 'w'],
  ['value.w > 1', 'w'],
  ['value.w && value.on', 'w'],
  ['value.w ? true : false', 'w'],
  ['!value.w', 'w'],
  ['value.w + 1.5 > 2.0', 'w'],
  ['value.x["int"] == 4', 'x'],
  ['value.x != null && value.x["int"] > 3', 'x'],
  ['value.c.a == 1', 'c'],
  ['value.c["a"] == 1', 'c'],
  ['"a" in value.c', 'c'],
  ['value.s.exists(one, one > 3)', 'one'],
  ['value.s.all(one, one != null && one > 3)'],
  ['value.s[0] > 3', 's[0]'],
  ['value.s[0] != null && value.s[0] > 3'],
  ['value.s[0] == null || value.s[0] > 3'],
  ['value.d + 1.5 > 2.0', 'd'],
  ['value.u == 4'],
  ['value.u != "ab"'],
  ['value.u in [4, 5]'],
  ['string(value.u) == "4"'],
  ['type(value.u) == int && value.u > 3'],
  ['value.u > 3 && type(value.u) == int'],
  ['type(value.u) == string || value.u > 3'],
  ['type(value.u) != int || value.u > 3'],
  ['type(value.u) == type(1) && value.u > 3'],
  ['type(value.u) == string ? value.u.size() > 1 : value.u > 3'],
  ['type(value.w) == string && value.w.size() > 1'],
  ['type(value.w) == bool && value.w'],
  ['type(value.w) == null_type || type(value.w) == string'],
  ['type(value.w) == double && value.w > 1.5'],
  ['value.u == 4 && value.u > 3'],
  ['value.u in ["ab"] && value.u.size() > 1'],
  ['value.x != null && "int" in value.x && value.x["int"] > 3'],
  ['has(value.c.a) && value.c.a == 1'],
  ['type(value.c) == map && "a" in value.c && value.c["a"] == 1'],
  ['value.p["a"] == 1', 'p'],
  ['value.p.a == 1', 'p'],
  ['value.p["b c"] == 1 || value.on', 'p'],
  ['value.p[value.key] == 1', 'p'],
  ['"b c" in value.p && value.p["a"] == 1', 'p'],
  ['!("a" in value.p) && value.p["a"] == 1', 'p'],
  ['"a" in value.p || value.p["a"] == 1', 'p'],
  ['value.key in value.p && value.p["a"] == 1', 'p'],
  ['value.q["a"] == 1', 'q'],
  ['value.q != null && value.q["a"] == 1', 'q'],
  ['value.q != null && "a" in value.q && value.q["a"] > 0', 'q["a"]'],
  ['value.p.exists(k, value.p["a"] == 1)', 'p'],
  ['"a" in value.p && value.p["a"] == 1'],
  ['value.p["a"] == 1 && "a" in value.p'],
  ['has(value.p.a) && value.p.a == 1'],
  ['has(value.p.a) && value.p["a"] == 1'],
  ['"a" in value.p ? value.p.a == 1 : false'],
  ['!("b c" in value.p) || value.p["b c"] == 2'],
  ['value.key in value.p && value.p[value.key] == 1'],
  ['value.p.exists(k, value.p[k] == 1)'],
  ['value.q != null && "a" in value.q && value.q["a"] == 1'],
  ['value.q != null && "a" in value.q && value.q["a"] != null && value.q["a"] > 0'],
];
for (const [source, ...expected] of rows) {
  test(`${source} is warned of ${expected.join(', ') || 'nothing'}, as it fails`, () => {
    assert.deepEqual(warned(source), expected);
    assert.equal(fails(source), expected.length > 0);
  });
}

/** What fails whatever a record has is no warning: the part, and what it stands in. */
const never: readonly [source: string, ...refused: readonly string[]][] = [
  ['value.n.startsWith("a")', 'value.n.startsWith("a")'],
  ['value.t + 1 == "a1"', 'value.t + 1'],
  ['!value.t', 'value.t'],
  ['value.on && value.t', 'value.t'],
  ['value.t ? value.on : false', 'value.t'],
  ['-value.t == 3', '-value.t'],
  ['value.t[0] == "a"', 'value.t[0]'],
  ['value.m.k == 1', 'value.m.k'],
  ['size(value.m) == 1', 'size(value.m)'],
  ['value.n > 3 && value.m.size() > 1', 'value.m.size()'],
  ['value.x + 1 == 3', 'value.x + 1'],
  ['value.u.nope()', 'value.u.nope()'],
  ['type(value.u) == int && value.u.startsWith("a")', 'value.u.startsWith("a")'],
  ['type(value.w) == string && value.w > 1', 'value.w > 1'],
  ['type(value.w) == string ? value.w > 1 : value.on', 'value.w > 1'],
  ['value.s.exists(one, one.startsWith("a"))', 'one.startsWith("a")'],
  ['value.t + 1 == "a" || value.m.size() > 1', 'value.t + 1', 'value.m.size()'],
  ['value.no == 1 && value.t + 1 == "a"', 'no', 'value.t + 1'],
  ['value.on / 0 == 1 && value.t + value.no == "a"', 'value.on / 0', 'no'],
];
for (const [source, ...parts] of never) {
  test(`${source} is refused, as it never works`, () => {
    const compiled = new CelCompiler().compile(source, SHAPE);
    assert.ok('code' in compiled, source);
    const told = [compiled, ...compiled.others].map(({ at }) => source.slice(at?.start, at?.end));
    assert.deepEqual(told, parts);
  });
}

const ATOMS = [
  ...['value.n > 3', 'value.n < 9', 'value.n != null', 'value.n == null', 'value.n == 3'],
  ...['value.m > 3', 'value.m != null', 'value.m == null', 'value.m in [5, 6]'],
  ...['value.t.size() > 1', 'value.t != null', 'value.t == "ab"', 'value.on', 'value.b == true'],
  ...['type(value.u) == int', 'value.u > 3', 'value.u.size() > 1', 'value.u == "ab"'],
  ...['type(value.w) == string', 'value.w > 1', 'value.w == null', 'value.w.size() > 1'],
  ...['value.r != null', 'value.r.k == 1', '!value.b', 'value.b != null'],
  ...['value.p.a == 1', '"a" in value.p', 'value.p["z"] == 1', 'has(value.p.z)'],
  ...['value.p[value.key] == 1', 'value.key in value.p', 'value.q["a"] > 0', 'value.q != null'],
];
const expressionOf = (atoms: readonly string[]) =>
  fc.letrec<{ any: string }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(...atoms),
      fc
        .tuple(tie('any'), fc.constantFrom('&&', '||'), tie('any'))
        .map((all) => `(${all.join(' ')})`),
      tie('any').map((inner) => `!(${inner})`),
      fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    ),
  })).any;
const expression = expressionOf(ATOMS);
/** Few paths, compared in many ways: much of this cannot be. */
const COMPARED = [
  ...['value.n > 3', 'value.n < 3', '3 >= value.n', 'value.n == 3', 'value.n != 3'],
  ...['value.n in [3, 4]', 'value.n == null', 'value.n > 2.5', 'value.n < value.m'],
  ...['value.n >= value.m', 'value.t == "ab"', 'value.t != "ab"', 'value.t.startsWith("a")'],
  ...['value.t.startsWith("b")', 'value.t.size() > 2', 'value.on', 'value.on == false'],
];

test('property: what fails on null or on a type is warned of', () => {
  fc.assert(
    fc.property(expression, (source) => {
      // It never works, which is told as an error.
      if ('code' in new CelCompiler().compile(source, SHAPE)) return;
      if (fails(source)) assert.ok(warned(source).length > 0, source);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('property: what is said to be always the same is, where it does not fail', () => {
  let constants = 0;
  fc.assert(
    fc.property(expressionOf(COMPARED), (source) => {
      const compiled = new CelCompiler().compile(source, SHAPE);
      if ('code' in compiled || typeof compiled.constant !== 'boolean') return;
      constants++;
      const { results } = given(source);
      assert.ok(!results.has(!compiled.constant), `${source} is not always ${compiled.constant}`);
    }),
    { seed: SEED, numRuns: 800 },
  );
  assert.ok(constants > 20, String(constants));
});
