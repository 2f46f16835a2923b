import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GroupSpec } from '../../core/log.ts';
import type { Bounds, Committed } from './admin.ts';
import { markOf, withMarks } from './state-marks.ts';
import { type Found, inputStart, refuseLost, startOf } from './task-start.ts';

const SPEC: GroupSpec = {
  group: 'g',
  partitions: 2,
  inputs: ['in', 'in2'],
  tables: ['table'],
  stores: [{ store: 's', changelog: 'log' }],
  transactional: true,
  topologyHash: 'h',
};

interface World {
  readonly committed?: { readonly [topic: string]: readonly [offset: number, metadata?: string] };
  readonly bounds?: { readonly [topic: string]: readonly [low: number, end: number] };
  readonly ids?: { readonly [topic: string]: string };
}

async function* noRecords(): AsyncGenerator<readonly { readonly partition: number }[]> {}

/** Partition 1 of every topic is as the world says, partition 0 is empty. */
function worldOf({ committed = {}, bounds = {}, ids = {} }: World) {
  const of = (topic: string): Committed => {
    const [offset = -1, metadata = ''] = committed[topic] ?? [];
    return { offset, metadata };
  };
  const found = new Map(SPEC.inputs.map((topic) => [topic, of(topic)]));
  const admin = {
    async bounds(topic: string): Promise<readonly Bounds[]> {
      const [low, end] = bounds[topic] ?? [0, 0];
      return [
        { low: 0, end: 0 },
        { low, end },
      ];
    },
    committed: async () => found,
    committedAll: async () => new Map([[1, found]]),
  };
  const topics = {
    describe: async (names: readonly string[]) =>
      new Map(names.map((name) => [name, { partitions: 2, id: ids[name] ?? '' }])),
  };
  return { admin, topics };
}

async function start(world: World, remade: readonly string[] = []) {
  const said: string[] = [];
  const { admin, topics } = worldOf(world);
  const found = await startOf(admin, topics, SPEC, 1, new Set(remade), {
    missed: (topic, p, first, last) => void said.push(`missed ${topic}/${p} ${first}-${last}`),
    beyond: (topic, p, at, end) => void said.push(`beyond ${topic}/${p} ${at} ${end}`),
  });
  const at = (topic: string) => found.offsets.get(topic)!.offset;
  return { found, said, at };
}

describe('an input is read', () => {
  const table: readonly [what: string, number, [number, number], number, Found][] = [
    ['from its start when nothing is committed', -1, [3, 9], 3, 'new'],
    ['from its committed offset', 5, [3, 9], 5, 'kept'],
    ['from its committed offset, at the start', 3, [3, 9], 3, 'kept'],
    ['from its committed offset, at the end', 9, [3, 9], 9, 'kept'],
    ['from its start when retention has passed that', 2, [3, 9], 3, 'deleted'],
    ['from its start when it was made again', 12, [0, 9], 0, 'beyond'],
    ['from its end when it has lost its tail', 12, [3, 9], 9, 'beyond'],
    ['from its start when it was made again and is empty', 12, [0, 0], 0, 'beyond'],
  ];
  for (const [what, committed, [low, end], offset, found] of table) {
    test(what, () => assert.deepEqual(inputStart(committed, { low, end }), { offset, found }));
  }
});

describe('a task begins', () => {
  test('with tables and changelogs from their starts, inputs where they are', async () => {
    const { found, said, at } = await start({
      committed: { in: [7, 'm'] },
      bounds: { in: [2, 9], in2: [1, 4], table: [3, 8], log: [5, 6] },
    });
    assert.deepEqual(
      ['in', 'in2', 'table', 'log'].map((topic) => [at(topic), found.offsets.get(topic)!.end]),
      [
        [7, 9],
        [1, 4],
        [3, 8],
        [5, 6],
      ],
    );
    assert.deepEqual(said, []);
    assert.equal(found.committed.get('in')!.metadata, 'm');
  });

  test('telling which offsets it will not see', async () => {
    const { said, at } = await start({
      committed: { in: [10], in2: [40, 'done above'] },
      bounds: { in: [25, 90], in2: [0, 4] },
    });
    assert.deepEqual([at('in'), at('in2')], [25, 0]);
    assert.deepEqual(said, ['missed in/1 10-24', 'beyond in2/1 40 4']);
  });

  test('without what was noted for a topic that is another now', async () => {
    const world: World = {
      committed: { in: [3, 'a'], in2: [40, 'b'] },
      bounds: { in: [0, 9], in2: [0, 4] },
    };
    const { found, at } = await start(world, ['in']);
    assert.deepEqual([at('in'), at('in2')], [0, 0]);
    assert.deepEqual(
      [...found.committed.values()],
      [
        { offset: -1, metadata: '' },
        { offset: -1, metadata: '' },
      ],
    );
  });

  const marked = withMarks(new Map([[markOf('log'), 'id1']]), 'm');
  const gone: readonly [what: string, World, remade: string[], boolean][] = [
    [
      'its changelog is empty, its offsets say it was not',
      { committed: { in2: [4, marked] } },
      [],
      true,
    ],
    [
      'its changelog is another topic',
      { committed: { in: [4, marked] }, bounds: { log: [0, 5] }, ids: { log: 'id2' } },
      [],
      true,
    ],
    ['its changelog was made again before its eyes', { bounds: { log: [0, 5] } }, ['log'], true],
    [
      'all is well',
      { committed: { in: [4, marked] }, bounds: { log: [0, 5] }, ids: { log: 'id1' } },
      [],
      false,
    ],
    ['it never had rows', { committed: { in: [4] } }, [], false],
  ];
  for (const [what, world, remade, isGone] of gone) {
    test(`${isGone ? 'not at all when' : 'when'} ${what}`, async () => {
      const bounds = { in: [0, 9], in2: [0, 9], ...world.bounds } as const;
      const starting = start({ ...world, bounds }, remade);
      if (isGone) await assert.rejects(starting, { code: 'CAR630' });
      else await starting;
      if (remade.length > 0) return;
      const { admin, topics } = worldOf({ ...world, bounds });
      const opening = refuseLost(admin, topics, SPEC, noRecords);
      if (isGone) await assert.rejects(opening, { code: 'CAR630' }, 'before the member joins');
      else await opening;
    });
  }

  test('not when a topic has no such partition', async () => {
    const { admin, topics } = worldOf({});
    const notes = { missed() {}, beyond() {} };
    const starting = startOf(admin, topics, SPEC, 2, new Set(), notes);
    await assert.rejects(starting, { code: 'CAR642' });
  });
});

test('before it joins a member refuses lost rows only: who is away is met later', async () => {
  const { admin, topics } = worldOf({});
  const away = () => Promise.reject(new Error('away'));
  await refuseLost({ ...admin, committedAll: away }, topics, SPEC, noRecords);
  await refuseLost({ ...admin, committedAll: away }, topics, { ...SPEC, stores: [] }, noRecords);
});

describe('rows that a member which runs has just written are not gone', () => {
  const rows: readonly { what: string; answers: readonly Bounds[]; gone: boolean }[] = [
    {
      what: 'the end of its transaction has not come to them yet',
      answers: [{ low: 0, end: 0, written: 7 }],
      gone: false,
    },
    {
      what: 'a leader that was stopped tells an old end at first',
      answers: [
        { low: 0, end: 0, written: 0 },
        { low: 0, end: 7, written: 7 },
      ],
      gone: false,
    },
    { what: 'nothing was ever written', answers: [{ low: 0, end: 0, written: 0 }], gone: true },
  ];
  for (const { what, answers, gone } of rows) {
    test(what, async () => {
      const metadata = withMarks(new Map([[markOf('log'), '']]), '', new Map());
      const { admin, topics } = worldOf({ committed: { in: [3, metadata] } });
      let asked = 0;
      const bounds = async () => {
        const now = answers[Math.min(asked++, answers.length - 1)]!;
        return [now, now];
      };
      const staleMs = answers.length > 1 ? 5_000 : 0;
      const opening = refuseLost({ ...admin, bounds, staleMs }, topics, SPEC, noRecords);
      if (gone) await assert.rejects(opening, { code: 'CAR630' });
      else await opening;
    });
  }
});

describe('rows without any position', () => {
  const rows: readonly {
    what: string;
    committed: World['committed'] & object;
    end: number;
    /** Partitions of the committed records in the changelog. */
    records: readonly number[];
    refused: boolean;
  }[] = [
    { what: 'are refused', committed: {}, end: 5, records: [0, 1], refused: true },
    { what: 'of another task are its own', committed: {}, end: 5, records: [0], refused: false },
    { what: 'that were aborted are none', committed: {}, end: 5, records: [], refused: false },
    { what: 'are not looked for in vain', committed: {}, end: 0, records: [1], refused: false },
    {
      what: 'but a position in one of the inputs: the others are new',
      committed: { in2: [0] },
      end: 5,
      records: [1],
      refused: false,
    },
  ];
  for (const { what, committed, end, records, refused } of rows) {
    test(what, async () => {
      const { admin, topics } = worldOf({ committed, bounds: { log: [0, end] } });
      const asked: string[] = [];
      async function* read(topic: string) {
        asked.push(topic);
        for (const partition of records) yield [{ partition }];
      }
      const opening = refuseLost(admin, topics, SPEC, read);
      if (refused) await assert.rejects(opening, { code: 'CAR635', where: { at: 'g/1' } });
      else await opening;
      assert.deepEqual(asked, end === 0 || 'in2' in committed ? [] : ['log']);
    });
  }

  test('who is away is met later', async () => {
    const { admin, topics } = worldOf({ bounds: { log: [0, 5] } });
    const read = () => ({ [Symbol.asyncIterator]: () => assert.fail('away') });
    await refuseLost(admin, topics, SPEC, read);
  });
});

describe('an end before what is committed', () => {
  /** A leader that learns at its third answer that it was behind. */
  async function startWith(staleMs: number, changelogEnd: number) {
    const metadata = withMarks(
      new Map([[markOf('c'), '']]),
      'm',
      new Map([[markOf('c'), changelogEnd]]),
    );
    const { admin, topics } = worldOf({ committed: { in: [20, metadata] } });
    const asked = new Map<string, number>();
    const bounds = async (topic: string): Promise<readonly Bounds[]> => {
      const times = (asked.get(topic) ?? 0) + 1;
      asked.set(topic, times);
      return [
        { low: 0, end: 0 },
        { low: 0, end: times < 3 ? 9 : 30 },
      ];
    };
    const said: string[] = [];
    const notes = {
      missed() {},
      beyond: (topic: string, _: number, at: number, end: number) =>
        void said.push(`${topic} ${at} ${end}`),
    };
    const spec = { ...SPEC, inputs: ['in'], stores: [{ store: 's', changelog: 'c' }] };
    const stale = { ...admin, bounds, staleMs };
    const found = await startOf(stale, topics, spec, 1, new Set(), notes);
    return { found, said };
  }

  test('is doubted for a while, of inputs and of changelogs', async () => {
    const { found, said } = await startWith(5_000, 25);
    assert.equal(found.offsets.get('in')!.offset, 20);
    assert.equal(found.offsets.get('c')!.end, 30);
    assert.deepEqual(said, []);
  });

  test('is believed in the end, and told', async () => {
    const { found, said } = await startWith(0, 25);
    assert.equal(found.offsets.get('in')!.offset, 0);
    assert.equal(found.offsets.get('c')!.end, 9);
    assert.deepEqual(said.sort(), ['c 25 9', 'in 20 9']);
  });
});
