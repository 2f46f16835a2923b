/** Which record goes next where inputs are joined, told by their times (semantics S3, S4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogBatch, TaskPort } from '../../core/log.ts';
import { Slice } from '../../core/slice.ts';
import { batchOf } from '../../test/kit/slices.ts';
import { Input } from './input.ts';
import { OrderedInputs } from './ordered-inputs.ts';

/**
 * Times of an input's records, batches apart; `…` at the end: more lies in the log than is there.
 */
function turns(times: { readonly [topic: string]: string }): string[] {
  const told: string[] = [];
  const inputs = Object.entries(times).map(([topic, text]) => {
    const given = text
      .replace('…', '')
      .split('|')
      .map((batch) => batch.trim().split(/\s+/).filter(Boolean).map(Number))
      .filter((batch) => batch.length > 0)
      .map(
        (batch): LogBatch =>
          batchOf(
            batch.map((timestamp) => ({ key: 'k', timestamp })),
            { topic },
          ),
      );
    const port = {
      take: () => given.shift(),
      isAtEnd: () => !text.endsWith('…') && given.length === 0,
    } as unknown as TaskPort;
    const slice = new Slice(0);
    const reader = {
      slice,
      stream: slice,
      missingSchema: () => -1,
      timeOf: (i: number) => slice.timestamp[i]!,
      run() {
        const { selection, selected, timestamp } = slice;
        const run = Array.from({ length: selected }, (_, j) => timestamp[selection[j]!]);
        told.push(`${topic} ${run.join(' ')}`);
      },
    };
    return new Input(topic, port, [reader], () => {});
  });
  const ordered = new OrderedInputs(inputs);
  while (ordered.run(0) !== undefined);
  return told;
}

const CASES: readonly [string, { readonly [topic: string]: string }, readonly string[]][] = [
  ['one alone runs as it comes', { a: '1 5 3 | 2' }, ['a 1 5 3', 'a 2']],
  [
    'the earliest head goes first',
    { a: '1 4 9', b: '2 3 5' },
    ['a 1', 'b 2 3', 'a 4', 'b 5', 'a 9'],
  ],
  [
    'of equal times the first input, as many as there are',
    { a: '5 5 6', b: '5 5 6' },
    ['a 5 5', 'b 5 5', 'a 6', 'b 6'],
  ],
  [
    'whatever the batches',
    { a: '1 | 4 | 9', b: '2 | 3 5' },
    ['a 1', 'b 2', 'b 3', 'a 4', 'b 5', 'a 9'],
  ],
  ['inside an input the order is that of offsets', { a: '9 1 2', b: '5 6' }, ['b 5 6', 'a 9 1 2']],
  [
    'a record that goes back takes its turn when it is the head',
    { a: '3 8 1 9', b: '4 5' },
    ['a 3', 'b 4 5', 'a 8 1 9'],
  ],
  ['an empty input at its end holds nobody', { a: '1 2', b: '' }, ['a 1 2']],
  ['an empty input with more in the log holds all', { a: '1 2', b: '…' }, []],
  [
    'what stands before its last record is run',
    { a: '1 4 9', b: '2 5…' },
    ['a 1', 'b 2', 'a 4', 'b 5'],
  ],
  ['three', { a: '2 6', b: '1 7', c: '2 3' }, ['b 1', 'a 2', 'c 2 3', 'a 6', 'b 7']],
];

for (const [what, times, expected] of CASES) {
  test(what, () => assert.deepEqual(turns(times), expected));
}
