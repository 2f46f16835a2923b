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
