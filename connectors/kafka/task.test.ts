/** A task against a feed of its own; no broker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GroupSpec, LogBatch, TaskHost } from '../../core/log.ts';
import { readBatch } from '../../core/record-batch.ts';
import { numberedBatch } from '../../test/kit/log-batches.ts';
import { silent } from './client.ts';
import { emptyBatch } from './fetched.ts';
import { QUEUE_BATCHES_MAX } from './input-queue.ts';
import { readMarks, StateMarks } from './state-marks.ts';
import { KafkaTask, type TaskParts } from './task.ts';
import type { Start } from './task-start.ts';

const SPEC: GroupSpec = {
  group: 'g',
  partitions: 4,
  inputs: ['in'],
  tables: ['table'],
  stores: [{ store: 's', changelog: 'changelog' }],
  transactional: true,
  topologyHash: 'h',
};
const P = 2;

/** A task of partition 2, and what it did, in order. */
function taskOf(
  starts: { readonly [topic: string]: Start },
  onWake: () => void = () => {},
  more: Partial<TaskParts> & Pick<TaskHost, 'snapshot'> = {},
) {
  const said: string[] = [];
  const flowing = new Set<string>();
  const failed: Error[] = [];
  const task = new KafkaTask({
    partition: P,
    spec: SPEC,
    feed: {
      seek: (topic: string, _: number, offset: number) => void said.push(`${topic}@${offset}`),
      pause: (topic: string) => void flowing.delete(topic),
      resume: (topic: string) => void flowing.add(topic),
    },
    unit: { commit: async () => {} },
    start: {
      offsets: new Map(Object.entries(starts)),
      committed: new Map([['in', { offset: 5, metadata: 'm' }]]),
      marks: new StateMarks(
        ['changelog'],
        new Map(),
        new Map([['changelog', 'id']]),
        new Map([['changelog', starts.changelog?.end ?? 0]]),
      ),
    },
    ...more,
    logger: silent,
    failed: (_, error) => void failed.push(error),
  });
  const keys = (batch: LogBatch) => readBatch(batch).map((record) => record.key);
  const host: TaskHost = {
    restore: (store, batch) => void said.push(`${store} ${keys(batch)}`),
    table: (topic, batch) => void said.push(`${topic} ${keys(batch)}`),
    ready: () => void said.push('ready'),
    wake: () => {
      said.push('wake');
      onWake();
    },
    close: async (why) => void said.push(why),
    ...(more.snapshot && { snapshot: more.snapshot }),
  };
  return {
    task,
    flowing,
    failed,
    open: () => task.open({ open: () => host }),
    said: () => said.splice(0).join(', '),
    fetch: (topic: string, from: number, count: number, next?: number) =>
      task.fetched(numberedBatch(topic, P, from, count, next)),
  };
}

const NOTHING = {
  in: { offset: 5, end: 5 },
  table: { offset: 0, end: 0 },
  changelog: { offset: 0, end: 0 },
};

describe('a task', () => {
  test('restores its changelog and tables to their ends, then its inputs flow', () => {
    const { task, open, said, flowing, fetch } = taskOf({
      in: { offset: 5, end: 9 },
      table: { offset: 1, end: 3 },
      changelog: { offset: 0, end: 4 },
    });
    open();
    assert.equal(said(), 'in@5, table@1, changelog@0');
    assert.deepEqual([...flowing].sort(), ['changelog', 'table']);
    assert.equal(task.position('in'), undefined);
    fetch('table', 1, 2);
    fetch('changelog', 0, 1);
    assert.equal(said(), 'table k1,k2, s k0');
    // The end is markers and aborted records only.
    task.fetched(emptyBatch('changelog', P, 1, 4));
    assert.equal(said(), 'ready');
    assert.deepEqual([...flowing].sort(), ['in', 'table']);
    assert.equal(task.committedMetadata('in'), 'm');
    fetch('table', 3, 1);
    assert.equal(said(), 'table k3', 'a table is followed');
  });

  test('has an end that was compacted away, once its leader has been asked', () => {
    const { task, open, said, fetch } = taskOf({ ...NOTHING, changelog: { offset: 0, end: 4 } });
    open();
    fetch('changelog', 0, 2);
    assert.deepEqual(task.unreached(), [{ topic: 'changelog', position: 2, end: 4 }]);
    said();
    task.nothingLeft('changelog', 1);
    assert.equal(said(), '', 'it has moved since');
    task.nothingLeft('changelog', 2);
    assert.equal(said(), 'changelog@4, ready');
    assert.deepEqual(task.unreached(), []);
  });

  test('is woken when there is something to take where there was nothing', () => {
    const { task, open, said, fetch } = taskOf(NOTHING);
    open();
    said();
    assert.equal(task.take('in'), undefined);
    fetch('in', 5, 3);
    fetch('in', 8, 2);
    assert.equal(said(), 'wake');
    assert.deepEqual([task.take('in')?.from, task.take('in')?.from], [5, 8]);
    assert.equal(task.take('in'), undefined);
    task.fetched(emptyBatch('in', P, 10, 12));
    assert.equal(said(), 'wake');
    assert.deepEqual(task.take('in')?.nextOffset, 12);
  });

  test('may take from inside its wake', () => {
    const taken: (number | undefined)[] = [];
    const { task, open, fetch } = taskOf(NOTHING, () => taken.push(task.take('in')?.from));
    open();
    fetch('in', 5, 1);
    fetch('in', 6, 1);
    assert.deepEqual(taken, [5, 6]);
  });

  test('that does not take has its input paused at the bound, until half is taken', () => {
    const { task, open, flowing, fetch } = taskOf(NOTHING);
    open();
    for (let i = 0; i < QUEUE_BATCHES_MAX; i++) {
      assert.ok(flowing.has('in'));
      fetch('in', 5 + i, 1);
    }
    assert.ok(!flowing.has('in'));
    assert.equal(task.position('in'), undefined);
    // What was under way when it was paused is kept.
    fetch('in', 5 + QUEUE_BATCHES_MAX, 1);
    let taken = 0;
    for (; !flowing.has('in'); taken++) assert.equal(task.take('in')?.from, 5 + taken);
    assert.equal(taken, QUEUE_BATCHES_MAX / 2 + 1);
    while (task.take('in') !== undefined) taken++;
    assert.equal(taken, QUEUE_BATCHES_MAX + 1);
    assert.equal(task.position('in'), 5 + QUEUE_BATCHES_MAX + 1);
  });

  test('that stays over a rebalance seeks to where it is, and keeps what it has', () => {
    const { task, open, said, fetch } = taskOf(NOTHING);
    open();
    fetch('in', 5, 3, 9);
    said();
    task.rejoined();
    assert.equal(said(), 'in@9, table@0, changelog@0');
    assert.equal(task.take('in')?.from, 5);
  });

  test('notes a changelog that had records beside what it commits', () => {
    const { task, open, fetch } = taskOf({ ...NOTHING, changelog: { offset: 0, end: 1 } });
    open();
    const part = {
      partition: P,
      batches: [],
      offsets: [{ topic: 'in', offset: 6, metadata: 'mine' }],
    };
    assert.equal(task.marked(part).offsets[0]!.metadata, 'mine');
    fetch('changelog', 0, 1);
    const { marks, metadata } = readMarks(task.marked(part).offsets[0]!.metadata);
    assert.deepEqual([marks.size, metadata], [1, 'mine']);
    task.committed(part);
    assert.equal(task.committedMetadata('in'), 'mine');
  });

  test('that is closed gives nothing and takes nothing', async () => {
    const { task, open, said, flowing, fetch } = taskOf(NOTHING);
    open();
    fetch('in', 5, 1);
    said();
    await task.close('fenced', 1_000);
    assert.equal(said(), 'fenced');
    assert.deepEqual([...flowing], []);
    assert.equal(task.take('in'), undefined);
    fetch('in', 6, 1);
    await task.close('stopped', 1_000);
    assert.equal(said(), '');
    assert.equal(task.isOpen, false);
  });

  test('closes even if its host throws at that', async () => {
    const { task } = taskOf(NOTHING);
    const broken = { close: () => assert.fail('broken') } as unknown as TaskHost;
    task.open({ open: () => broken });
    await task.close('stopped', 1_000);
    assert.equal(task.isOpen, false);
  });

  test('can commit while it closes, unless it was fenced', async () => {
    for (const [why, open] of [
      ['revoked', true],
      ['stopped', true],
      ['fenced', false],
    ] as const) {
      const { task, open: begin } = taskOf(NOTHING);
      begin();
      const closing = task.close(why, 1_000);
      assert.equal(task.isOpen, open, why);
      await closing;
      assert.equal(task.isOpen, false);
    }
  });

  test('whose host throws fails', () => {
    const { open, failed, fetch } = taskOf(NOTHING, () => {
      throw new Error('broken');
    });
    open();
    fetch('in', 5, 1);
    assert.deepEqual(
      failed.map((error) => error.message),
      ['broken'],
    );
  });

  test('lag counts what was passed over as read, once all records are committed', () => {
    const { task, open, fetch } = taskOf(NOTHING);
    open();
    const lag = () => task.lag(new Map([['in', 12]]))[0]!.lag;
    assert.equal(lag(), 7);
    fetch('in', 5, 3, 8);
    task.fetched(emptyBatch('in', P, 8, 12));
    assert.equal(lag(), 7);
    const offsets = [{ topic: 'in', offset: 8, metadata: '' }];
    task.committed({ partition: P, batches: [], offsets });
    assert.equal(lag(), 0);
  });

  test('reads its checkpoint first, then its changelog from where that ends', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const one = wholeNumbered();
    async function* batches() {
      yield { store: 's', bytes: one };
      await promise;
      yield { store: 's', bytes: one };
    }
    const starts = { ...NOTHING, changelog: { offset: 3, end: 4 } };
    const checkpoint = { offsets: new Map([['changelog', 3]]), batches };
    const { task, open, said, flowing, fetch } = taskOf(starts, undefined, { checkpoint });
    open();
    assert.equal(said(), 'in@5, table@0, changelog@3');
    await turn();
    assert.equal(said(), 's k0');
    assert.deepEqual([...flowing], ['table'], 'its changelog is not read meanwhile');
    fetch('changelog', 3, 1);
    task.nothingLeft('changelog', 3);
    assert.equal(said(), '');
    resolve();
    await turn();
    assert.equal(said(), 's k0');
    assert.deepEqual([...flowing], ['table', 'changelog']);
    fetch('changelog', 3, 1);
    assert.equal(said(), 's k3, ready');
  });

  test('begins when its checkpoint is read, where its changelog ends there', async () => {
    async function* batches() {
      yield { store: 's', bytes: wholeNumbered() };
    }
    const starts = { ...NOTHING, changelog: { offset: 4, end: 4 } };
    const checkpoint = { offsets: new Map([['changelog', 4]]), batches };
    const { open, said } = taskOf(starts, undefined, { checkpoint });
    open();
    assert.equal(said(), 'in@5, table@0, changelog@4');
    await turn();
    assert.equal(said(), 's k0, ready');
  });

  test('fails when its checkpoint cannot be read to its end', async () => {
    // biome-ignore lint/correctness/useYield: it fails before it has one.
    async function* batches(): AsyncGenerator<{ store: string; bytes: Buffer }> {
      throw new Error('the disk is gone');
    }
    const checkpoint = { offsets: new Map(), batches };
    const { open, failed, said } = taskOf(NOTHING, undefined, { checkpoint });
    open();
    await turn();
    assert.deepEqual(
      failed.map((error) => error.message),
      ['the disk is gone'],
    );
    assert.equal(said(), 'in@5, table@0, changelog@0', 'it does not begin');
  });

  const PART = { partition: P, batches: [], offsets: [] };
  const keeps: readonly {
    readonly it: string;
    readonly why?: 'revoked' | 'stopped' | 'fenced';
    readonly begins?: boolean;
    readonly unknown?: boolean;
    readonly rows?: undefined;
    readonly isKept: boolean;
  }[] = [
    { it: 'when it is stopped', isKept: true },
    { it: 'not when another takes it', why: 'revoked', isKept: false },
    { it: 'not when it is fenced', why: 'fenced', isKept: false },
    { it: 'not before its state is back', begins: false, isKept: false },
    { it: 'not when a commit may be lost', unknown: true, isKept: false },
    { it: 'not when not all is committed', rows: undefined, isKept: false },
  ];
  for (const { it, why = 'stopped', begins = true, unknown = false, isKept, ...rest } of keeps) {
    test(`keeps its state ${it}`, async () => {
      const kept: unknown[] = [];
      const rows = 'rows' in rest ? undefined : [{ store: 's', bytes: Buffer.from('r') }];
      const starts = { ...NOTHING, changelog: { offset: begins ? 9 : 0, end: 9 } };
      const { task, open } = taskOf(starts, undefined, {
        keep: async (covered, of) => void kept.push(covered, [...of]),
        snapshot: () => rows,
      });
      open();
      task.marked(PART);
      if (!unknown) task.committed(PART);
      await task.close(why, 1_000);
      const all = [[{ changelog: 'changelog', id: 'id', offset: 9 }], rows];
      assert.deepEqual(kept, isKept ? all : []);
    });
  }
});

/** So that what is awaited of a checkpoint goes on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));
const wholeNumbered = () => Buffer.from(numberedBatch('changelog', P, 0, 1).bytes);
