/** One right row that very many left rows name: its change is told in slices, over a crash too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../core/batch-builder.ts';
import { HandClock } from '../core/clock.ts';
import type { CommitUnit, EncodedBatch, LogBatch, TaskPort, UnitPort } from '../core/log.ts';
import { BatchCursor, wholeBatch } from '../core/record-batch.ts';
import { Slice } from '../core/slice.ts';
import type { AvroRecord } from '../schemas/folder.ts';
import { Driven, START_MS } from '../test/kit/drive.ts';
import { StreamsTask } from './streams/streams-task.ts';
import { askBytes, readAnswer } from './tables/hop-messages.ts';
import { Unit } from './unit.ts';

const LEFTS = 5_000;
const SLICE = 512;

const record = (name: string, fields: { readonly [field: string]: unknown }): AvroRecord => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }) as never),
});
const PLAN = record('Plan', { planId: 'string', title: 'string' });
const MEMBER = record('Member', { memberId: 'string', planId: ['null', 'string'] });
const CONTRACT = record('Contract', {
  memberId: 'string',
  planId: ['null', 'string'],
  plan: ['null', PLAN],
});
const EVENT = record('Seen', { memberId: 'string' });
const TOPOLOGY = `topology: t
tables:
  members: { topic: tables.members, schema: Member, key: memberId }
  plans: { topic: tables.plans, schema: Plan, key: planId }
  contracts:
    id: ct
    from: { table: members, join: plans, by: planId, type: inner, as: plan }
    topic: tables.contracts
    schema: Contract
    key: memberId
streams:
  seen:
    id: se
    from: { topic: events.seen, schema: Seen, key: value.memberId }
    to: { topic: told, schema: Seen }
`;

function sliceOf(topic: string, bytes: Buffer, each: (slice: Slice, i: number) => void): void {
  const cursor = new BatchCursor();
  cursor.open(wholeBatch(topic, 0, bytes, 0));
  const slice = new Slice();
  do {
    cursor.read(slice);
    for (let i = 0; i < slice.n; i++) each(slice, i);
  } while (!cursor.done);
}

/** The right half, on a log of its own: what is committed survives it. */
class RightHalf {
  readonly topics;
  /** By commit: the left keys that were told, with the title. */
  readonly commits: string[][] = [];
  readonly #driven: Driven;
  readonly #sub;
  readonly #log = new Map<string, LogBatch[]>();
  readonly #changelogs: EncodedBatch[] = [];
  readonly #positions = new Map<string, number>();
  task!: StreamsTask;
  unit!: Unit;

  constructor(driven: Driven) {
    this.#driven = driven;
    this.#sub = driven.plan.subTopologies.find(({ role }) => role === 'tables/ct/right')!;
    const { deriving } = this.#sub;
    if (deriving?.part !== 'right') throw new Error('it is no right half');
    this.topics = { asks: deriving.asks, answers: deriving.answers, plans: 'tables.plans' };
  }

  /** As a new process: its state is what was committed. */
  async open(): Promise<void> {
    const taken = new Map(this.#positions);
    const unitPort: UnitPort = { commit: (unit) => this.#commit(unit) };
    const port: TaskPort = {
      partition: 0,
      unit: unitPort,
      committedMetadata: () => '',
      take: (topic) => {
        const at = taken.get(topic) ?? 0;
        const batch = this.#log.get(topic)?.find(({ baseOffset }) => baseOffset >= at);
        if (batch !== undefined) taken.set(topic, batch.nextOffset);
        return batch;
      },
      isAtEnd: () => true,
      fail(error) {
        throw error;
      },
    };
    const clock = new HandClock(START_MS);
    this.unit = new Unit(unitPort, { minMs: 0, maxMs: 0, recordsMax: 1 }, clock, () => {});
    const { plan, schemas } = this.#driven;
    const options = { clock, schemas, partitions: 1, wake: () => {} };
    this.task = new StreamsTask(plan, this.#sub, port, this.unit, options);
    this.unit.add(this.task);
    for (const { topic, bytes } of this.#changelogs) {
      const { store } = this.#sub.stores.find(({ changelog }) => changelog === topic)!;
      this.task.restore(store, wholeBatch(topic, 0, bytes, 0));
    }
    this.task.ready();
    while (this.task.waitsForSchema) await new Promise((resolve) => setImmediate(resolve));
  }

  write(topic: string, records: readonly (readonly [string, Buffer])[]): void {
    const batches = this.#log.get(topic) ?? [];
    this.#log.set(topic, batches);
    const builder = new BatchBuilder(topic, 0);
    for (const [key, value] of records) builder.append(START_MS, key, value);
    const from = batches.at(-1)?.nextOffset ?? 0;
    batches.push(wholeBatch(topic, 0, Buffer.from(builder.finish().bytes), from));
  }

  plan(title: string): void {
    const value = this.#driven.schemas.encoder('Plan').toBuffer({ planId: 'p', title });
    this.write(this.topics.plans, [['p', value]]);
  }

  ask(...lefts: readonly string[]): void {
    const asks = lefts.map((key): [string, Buffer] => [
      'p',
      askBytes({ version: 1, atMs: START_MS, partition: 0, wants: 'row', key }),
    ]);
    this.write(this.topics.asks, asks);
  }

  #commit({ parts }: CommitUnit): undefined {
    const told: string[] = [];
    for (const { batches, offsets } of parts) {
      for (const { topic, offset } of offsets) this.#positions.set(topic, offset);
      for (const batch of batches) {
        const bytes = Buffer.from(batch.bytes);
        if (batch.topic !== this.topics.answers) this.#changelogs.push({ ...batch, bytes });
        else {
          sliceOf(batch.topic, bytes, (slice, i) => {
            const { row } = readAnswer(slice, i)!;
            const decoder = this.#driven.schemas.decoder(row.readInt32BE(1), { schema: 'Plan' });
            const { title } = (
              decoder as { decode(of: Buffer, from: number, to: number): unknown }
            ).decode(row, 0, row.length) as { title: string };
            const key = slice.bytes.toString('utf8', slice.keyStart[i]!, slice.keyEnd[i]!);
            told.push(`${key}=${title}`);
          });
        }
      }
    }
    this.commits.push(told);
  }
}

const lefts = Array.from({ length: LEFTS }, (_, n) => `m-${String(n).padStart(5, '0')}`);

async function opened(): Promise<{ half: RightHalf; end(): Promise<void> }> {
  const driven = await Driven.open(TOPOLOGY, { schemas: [PLAN, MEMBER, CONTRACT, EVENT] });
  // So that the schema has an id.
  driven.schemas.encoder('Plan').toBuffer({ planId: 'p', title: '' });
  const half = new RightHalf(driven);
  await half.open();
  half.ask(...lefts);
  while (half.task.runSlice()) half.unit.commitIfDue();
  assert.deepEqual(half.commits.flat(), [], 'there is no right row yet');
  half.commits.length = 0;
  return { half, end: () => driven.end() };
}

for (const crashes of [false, true]) {
  test(`${LEFTS} left rows are told in slices, ${crashes ? 'over crashes' : 'in one go'}`, async () => {
    const { half, end } = await opened();
    half.plan('A');
    for (let n = 1; half.task.runSlice(); n++) {
      assert.equal(half.task.quiet, half.commits.flat().length + SLICE >= LEFTS, `slice ${n}`);
      // What every second slice has done is lost before it is committed.
      if (crashes && n % 2 === 0) await half.open();
      else half.unit.commitIfDue();
    }
    assert.ok(half.commits.every((told) => told.length <= SLICE));
    assert.deepEqual(
      half.commits.flat(),
      lefts.map((left) => `${left}=A`),
    );
    await end();
  });
}

test('changes, and who asks meanwhile, go on between the slices', async () => {
  const { half, end } = await opened();
  half.plan('A');
  assert.ok(half.task.runSlice());
  half.unit.commitIfDue();
  half.ask('m-04999', 'm-new');
  half.plan('B');
  while (half.task.runSlice()) half.unit.commitIfDue();
  assert.ok(half.commits.every((told) => told.length <= 3 * SLICE));
  const last = new Map(half.commits.flat().map((one) => one.split('=') as [string, string]));
  assert.deepEqual([...last.keys()].sort(), [...lefts, 'm-new']);
  assert.deepEqual(new Set(last.values()), new Set(['B']));
  assert.equal(new Set(half.commits.flat()).size, half.commits.flat().length, 'none is told twice');
  await end();
});
