/** What is written out of the habit of another language: which words are told, and where. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CelCompiler } from './cel.ts';
import { shapeOf } from './shape.ts';

const SHAPE = shapeOf({
  type: 'record',
  name: 'Paid',
  namespace: 'test',
  fields: [
    { name: 'cents', type: 'long' },
    { name: 'shop', type: 'string' },
    {
      name: 'lines',
      type: {
        type: 'array',
        items: { type: 'record', name: 'Line', fields: [{ name: 'sku', type: 'string' }] },
      },
    },
  ],
});

const cel = new CelCompiler();

/** `what | mend`, with the part of the source that is pointed at in `^…^`. */
function told(source: string): readonly string[] {
  const result = cel.compile(source, SHAPE);
  if ('expression' in result) return [];
  return [result, ...result.others].map(({ what, mend, at }) => {
    const part = at === undefined ? '' : source.slice(at.start, at.end);
    return `^${part}^ ${what} ${mend ?? ''}`.trim();
  });
}

const ROWS: readonly (readonly [source: string, ...told: readonly string[]])[] = [
  ['value.cents > 200000'],
  ['value.cents > 2e5 || value.cents == 0xFF || value.cents == 1'],
  ['value.cents > 200_000', '^200_000^ CEL has no "200_000". write 200000.'],
  ['value.cents > 1 || value.cents > 200_000', '^200_000^ CEL has no "200_000". write 200000.'],
  ['value.cents > 1_000.5', '^1_000.5^ CEL has no "1_000.5". write 1000.5.'],
  [
    'value.cents > 1_000 && value.cents < 2_000_000',
    '^1_000^ CEL has no "1_000". write 1000.',
    '^2_000_000^ CEL has no "2_000_000". write 2000000.',
  ],
  [
    'timestamp > 10m',
    '^10m^ CEL has no "10m". a number has no unit: 10m is 600000, in milliseconds.',
  ],
  ['timestamp > 2h', '^2h^ CEL has no "2h". a number has no unit: 2h is 7200000, in milliseconds.'],
  [
    'timestamp > 1.5s',
    '^1.5s^ CEL has no "1.5s". a number has no unit: 1.5s is 1500, in milliseconds.',
  ],
  ['value.cents > 200k', '^200k^ CEL has no "200k". a number has no unit: write it whole.'],
  ['value.cents > 5KiB', '^5KiB^ CEL has no "5KiB". a number has no unit: write it whole.'],
  ['value.cents > 5n', '^5n^ CEL has no "5n". a number has no unit: write it whole.'],
  // Names and texts that have such parts are no numbers.
  ['value.shop == "200_000"'],
  // Types that CEL does not take together.
  [
    'value.cents / 100.0 > 2.0',
    '^value.cents / 100.0^ no such overload: int / double. Make both the same: double(value.a) / 2.5, or int(value.a) / 2.',
  ],
  [
    'value.cents + "x" == value.shop',
    '^value.cents + "x"^ no such overload: int + string. Make a text of the number: string(value.a) + "x".',
  ],
  [
    'value.lines > 0',
    '^value.lines > 0^ no such overload: list<Line> > int. How many there are is size(value.a).',
  ],
  [
    'value.lines.sku == "a"',
    "^sku^ list index must be int, got 'string'. It is a list: ask for one of its elements, list.exists(x, x.sku == 1), or take one, list[0].sku.",
  ],
  [
    'value.lines.len > 1',
    `^len^ list index must be int, got 'string'. did you mean "size"?   Functions: size, contains, startsWith, endsWith, indexOf, lastIndexOf, lowerAscii, upperAscii, substring, split, trim, join, exists, all, filter, map, has, string, int, double, bool, bytes, type.`,
  ],
  ['value.shop + true', '^value.shop + true^ no such overload: string + bool.'],
  // A field by its name in brackets.
  [
    'value["cent"] > 1',
    '^value["cent"]^ Paid has no field "cent". did you mean "cents"?   Its fields: cents, shop, lines.',
  ],
  // Two signs that are right are not told as one that is wrong.
  ['value.cents > 1 || value.cents >', '^^ unexpected token: EOF.'],
  ['value.cents > 1 && value.cents >', '^^ unexpected token: EOF.'],
  ['value.cents > 1 | value.cents > 3', '^|^ CEL has no "|". did you mean "||"?'],
  ['value.cents > 1 & value.cents > 3', '^&^ CEL has no "&". did you mean "&&"?'],
  ['value.cents > 1 ||| value.cents > 3', '^|||^ CEL has no "|||". did you mean "||"?'],
];

for (const [source, ...expected] of ROWS) {
  test(source, () => assert.deepEqual(told(source), expected));
}
