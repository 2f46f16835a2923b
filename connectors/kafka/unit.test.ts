/** A member's commits against a committer that answers as it is told; no broker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CommitUnit, UnitPart } from '../../core/log.ts';
import type { KafkaTask } from './task.ts';
import { KafkaUnit } from './unit.ts';

const SPEC = {
  group: 'g',
  partitions: 4,
  inputs: ['in'],
  tables: [],
  stores: [],
  transactional: true,
  topologyHash: 'h',
};

const failure = (type: string) => Object.assign(new Error(type), { type });

/** Tasks of these partitions; parts of these fail, with this error. */
function unitOf(here: readonly number[], failing: ReadonlyMap<number, unknown> = new Map()) {
  const said: string[] = [];
  const lost: string[] = [];
  const tasks = new Map(
    here.map((partition) => [
      partition,
      {
        partition,
        isOpen: true,
        marked: (part: UnitPart) => part,
        committed: () => void said.push(`committed ${partition}`),
      } as unknown as KafkaTask,
    ]),
  );
  const unit = new KafkaUnit(
    SPEC,
    {
      async open() {},
      async close() {},
      async end() {},
      async commit({ parts }: CommitUnit) {
        said.push(`asked ${parts.map((part) => part.partition)}`);
        return parts.flatMap(({ partition }) =>
          failing.has(partition) ? [{ partition, error: failing.get(partition) }] : [],
        );
      },
    },
    {
      committing: (partition) => tasks.get(partition),
      lostPart: (task, error) => void lost.push(`${task.partition} ${error.code}`),
    },
  );
  return { unit, said, lost };
}

const part = (partition: number, metadata = ''): UnitPart => ({
  partition,
  batches: [],
  offsets: [{ topic: 'in', offset: 1, metadata }],
});

describe('a unit', () => {
  test('that stands is committed for every task in it', async () => {
    const { unit, said, lost } = unitOf([0, 2]);
    await unit.commit({ parts: [part(0), part(2)] });
    assert.deepEqual(said, ['asked 0,2', 'committed 0', 'committed 2']);
    assert.deepEqual(lost, []);
  });

  test('of nothing asks nobody', async () => {
    const { unit, said } = unitOf([0]);
    await unit.commit({ parts: [] });
    assert.deepEqual(said, []);
  });

  test('that loses a part closes that task, and the others stand', async () => {
    const failing = new Map([[2, failure('PRODUCER_FENCED')]]);
    const { unit, said, lost } = unitOf([0, 2, 3], failing);
    await unit.commit({ parts: [part(0), part(2), part(3)] });
    assert.deepEqual(said, ['asked 0,2,3', 'committed 0', 'committed 3']);
    assert.deepEqual(lost, ['2 CAR643']);
  });

  const losses: readonly [what: string, error: unknown, code: string][] = [
    ['fenced', failure('PRODUCER_FENCED'), 'CAR643'],
    ['with the brokers away', new Error('Closed connection'), 'CAR644'],
    ['refused', failure('TOPIC_AUTHORIZATION_FAILED'), 'CAR645'],
  ];
  for (const [what, error, code] of losses) {
    test(`of which nothing stands rejects: ${what} is ${code}`, async () => {
      const { unit, lost } = unitOf([0, 1], new Map([0, 1].map((p) => [p, error])));
      await assert.rejects(unit.commit({ parts: [part(0), part(1)] }), { code });
      assert.deepEqual(lost, [`0 ${code}`, `1 ${code}`]);
    });
  }

  test('does not ask for tasks that are gone; of those alone it rejects', async () => {
    const { unit, said, lost } = unitOf([1]);
    await unit.commit({ parts: [part(0), part(1)] });
    assert.deepEqual(said, ['asked 1', 'committed 1']);
    await assert.rejects(unit.commit({ parts: [part(0)] }), { code: 'CAR643' });
    assert.deepEqual(lost, []);
  });

  test('refuses metadata that the brokers would refuse', async () => {
    const { unit, said, lost } = unitOf([0, 1]);
    await unit.commit({ parts: [part(0, 'é'.repeat(2_048)), part(1, 'é'.repeat(2_049))] });
    assert.deepEqual([said, lost], [['asked 0', 'committed 0'], ['1 CAR646']]);
  });
});
