/** Where verdicts settle: each is counted once, and told to whom it concerns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { Record as View } from '../core/record.ts';
import { deadLettered, dropped, HELD, PASSED, type StepCounts } from '../core/verdict.ts';
import { sliceOf } from '../test/kit/slices.ts';
import { Node, UndecodableError } from './node.ts';

function opened(listens = true) {
  const told: string[] = [];
  const node = new Node('stream', 'step', {
    deadLetter: ({ offset }, { code, why, stream, step }) =>
      told.push(`${code} ${stream}/${step} @${offset} ${why}`),
    onDrop: listens
      ? ({ topic, partition, offset }, stream, step, reason, by) =>
          told.push(`${stream}/${step} ${reason} ${topic}/${partition}@${offset} ×${by}`)
      : undefined,
  });
  const slice = sliceOf([{}], { topic: 't', partition: 2, baseOffset: 7 });
  return { node, told, record: new View(slice, 0) };
}

/** What is not 0. */
function shown(counts: StepCounts): { readonly [name: string]: unknown } {
  const of = Object.entries(counts).map(([name, n]) => [
    name,
    n instanceof Map ? Object.fromEntries(n) : n,
  ]);
  return Object.fromEntries(
    of.filter(([, n]) => n !== 0 && JSON.stringify(n) !== '{}') as [string, unknown][],
  );
}

type Act = (node: Node, record: Record) => void;
const acts: readonly [what: string, act: Act, counts: unknown, told: readonly string[]][] = [
  ['passed', (node, record) => node.settle(PASSED, record), { passed: 1 }, []],
  ['held', (node, record) => node.settle(HELD, record), { held: 1 }, []],
  [
    'dropped',
    (node, record) => node.settle(dropped('why'), record),
    { dropped: { why: 1 } },
    ['stream/step why t/2@7 ×1'],
  ],
  [
    'dead-lettered',
    (node, record) => node.settle(deadLettered('CAR520'), record),
    { deadLettered: { CAR520: 1 } },
    ['CAR520 stream/step @7 refused by the step'],
  ],
  [
    'dropped many times, for two reasons',
    (node, record) => {
      node.drop('a', record);
      node.drop('b', record, 3);
      node.drop('a', record);
    },
    { dropped: { a: 2, b: 3 } },
    ['stream/step a t/2@7 ×1', 'stream/step b t/2@7 ×3', 'stream/step a t/2@7 ×1'],
  ],
  ['passed by', (node) => node.passBy(), { dropped: { other_priority: 1 } }, []],
  [
    'refused',
    (node, record) => node.refuse(record, { code: 'CAR507', why: 'too large' }),
    { deadLettered: { CAR507: 1 } },
    ['CAR507 stream/step @7 too large'],
  ],
  [
    'failed',
    (node, record) => node.failed(record, new TypeError('broken')),
    { deadLettered: { CAR506: 1 } },
    ['CAR506 stream/step @7 broken'],
  ],
  [
    'failed with what is no error',
    (node, record) => node.failed(record, 7),
    { deadLettered: { CAR506: 1 } },
    ['CAR506 stream/step @7 7'],
  ],
  [
    'not decodable',
    (node, record) => node.failed(record, new UndecodableError('torn')),
    { deadLettered: { CAR503: 1 } },
    ['CAR503 stream/step @7 torn'],
  ],
  [
    'released as passed',
    (node, record) => {
      node.counts.held = 5;
      node.release(PASSED, 3, record);
    },
    { held: 2, passed: 3 },
    [],
  ],
  [
    'released as dropped',
    (node, record) => {
      node.counts.held = 5;
      node.release(dropped('old'), 5, record);
    },
    { dropped: { old: 5 } },
    ['stream/step old t/2@7 ×5'],
  ],
  [
    'counted',
    (node) => {
      node.count('x');
      node.count('x', 4);
      node.count('y', 2);
    },
    { counted: { x: 5, y: 2 } },
    [],
  ],
];
for (const [what, act, counts, told] of acts) {
  test(what, () => {
    const all = opened();
    act(all.node, all.record);
    assert.deepEqual(shown(all.node.counts), counts);
    assert.deepEqual(all.told, told);
    const deaf = opened(false);
    act(deaf.node, deaf.record);
    assert.deepEqual(shown(deaf.node.counts), counts, 'nobody listens');
  });
}

test('what is held cannot be released as held or dead-lettered', () => {
  const { node, record } = opened();
  for (const verdict of [HELD, deadLettered('CAR520')]) {
    assert.throws(() => node.release(verdict, 1, record), /step: what was held may be passed or/);
  }
});

const gaps: readonly [what: string, counts: Partial<StepCounts>, gap: number][] = [
  ['nothing', {}, 0],
  ['one is missing', { in: 1 }, 1],
  ['one is made up', { passed: 1 }, -1],
  ['restored and passed', { restored: 2, passed: 2, out: 9 }, 0],
  ['all ways', { in: 5, restored: 1, passed: 2, held: 1, dropped: new Map([['a', 3]]) }, 0],
  ['dead letters count', { in: 3, deadLettered: new Map([['CAR501', 2]]) }, 1],
];
for (const [what, counts, gap] of gaps) {
  test(`the law of conservation: ${what}`, () => {
    const { node } = opened();
    Object.assign(node.counts, counts);
    assert.equal(node.gap(), gap);
  });
}
