/** When a streams task commits: what has outputs soon, offsets alone seldom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../core/batch-builder.ts';
import { HandClock } from '../core/clock.ts';
import type { CommitUnit, LogBatch, TaskPort, UnitPort } from '../core/log.ts';
import { wholeBatch } from '../core/record-batch.ts';
import { Driven, lanesWith, planChange, planChanges, START_MS } from '../test/kit/drive.ts';
import { StreamsTask } from './streams/streams-task.ts';
import { Unit } from './unit.ts';

const EVENTS = 'events.plan-change';
const MIN_MS = 25;
const MAX_MS = 100;
const OFFSETS_MS = 1_000;
const DEDUP = '      - dedup: { by: [value.eventId], within: 1h }\n';

/** A task whose member `m-1` has a device and `m-0` none: an event of his is dropped. */
async function openTask(offsetsOnlyMs: number | undefined, steps = '') {
  const driven = await Driven.open(lanesWith(planChanges({ steps })));
  const sub = driven.plan.subTopologies.find(({ role }) => role.startsWith('streams'))!;
  const clock = new HandClock(START_MS);
  const commits: { readonly atMs: number; readonly outputs: number }[] = [];
  const given: LogBatch[] = [];
  const committer: UnitPort = {
    commit({ parts }: CommitUnit): undefined {
      const batches = parts.flatMap((part) => part.batches);
      const outputs = batches.filter(({ topic }) => !topic.endsWith('-changelog')).length;
      commits.push({ atMs: clock.now() - START_MS, outputs });
    },
  };
  const port: TaskPort = {
    partition: 0,
    unit: committer,
    committedMetadata: () => '',
    take: () => given.shift(),
    isAtEnd: () => given.length === 0,
    fail(error) {
      throw error;
    },
  };
  const policy = { minMs: MIN_MS, maxMs: MAX_MS, recordsMax: 1_000 };
  const more = offsetsOnlyMs === undefined ? {} : { offsetsOnlyMs };
  const unit = new Unit(committer, { ...policy, ...more }, clock, () => {});
  const task = new StreamsTask(driven.plan, sub, port, unit, {
    clock,
    schemas: driven.schemas,
    partitions: 1,
    wake: () => {},
  });
  unit.add(task);
  const devices = [
    { deviceId: 'd', epoch: 1, class: 'tv', transports: ['inbox'], updatedAt: START_MS },
  ];
  const row = driven.schemas.encoder('MemberDevices').toBuffer({ memberId: 'm-1', devices });
  task.table('tables.devices', batchOf('tables.devices', 'm-1', row, 0));
  task.ready();
  let offset = 0;
  const feed = (member: string) => {
    const event = planChange(`e-${offset}`, member);
    const value = driven.schemas.encoder('PlanChange').toBuffer(event);
    given.push(batchOf(EVENTS, member, value, offset++));
    assert.ok(task.runSlice());
  };
  /** Millisecond by millisecond, as the scheduler would look when it is woken. */
  const runTo = (atMs: number) => {
    for (; clock.now() < START_MS + atMs; clock.moveTo(clock.now() + 1)) unit.commitIfDue();
    unit.commitIfDue();
  };
  return { unit, feed, runTo, commits };
}

function batchOf(topic: string, key: string, value: Buffer, baseOffset: number) {
  const builder = new BatchBuilder(topic, 0);
  builder.append(START_MS, key, value);
  return wholeBatch(topic, 0, builder.finish().bytes, baseOffset);
}

test('offsets alone wait for their own time', async () => {
  const { feed, runTo, commits, unit } = await openTask(OFFSETS_MS);
  feed('m-0');
  assert.equal(unit.dueMs(), START_MS + OFFSETS_MS);
  runTo(500);
  feed('m-0');
  runTo(1_500);
  assert.deepEqual(commits, [{ atMs: OFFSETS_MS, outputs: 0 }]);
});

test('a row that has changed is no offset alone, though nothing goes on', async () => {
  const { feed, runTo, commits } = await openTask(OFFSETS_MS, DEDUP);
  feed('m-0');
  runTo(200);
  assert.deepEqual(commits, [{ atMs: 0, outputs: 0 }]);
});

test('an output takes the offsets along at once', async () => {
  const { feed, runTo, commits } = await openTask(OFFSETS_MS);
  feed('m-0');
  runTo(300);
  feed('m-1');
  runTo(2_000);
  assert.deepEqual(commits, [{ atMs: 300, outputs: 1 }]);
});

test('without a time of their own offsets are committed like all else', async () => {
  const { feed, runTo, commits } = await openTask(undefined);
  feed('m-0');
  runTo(200);
  assert.deepEqual(commits, [{ atMs: 0, outputs: 0 }]);
});

test('input that waits without a commit is known, and for how long', async () => {
  const clock = new HandClock(START_MS);
  let hangs = true;
  const port: UnitPort = {
    commit: () => (hangs ? new Promise<void>(() => {}) : undefined),
  };
  const unit = new Unit(port, { minMs: 0, maxMs: 0, recordsMax: 1 }, clock, () => {});
  const task = {
    uncommitted: 0,
    hasOutputs: true,
    quiet: true,
    takePart() {
      this.uncommitted = 0;
      return { partition: 0, batches: [], offsets: [] };
    },
  };
  unit.add(task);
  const after = (ms: number): number => {
    clock.moveTo(clock.now() + ms);
    return unit.stalledMs();
  };
  assert.equal(after(60_000), 0, 'nothing to do is no standstill');
  task.uncommitted = 3;
  assert.equal(after(10_000), 10_000);
  unit.commitIfDue();
  task.quiet = false;
  assert.equal(after(20_000), 20_000, 'a commit that hangs moves nothing');
  hangs = false;
  task.quiet = true;
  assert.equal(after(5_000), 0);
});
