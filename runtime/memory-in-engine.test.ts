/** Tasks whose process has no memory for more state: what they do, and what is said of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../core/batch-builder.ts';
import { HandClock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import { ERROR_TABLE } from '../core/error-table.ts';
import type { CommitUnit, LogBatch, TaskPort, UnitPort } from '../core/log.ts';
import { RENO_PRIORITIES } from '../core/priority.ts';
import { wholeBatch } from '../core/record-batch.ts';
import { NEVER } from '../core/store.ts';
import { Driven, lanesWith, planChange, planChanges, START_MS } from '../test/kit/drive.ts';
import { Engine } from './engine.ts';
import { MemoryBudget, MemoryPart } from './state/memory-budget.ts';
import { StreamsTask } from './streams/streams-task.ts';
import { Unit } from './unit.ts';

const STEPS = '      - coalesce: { by: [value.memberId], quiet: 2s, at_most: 5s }\n';
const LIMIT = 1_000_000;

/** A task of one partition, whose process has other state beside it. */
async function opened() {
  const driven = await Driven.open(lanesWith(planChanges({ steps: STEPS })));
  const { plan, schemas } = driven;
  const sub = plan.subTopologies.find(({ role }) => role.startsWith('streams'))!;
  const clock = new HandClock(START_MS);
  const memory = new MemoryBudget(LIMIT);
  const beside = { bytes: 0, spare: 0 };
  const others = new MemoryPart(memory);
  others.add(beside);
  const given: LogBatch[] = [];
  const changes: { readonly topic: string; readonly count: number }[] = [];
  const unitPort: UnitPort = {
    commit({ parts }: CommitUnit): undefined {
      changes.push(...parts.flatMap((part) => part.batches));
    },
  };
  const port: TaskPort = {
    partition: 0,
    unit: unitPort,
    committedMetadata: () => '',
    take: () => given.shift(),
    isAtEnd: () => given.length === 0,
    fail(error) {
      throw error;
    },
  };
  const unit = new Unit(unitPort, { minMs: 0, maxMs: 0, recordsMax: 1_000 }, clock, () => {});
  const options = { clock, schemas, partitions: 1, memory, wake: () => {} };
  const task = new StreamsTask(plan, sub, port, unit, options);
  unit.add(task);
  const take = (bytes: number) => {
    beside.bytes = bytes;
    others.look();
  };
  const feed = (n: number) => {
    const value = schemas.encoder('PlanChange').toBuffer(planChange(`e-${n}`, `m-${n}`));
    given.push(batchOf('events.plan-change', `m-${n}`, value, n));
  };
  return { task, clock, memory, take, feed, given, driven, sub };
}

function batchOf(topic: string, key: string, value: Buffer | null, baseOffset: number) {
  const builder = new BatchBuilder(topic, 0);
  builder.append(START_MS, key, value);
  return wholeBatch(topic, 0, builder.finish().bytes, baseOffset);
}

const heldOf = (task: StreamsTask) =>
  task.flow().find(({ step }) => step === 'coalesce')!.counts.held;

test('a task takes nothing while all memory is spent; what is due goes on', async () => {
  const { task, clock, take, feed, given } = await opened();
  task.ready();
  feed(0);
  assert.ok(task.runSlice());
  assert.equal(heldOf(task), 1);
  take(LIMIT);
  feed(1);
  assert.equal(task.runSlice(), false);
  assert.equal(heldOf(task), 1);
  assert.equal(task.nextWakeMs(), START_MS + 1_000, 'it looks again');
  clock.moveTo(START_MS + 2_000);
  assert.equal(task.runSlice(), true, 'its timers run');
  assert.equal(heldOf(task), 0);
  assert.equal(task.runSlice(), false);
  take(0);
  assert.equal(task.runSlice(), true, 'there is room again');
  assert.equal(heldOf(task), 1);
  assert.equal(given.length, 0);
});

test('a task that goes gives its memory back', async () => {
  const { task, memory, feed } = await opened();
  task.ready();
  assert.equal(task.nextWakeMs(), NEVER);
  for (let n = 0; n < 100; n++) feed(n);
  while (task.runSlice());
  assert.ok(memory.used > 10_000, String(memory.used));
  const sizes = new Map(task.stores.sizes().map(({ store, rows }) => [store, rows]));
  assert.equal(
    [...sizes.values()].reduce((sum, rows) => sum + rows, 0),
    100,
  );
  await task.close('revoked');
  assert.deepEqual([memory.used, memory.stores], [0, 1]);
});

test('CAR697: tables and stores that are read back do not fit', async () => {
  const { task, take } = await opened();
  take(1.25 * LIMIT);
  const read = () => {
    for (let n = 0; n < 64; n++)
      task.table('tables.devices', batchOf('tables.devices', 'm', null, n));
  };
  assert.throws(read, (error) => error instanceof CarillonError && error.code === 'CAR697');
  take(1.2 * LIMIT);
  read();
});

test('CAR695, CAR696: an engine says when memory is short, and when it is spent', () => {
  const of = { clock: { now: () => 0 }, before: [], stateBytesMax: 100 * 2 ** 20 };
  const engine = new Engine({ ...of, plan: { priorities: RENO_PRIORITIES } } as never);
  const told = (bytes: number) => {
    const part = new MemoryPart(engine.memory as MemoryBudget);
    part.add({ bytes: bytes * 2 ** 20, spare: 0 });
    part.look();
    const said = [engine.warnings(), engine.troubles()];
    part.close();
    return said;
  };
  assert.deepEqual(told(79), [[], []]);
  const short = 'CAR695 state needs 80 of 100 MiB (state.memory_max); steps do as if full';
  assert.deepEqual(told(80), [[short], []]);
  const spent = 'CAR696 state needs 100 of 100 MiB (state.memory_max); nothing is taken';
  assert.deepEqual(told(100), [[], [spent]]);
  assert.equal(ERROR_TABLE.CAR695.slug, 'state-memory-short');
  assert.equal(ERROR_TABLE.CAR696.slug, 'state-memory-spent');
});
