/** What a source admits, and what it makes of the rest: schema, key, time, id, priority. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourcePlan, StreamPlan } from '../../compiler/plan.ts';
import { partitionOfText } from '../../core/partition.ts';
import { Record } from '../../core/record.ts';
import { Driven, lanesWith, planChange, planChanges, START_MS } from '../../test/kit/drive.ts';
import { type Origin, type Row, sliceOf } from '../../test/kit/slices.ts';
import { partsOf } from '../../test/kit/task-parts.ts';
import { Reading } from './reading.ts';
import { Source } from './source.ts';

const [CRITICAL, HIGH, NORMAL] = [0, 1, 2];
const PATHS = ['value.changedAt', 'value.eventId', 'value.memberId'];
const MINUTE_MS = 60_000;

interface Of {
  readonly rule?: string;
  readonly from?: Partial<SourcePlan>;
  readonly priority?: number;
  readonly partitions?: number;
  /** Columns of the fields are filled; otherwise every value is decoded. */
  readonly locates?: boolean;
}

async function opened(of: Of = {}) {
  const { rule = '{ as: normal }', priority = NORMAL, partitions = 1, locates = true } = of;
  const driven = await Driven.open(lanesWith(planChanges({ name: 'pc', priority: rule })));
  const made = driven.plan.subTopologies.flatMap(({ streams }) => streams)[0] as StreamPlan;
  const source = { ...made.source, maxFutureMs: 10 * MINUTE_MS, ...of.from };
  for (const reader of [source.time, source.id, source.member]) {
    if (reader !== null) reader.column = locates ? PATHS.indexOf(reader.path) : -1;
  }
  const { parts, told } = partsOf(driven, partitions);
  const projection = { schema: 'PlanChange' };
  const reading = new Reading(driven.schemas, projection, locates ? PATHS : []);
  const node = new Source({ ...made, source }, priority, reading, partitions, parts);
  const encoder = driven.schemas.encoder('PlanChange');
  const encoded = (more: object = {}) => encoder.toBuffer(planChange('e', 'm', more as never));
  const admit = (rows: readonly Row[], origin: Origin = {}) => {
    const slice = sliceOf(rows, { fields: locates ? PATHS.length : 0, ...origin });
    slice.clockMs = START_MS;
    node.admit(slice);
    return Array.from({ length: slice.selected }, (_, j) => new Record(slice, slice.selection[j]!));
  };
  const counts = () => {
    const { in: n, passed, out, dropped } = node.node.counts;
    assert.equal(node.node.gap(), 0);
    return [n, passed, out, dropped.get('other_priority') ?? 0];
  };
  return { admit, told, counts, value: encoded };
}

type Opened = Awaited<ReturnType<typeof opened>>;
interface Case {
  readonly what: string;
  readonly row: (of: Opened) => Row;
  /** Undefined: it is admitted. */
  readonly refused?: string;
  readonly of?: Of;
  /** What is seen of an admitted record. */
  readonly sees?: Partial<{ timestamp: number; eventId: string; priority: number; key: string }>;
}

const at = (ms: number) => ({ changedAt: START_MS + ms });
const TEN = 10 * MINUTE_MS;
const cases: readonly Case[] = [
  {
    what: 'a good one',
    row: ({ value }) => ({ key: 'm', value: value(at(-5)) }),
    sees: { timestamp: START_MS - 5, eventId: 'e', priority: NORMAL, key: 'm' },
  },
  {
    what: 'a tombstone',
    row: () => ({ key: 'm', value: null }),
    refused: 'CAR509 the value is null',
  },
  {
    what: 'no header',
    row: () => ({ key: 'm', value: Buffer.from([0, 0, 0, 1]) }),
    refused: 'CAR501 no magic byte 0 and schema id',
  },
  {
    what: 'an unknown schema',
    row: () => ({ key: 'm', value: Buffer.from([0, 0, 9, 9, 9, 1]) }),
    refused: 'CAR502 schema id 592137 is not known',
  },
  {
    what: 'a torn value',
    row: ({ value }) => ({ key: 'm', value: value().subarray(0, 9) }),
    refused: 'CAR503 ',
  },
  { what: 'no key', row: ({ value }) => ({ value: value() }), refused: 'CAR505 the key is null' },
  {
    what: 'another member',
    row: ({ value }) => ({ key: 'n', value: value() }),
    refused: 'CAR505 the key is not value.memberId',
  },
  {
    what: 'a member that only begins like it',
    row: ({ value }) => ({ key: 'm', value: value({ memberId: 'mm' }) }),
    refused: 'CAR505 the key is not value.memberId',
  },
  {
    what: 'a member that ends differently',
    row: ({ value }) => ({ key: 'member-1', value: value({ memberId: 'member-2' }) }),
    refused: 'CAR505 the key is not value.memberId',
  },
  {
    what: 'any key, where none is checked',
    row: ({ value }) => ({ key: 'n', value: value() }),
    of: { from: { member: null } },
    sees: { key: 'n' },
  },
  {
    what: 'before 1970',
    row: ({ value }) => ({ key: 'm', value: value({ changedAt: -1 }) }),
    refused: 'CAR508 the time is negative',
  },
  { what: 'at 1970', row: ({ value }) => ({ key: 'm', value: value({ changedAt: 0 }) }) },
  {
    what: 'as far ahead as may be',
    row: ({ value }) => ({ key: 'm', value: value(at(TEN)) }),
    sees: { timestamp: START_MS + TEN },
  },
  {
    what: 'farther ahead',
    row: ({ value }) => ({ key: 'm', value: value(at(TEN + 1)) }),
    refused: 'CAR508 the time is 10m in the future',
  },
  {
    what: 'by the log’s time, where none is named',
    row: ({ value }) => ({ key: 'm', value: value(at(TEN + 1)), timestamp: START_MS + 3 }),
    of: { from: { time: null } },
    sees: { timestamp: START_MS + 3 },
  },
  {
    what: 'by the log’s time, and ahead',
    row: ({ value }) => ({ key: 'm', value: value(), timestamp: START_MS + TEN + 1 }),
    of: { from: { time: null } },
    refused: 'CAR508 the time is 10m in the future',
  },
  {
    what: 'a time that is none',
    row: ({ value }) => ({ key: 'm', value: value() }),
    of: {
      from: { time: { path: 'value.x', column: -1, read: (of) => (of.offset === 0 ? 'noon' : 0) } },
    },
    refused: 'CAR508 value.x is not a time',
  },
  {
    what: 'without an id of its own',
    row: ({ value }) => ({ key: 'm', value: value() }),
    of: { from: { id: null } },
    sees: { eventId: 'events/0/0' },
  },
  {
    what: 'an id that is empty, where it lies',
    row: ({ value }) => ({ key: 'm', value: value({ eventId: '' }) }),
    sees: { eventId: 'events/0/0' },
  },
  ...[null, undefined, ''].map((none) => ({
    what: `an id that is ${none === '' ? 'empty' : none}`,
    row: ({ value }: Opened) => ({ key: 'm', value: value() }),
    of: { from: { id: { path: 'value.x', column: -1, read: () => none } } },
    sees: { eventId: 'events/0/0' },
  })),
  {
    what: 'an id that is a number',
    row: ({ value }) => ({ key: 'm', value: value() }),
    of: { from: { id: { path: 'value.x', column: -1, read: () => 70 } } },
    sees: { eventId: '70' },
  },
];
for (const locates of [true, false]) {
  for (const { what, row, refused, of, sees } of cases) {
    test(`${locates ? 'located' : 'decoded'}: ${what}`, async () => {
      const all = await opened({ ...of, locates });
      const good = { key: 'm', value: all.value({ eventId: 'good' }), timestamp: START_MS };
      const logged = row(all);
      const admitted = all.admit([logged, good]);
      assert.equal(admitted.at(-1)!.offset, 1, 'the next one is admitted');
      assert.equal(admitted.length, refused === undefined ? 2 : 1);
      if (refused === undefined) {
        const seen = admitted[0] as unknown as { readonly [name: string]: unknown };
        for (const [name, is] of Object.entries(sees ?? {})) assert.equal(seen[name], is, name);
        assert.deepEqual(all.told, []);
        assert.deepEqual(all.counts(), [2, 2, 2, 0]);
        return;
      }
      const [code, ...why] = refused.split(' ');
      assert.equal(all.told.length, 1);
      assert.ok(all.told[0]!.startsWith(`${code} pc/source @0 ${why.join(' ')}`), all.told[0]);
      assert.deepEqual(all.counts(), [2, 1, 1, 0]);
    });
  }
}

test('a time that is refused is not set: the letter keeps the log’s', async () => {
  const { admit, value } = await opened();
  const rows = [{ key: 'm', value: value(at(TEN + 1)), timestamp: START_MS - 9 }];
  const slice = { record: null as Record | null };
  admit(rows).forEach((record) => {
    slice.record = record;
  });
  assert.equal(slice.record, null);
});

test('a record on another partition than its key’s is refused, where there are several', async () => {
  const partitions = 3;
  for (const memberId of ['m-0', 'm-1', 'm-2', 'm-3', 'm-4', 'm-5']) {
    const own = partitionOfText(memberId, partitions);
    for (let partition = 0; partition < partitions; partition++) {
      const { admit, told, value } = await opened({ partitions });
      const isOwn = partition === own;
      const rows = [{ key: memberId, value: value({ memberId }) }];
      assert.equal(admit(rows, { partition }).length, isOwn ? 1 : 0);
      const why = `CAR504 pc/source @0 the key belongs to partition ${own} of ${partitions}`;
      assert.deepEqual(told, isOwn ? [] : [why]);
    }
  }
  const unchecked = await opened({ partitions: 0 });
  const rows = [{ key: 'm', value: unchecked.value() }];
  assert.equal(unchecked.admit(rows, { partition: 9 }).length, 1);
});

const RULE =
  '{ as: normal, unless: [{ when: value.streamsMax == 1, as: critical }, ' +
  "{ when: '100 / value.streamsMax > 10', as: high }] }";
/** Which priority admits it; the others pass it by. */
const ruled: readonly [what: string, streamsMax: number, admits: number][] = [
  ['the rule’s own', 50, NORMAL],
  ['the first exception that holds wins', 1, CRITICAL],
  ['the second exception', 2, HIGH],
];
for (const [what, streamsMax, admits] of ruled) {
  test(`priority: ${what}`, async () => {
    for (const priority of [CRITICAL, HIGH, NORMAL]) {
      const { admit, told, counts, value } = await opened({ rule: RULE, priority });
      const admitted = admit([{ key: 'm', value: value({ streamsMax }) }]);
      const n = priority === admits ? 1 : 0;
      assert.deepEqual(
        admitted.map((record) => record.priority),
        n === 1 ? [priority] : [],
      );
      assert.deepEqual(counts(), [1, n, n, 1 - n]);
      assert.deepEqual(told, []);
    }
  });
}

test('priority: a rule that fails on a record refuses it, in the rule’s own priority', async () => {
  for (const priority of [CRITICAL, NORMAL]) {
    const { admit, told, counts, value } = await opened({ rule: RULE, priority });
    assert.deepEqual(admit([{ key: 'm', value: value({ streamsMax: 0 }) }]), []);
    const own = priority === NORMAL;
    assert.deepEqual(counts(), [1, 0, 0, own ? 0 : 1]);
    assert.equal(told.length, own ? 1 : 0);
    if (own) assert.match(told[0]!, /^CAR506 pc\/source @0 the priority rule: ./);
  }
});

test('poison is the dead letter of the rule’s own priority, the others pass it by', async () => {
  for (const priority of [NORMAL, CRITICAL]) {
    const { admit, told, counts } = await opened({ rule: RULE, priority });
    assert.deepEqual(admit([{ key: 'm', value: null }]), []);
    assert.equal(told.length, priority === NORMAL ? 1 : 0);
    assert.deepEqual(counts(), [1, 0, 0, priority === NORMAL ? 0 : 1]);
  }
});

test('only what is selected is looked at', async () => {
  const { admit, counts } = await opened();
  admit([]);
  assert.deepEqual(counts(), [0, 0, 0, 0]);
});
