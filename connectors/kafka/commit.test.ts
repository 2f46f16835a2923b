/** Committers on producers that answer as they are told; no broker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { UnitPart } from '../../core/log.ts';
import type { KafkaClient } from './client.ts';
import { PlainCommitter, TaskTransactions, TransactionCommitter } from './commit.ts';

function part(partition: number, values: readonly string[] = [], offset = -1): UnitPart {
  const builder = new BatchBuilder('out', partition);
  for (const value of values) builder.append(1, null, Buffer.from(value));
  return {
    partition,
    batches: values.length === 0 ? [] : [builder.finish()],
    offsets: offset < 0 ? [] : [{ topic: 'in', offset, metadata: `m${offset}` }],
  };
}

type Step = 'open' | 'send' | 'offsets' | 'commit';

/** kafkajs' transactional producer; a step that is named throws, or never ends. */
function clientOf(failing: { step?: Step; error?: unknown; times?: number; hangs?: boolean } = {}) {
  const said: string[] = [];
  let left = failing.times ?? Number.POSITIVE_INFINITY;
  const at = async (step: Step) => {
    if (failing.step !== step || left-- <= 0) return;
    if (failing.hangs) await new Promise(() => {});
    throw failing.error ?? new Error(step);
  };
  const producer = ({ transactionalId }: { transactionalId: string }) => ({
    connect: async () => void said.push(`connect ${transactionalId}`),
    disconnect: async () => void said.push('disconnect'),
    async transaction() {
      await at('open');
      said.push('begin');
      let isActive = true;
      return {
        isActive: () => isActive,
        async sendBatch({ topicMessages = [] }) {
          await at('send');
          const all = topicMessages as { topic: string; messages: { partition: number }[] }[];
          return all.flatMap(({ topic, messages }) => {
            said.push(`send ${messages.length}`);
            const partition = messages[0]!.partition;
            return [{ topicName: topic, partition, errorCode: 0, baseOffset: '0' }];
          });
        },
        async sendOffsets({
          consumerGroupId,
          topics,
        }: {
          consumerGroupId: string;
          topics: unknown;
        }) {
          await at('offsets');
          said.push(`offsets ${consumerGroupId} ${JSON.stringify(topics)}`);
        },
        async commit() {
          await at('commit');
          isActive = false;
          said.push('commit');
        },
        async abort() {
          isActive = false;
          said.push('abort');
        },
      };
    },
  });
  return { client: { kafka: { producer } } as unknown as KafkaClient, said };
}

const OFFSETS = (partition: number, offset: number) =>
  `offsets g [{"topic":"in","partitions":[{"partition":${partition},"offset":"${offset}","metadata":"m${offset}"}]}]`;

describe("a task's transactions", () => {
  test('hold outputs and offsets of the task, under its own id', async () => {
    const { client, said } = clientOf();
    const transactions = await TaskTransactions.open(client, 'g', 2);
    await transactions.commit(part(2, ['a', 'b'], 7));
    await transactions.commit(part(2, [], 9));
    await transactions.commit(part(2));
    await transactions.close();
    assert.deepEqual(said, [
      'connect g-2',
      'begin',
      'send 2',
      OFFSETS(2, 7),
      'commit',
      'begin',
      OFFSETS(2, 9),
      'commit',
      'disconnect',
    ]);
  });

  for (const step of ['send', 'offsets', 'commit'] as const) {
    test(`are aborted when a ${step} fails`, async () => {
      const { client, said } = clientOf({ step, times: 1 });
      const transactions = await TaskTransactions.open(client, 'g', 0);
      await assert.rejects(transactions.commit(part(0, ['a'], 1)), new RegExp(step));
      assert.equal(said.at(-1), 'abort');
    });
  }

  test('wait while the coordinator still ends the one before', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const error = Object.assign(new Error('x'), { type: 'CONCURRENT_TRANSACTIONS' });
    const { client, said } = clientOf({ step: 'offsets', error, times: 3 });
    const transactions = await TaskTransactions.open(client, 'g', 0);
    const committing = transactions.commit(part(0, [], 1));
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      t.mock.timers.tick(5);
    }
    await committing;
    assert.equal(said.at(-1), 'commit');
  });

  test('that have no end are given up', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { client } = clientOf({ step: 'commit', hangs: true });
    const transactions = await TaskTransactions.open(client, 'g', 0);
    const committing = transactions.commit(part(0, [], 1));
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(15_000);
    await assert.rejects(committing, { code: 'CAR640', retryable: true });
  });

  test('that do not open leave no connection', async () => {
    const { client, said } = clientOf({ step: 'open' });
    await assert.rejects(TaskTransactions.open(client, 'g', 0), /open/);
    assert.equal(said.at(-1), 'disconnect');
  });
});

describe('a unit of transactions', () => {
  const committer = (failing: ReadonlySet<number>) => {
    const said: string[] = [];
    return {
      said,
      committer: new TransactionCommitter(async (p) => ({
        commit: async () => {
          if (failing.has(p)) throw new Error(`fenced ${p}`);
          said.push(`commit ${p}`);
        },
        close: async () => void said.push(`close ${p}`),
      })),
    };
  };

  test('tells which parts were lost; the others stand', async () => {
    const { committer: unit, said } = committer(new Set([1]));
    for (const p of [0, 1, 2]) await unit.open(p);
    const lost = await unit.commit({ parts: [0, 1, 2, 3].map((p) => part(p)) });
    assert.deepEqual(
      lost.map((one) => `${one.partition} ${(one.error as Error).message}`),
      ['1 fenced 1', '3 the task is not open here'],
    );
    assert.deepEqual(said.sort(), ['commit 0', 'commit 2']);
  });

  test('opens a task anew, and lets go of all in the end', async () => {
    const { committer: unit, said } = committer(new Set());
    await unit.open(0);
    await unit.open(0);
    assert.deepEqual(said, ['close 0']);
    await unit.open(1);
    await unit.close(1);
    await unit.end();
    assert.deepEqual(said, ['close 0', 'close 1', 'close 0']);
    assert.equal((await unit.commit({ parts: [part(0)] })).length, 1);
  });
});

describe('a unit without transactions', () => {
  const of = (failing: 'send' | 'offsets' | '' = '') => {
    const said: string[] = [];
    const committer = new PlainCommitter(
      {
        sendPieces: async (pieces, batches) => {
          if (failing === 'send') throw new Error('send');
          said.push(`send ${pieces.length} of ${batches}`);
          return [];
        },
      },
      {
        commitOffsets: async (offsets) => {
          if (failing === 'offsets') throw new Error('offsets');
          said.push(`offsets ${offsets.map((one) => `${one.partition}@${one.offset}`)}`);
        },
      },
    );
    return { committer, said };
  };

  test('sends the outputs of all parts, then their offsets in one request', async () => {
    const { committer, said } = of();
    const parts = [part(0, ['a'], 4), part(1, ['b', 'c']), part(2, [], 6)];
    assert.deepEqual(await committer.commit({ parts }), []);
    assert.deepEqual(said, ['send 2 of 2', 'offsets 0@4,2@6']);
  });

  test('asks nobody for nothing', async () => {
    const { committer, said } = of();
    assert.deepEqual(await committer.commit({ parts: [part(0)] }), []);
    assert.deepEqual(said, []);
  });

  for (const failing of ['send', 'offsets'] as const) {
    test(`loses all parts when ${failing} fails`, async () => {
      const { committer, said } = of(failing);
      const lost = await committer.commit({ parts: [part(0, ['a'], 4), part(1, [], 5)] });
      assert.deepEqual(
        lost.map((one) => one.partition),
        [0, 1],
      );
      assert.ok(!said.some((one) => one.startsWith('offsets')));
    });
  }
});
