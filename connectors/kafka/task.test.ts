/** A task against a feed and a committer of its own; no broker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CarillonError } from '../../core/error.ts';
import type { CommitSet, GroupSpec, TaskHost, TaskPort } from '../../core/log.ts';
import { Record } from '../../core/record.ts';
import { silent } from './client.ts';
import { KafkaTask, type Start } from './task.ts';

const SPEC: GroupSpec = {
  group: 'g',
  partitions: 4,
  inputs: ['in'],
  tables: ['table'],
  stores: [{ store: 's', changelog: 'changelog' }],
  transactional: true,
  topologyHash: 'h',
};
const EMPTY: CommitSet = { batches: [], rows: [], offsets: [] };

function record(topic: string, offset: number): Record {
  const bytes = Buffer.from(`k${offset}`);
  return new Record(topic, 2, offset, 0, bytes, 0, bytes.length, bytes, 0, bytes.length, null);
}

function records(topic: string, from: number, count: number): Record[] {
  return Array.from({ length: count }, (_, i) => record(topic, from + i));
}

/** A task of partition 2, and what it did, in order. */
function taskOf(
  starts: { readonly [topic: string]: Start },
  over: { commit?: (set: CommitSet) => Promise<void>; onOffer?: (port: TaskPort) => void } = {},
) {
  const said: string[] = [];
  const flowing = new Set<string>();
  const lost: CarillonError[] = [];
  const failed: Error[] = [];
  let closed = 0;
  let offers = 0;
  const feed = {
    seek: (topic: string, _partition: number, offset: number) => said.push(`${topic}@${offset}`),
    pause: (topic: string) => void flowing.delete(topic),
    resume: (topic: string) => void flowing.add(topic),
  };
  const committer = {
    commit: over.commit ?? (async () => {}),
    close: async () => void closed++,
  };
  const task = new KafkaTask(
    2,
    SPEC,
    feed as ConstructorParameters<typeof KafkaTask>[2],
    committer,
    { lost: (_, error) => void lost.push(error), failed: (_, error) => void failed.push(error) },
    silent,
    {
      offsets: new Map(Object.entries(starts)),
      committed: new Map([['in', { offset: 5, metadata: 'm' }]]),
    },
  );
  const host: TaskHost = {
    restore: (store, key, value) => void said.push(`${store} ${key}=${value}`),
    table: (topic, rows) => void said.push(`${topic} ${rows.length}`),
    ready: () => void said.push('ready'),
    offer: (topic, rows, next) => {
      said.push(`${topic} ${rows.length} →${next}`);
      if (offers++ < 5) over.onOffer?.(task);
    },
    close: async (why) => void said.push(why),
  };
  const open = () => task.open({ open: () => host });
  const take = () => said.splice(0).join(', ');
  return { task, open, take, flowing, lost, failed, closed: () => closed };
}

const NOTHING = {
  in: { offset: 5, end: 5 },
  table: { offset: 0, end: 0 },
  changelog: { offset: 0, end: 0 },
};

describe('a task', () => {
  test('restores its changelog and tables to their ends, then its inputs flow', () => {
    const { task, open, take, flowing } = taskOf({
      in: { offset: 5, end: 9 },
      table: { offset: 1, end: 3 },
      changelog: { offset: 0, end: 4 },
    });
    open();
    assert.equal(take(), 'in@5, table@1, changelog@0');
    assert.deepEqual([...flowing].sort(), ['changelog', 'table']);
    assert.equal(task.position('in'), undefined);
    task.fetched('table', { records: records('table', 1, 2), nextOffset: 3 });
    task.fetched('changelog', { records: records('changelog', 0, 1), nextOffset: 1 });
    assert.equal(take(), 'table 2, s k0=k0');
    // The end is markers and aborted records only.
    task.fetched('changelog', { records: [], nextOffset: 4 });
    assert.equal(take(), 'ready');
    assert.deepEqual([...flowing].sort(), ['in', 'table']);
    assert.equal(task.committedMetadata('in'), 'm');
  });

  test('has an end that was compacted away, once its leader has been asked', () => {
    const { task, open, take } = taskOf({ ...NOTHING, changelog: { offset: 0, end: 4 } });
    open();
    task.fetched('changelog', { records: records('changelog', 0, 2), nextOffset: 2 });
    assert.deepEqual(task.unreached(), [{ topic: 'changelog', position: 2 }]);
    take();
    task.nothingLeft('changelog', 1);
    assert.equal(take(), '', 'it has moved since');
    task.nothingLeft('changelog', 2);
    assert.equal(take(), 'ready');
  });

  test('offers a fetch in slices, each with where to go on', () => {
    const { task, open, take } = taskOf(NOTHING);
    open();
    take();
    task.fetched('in', { records: records('in', 5, 1_200), nextOffset: 1_210 });
    assert.equal(take(), 'in 500 →505, in 500 →1005, in 200 →1210');
  });

  test('that pauses in the middle of a fetch gets the rest when it resumes', async () => {
    const { task, open, take, flowing } = taskOf(NOTHING, { onOffer: (port) => port.pause('in') });
    open();
    take();
    task.fetched('in', { records: records('in', 5, 1_200), nextOffset: 1_210 });
    assert.equal(take(), 'in 500 →505');
    assert.ok(!flowing.has('in'));
    task.resume('in');
    assert.equal(take(), '', 'never from inside the call');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(take(), 'in 500 →1005');
    task.resume('in');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(take(), 'in 200 →1210');
    assert.ok(!flowing.has('in'));
    task.resume('in');
    assert.ok(flowing.has('in'));
  });

  test('that stays over a rebalance seeks to where it is', () => {
    const { task, open, take } = taskOf(NOTHING);
    open();
    task.fetched('in', { records: records('in', 5, 3), nextOffset: 9 });
    take();
    task.rejoined();
    assert.equal(take(), 'in@9, table@0, changelog@0');
  });

  test('commits one after the other, though asked at once', async () => {
    let running = 0;
    const { task, open } = taskOf(NOTHING, {
      async commit() {
        assert.equal(running++, 0);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      },
    });
    open();
    await Promise.all([task.commit(EMPTY), task.commit(EMPTY), task.commit(EMPTY)]);
  });

  const losses: readonly [what: string, error: Error, code: string][] = [
    ['fenced', Object.assign(new Error('x'), { type: 'PRODUCER_FENCED' }), 'CAR643'],
    ['with the brokers away', new Error('Closed connection'), 'CAR644'],
    ['refused', Object.assign(new Error('x'), { type: 'TOPIC_AUTHORIZATION_FAILED' }), 'CAR645'],
  ];
  for (const [what, error, code] of losses) {
    test(`a commit ${what} is ${code}, and the task is lost`, async () => {
      const { task, open, lost } = taskOf(NOTHING, { commit: () => Promise.reject(error) });
      open();
      await assert.rejects(task.commit(EMPTY), { code });
      assert.deepEqual(
        lost.map((one) => one.code),
        [code],
      );
    });
  }

  test('that is closed gives nothing, takes nothing, and lets go of its producer', async () => {
    const { task, open, take, flowing, closed, lost } = taskOf(NOTHING);
    open();
    take();
    await task.close('fenced', 1_000);
    assert.equal(take(), 'fenced');
    assert.deepEqual([...flowing], []);
    assert.equal(closed(), 1);
    await assert.rejects(task.commit(EMPTY), { code: 'CAR643' });
    assert.deepEqual(lost, []);
  });

  test('whose host throws fails', () => {
    const { task, open, failed } = taskOf(NOTHING, {
      onOffer() {
        throw new Error('broken');
      },
    });
    open();
    task.fetched('in', { records: records('in', 5, 1), nextOffset: 6 });
    assert.deepEqual(
      failed.map((error) => error.message),
      ['broken'],
    );
  });

  test('lag counts what was passed over as read, once all offered is committed', async () => {
    const { task, open } = taskOf(NOTHING);
    open();
    const lag = () => task.lag(new Map([['in', 12]]))[0]!.lag;
    assert.equal(lag(), 7);
    task.fetched('in', { records: records('in', 5, 3), nextOffset: 8 });
    task.fetched('in', { records: [], nextOffset: 12 });
    assert.equal(lag(), 7);
    const offsets = [{ topic: 'in', offset: 8, metadata: '' }];
    await task.commit({ ...EMPTY, offsets });
    assert.equal(lag(), 0);
  });
});
