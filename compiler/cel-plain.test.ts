/** A path that is read as it lies gives what the library would give, be it an error. */
import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { CelCompiler } from './cel.ts';
import { shapeOf } from './shape.ts';

const INNER = { type: 'record', name: 'Inner', fields: [{ name: 'n', type: 'int' }] };
const SHAPE = shapeOf({
  type: 'record',
  name: 'Sample',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'whole', type: 'long' },
    { name: 'ratio', type: 'double' },
    { name: 'on', type: 'boolean' },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } },
    { name: 'inner', type: INNER },
  ],
});
const GOOD = { text: 'x', whole: 1, ratio: 0.5, on: true, kind: 'A', inner: { n: 1 } };
const FIELDS = Object.keys(GOOD);
const ODD = [
  ...[0, -0, 7, 1.5, Number.NaN, 2 ** 53, -(2 ** 53), 2n ** 60n, 3n, 'A', '', true, false, null],
  ...[undefined, [1], { n: 2 }, { n: 2n ** 60n }, { n: null }, {}],
];

function told(source: string, value: unknown): unknown {
  const compiled = new CelCompiler().compile(source, SHAPE);
  if (!('expression' in compiled)) throw new Error(`${source}: ${compiled.what}`);
  const record = { value, key: null, timestamp: 1_767_225_600_000 } as Record;
  try {
    return { gives: compiled.expression.evaluate(record) };
  } catch (error) {
    return { fails: (error as Error).message.split('\n')[0] };
  }
}

/** The library alone evaluates a list; that of one element is the element. */
function toldByLibrary(source: string, value: unknown): unknown {
  const list = told(`[${source}]`, value) as { readonly gives?: readonly unknown[] };
  return list.gives === undefined ? list : { gives: list.gives[0] };
}

for (const path of [...FIELDS.map((field) => `value.${field}`), 'value.inner.n']) {
  test(`${path} is what the library says`, () => {
    const [, field] = path.split('.') as [string, string];
    for (const odd of [GOOD[field as keyof typeof GOOD], ...ODD]) {
      const value = { ...GOOD, [field]: odd };
      deepEqual(told(path, value), toldByLibrary(path, value), `${field}: ${String(odd)}`);
    }
  });
}

test('key, timestamp, and a value that is none', () => {
  deepEqual(told('key', GOOD), { gives: '' });
  deepEqual(told('timestamp', GOOD), { gives: 1_767_225_600_000 });
  deepEqual(told('value.text', null), toldByLibrary('value.text', null));
});
