/**
 * Edits of a topology on a real broker: the rows of the table that move, read on, drain or drop.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openKafkaLog } from '../../connectors/kafka/log.ts';
import type { EditableLog } from '../../core/log.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { clockText } from '../contract/clock-edits.ts';
import { EDITS, editCases } from '../contract/edits.ts';
import { lanesWith } from '../kit/drive.ts';
import { EditedPipeline, streamText } from '../kit/edited-pipeline.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { until } from './pipeline.ts';

const run = `w${process.pid.toString(36)}${Date.now().toString(36)}`;

const NORMAL = lanesWith(streamText({ id: 'x' }));
const HIGH = NORMAL.replace('as: normal', 'as: high');

/** The others ask nothing more of a log. */
const ROWS = [
  'another priority: goes on where it was, dedup goes along',
  'there and back again: the state of the second time, not of the first',
  'another priority while events are held: they go along, and come at their time',
  'to where others read the same topic, which are further: each goes on where it was',
  'an exception taken out: its state is the other one’s now, what it held is let go',
  'start: earliest, beside a stream that is at the end',
  'start: a duration: what came since then',
  'the very first start at a topic that has events: by default none of before',
  'a timed step taken out, --drain: what it held goes through what follows',
  'a sink taken out delivers first what it has not delivered yet',
  'killed between the hops: each is told, once',
  'a rekey taken out with records on their way: refused; drained, all are told once',
  'a stream removed, --drop: held and unread are counted',
  'a stream removed with its priority, and with events that it has not read',
  'a clock that goes on over restarts: each planned time once',
  'a clock that other times are given: the new ones from now on',
  'another priority, in a downtime: the position stays, each time is told once',
];

describe('edits of a topology on Kafka', { skip: await clusterSkip() }, () => {
  let servers: SharedServers;
  let logs = 0;
  const open = (dataPlane: 'batches' | 'kafkajs' = 'batches'): Promise<EditableLog> =>
    openKafkaLog({ brokers: servers.kafka, clientId: run, replicationFactor: 1, dataPlane });

  before(async () => {
    servers = await sharedServers(['kafka']);
  });
  after(async () => servers?.stop());

  const chosen = EDITS.filter(({ what }) => ROWS.includes(what));
  test('the rows are all there', () => assert.equal(chosen.length, ROWS.length));

  /** Several processes of one topology; none is left running, whatever comes of them. */
  async function together(
    count: number,
    body: (...processes: EditedPipeline[]) => Promise<void>,
  ): Promise<void> {
    const shared = { registry: new MemoryRegistry(), prefix: `${run}-${++logs}` };
    const all: EditedPipeline[] = [];
    try {
      for (let n = 0; n < count; n++) all.push(new EditedPipeline(await open(), shared));
      await body(...all);
      for (const one of all) await one.end();
    } finally {
      await Promise.allSettled(all.map((one) => one.close()));
    }
  }

  test('processes of the former version still run: refused until they have gone', () =>
    together(2, async (former, next) => {
      await former!.prepare(NORMAL);
      await former!.devices(['m-1']);
      await former!.start(NORMAL);
      await former!.post(['e1']);
      await assert.rejects(next!.start(HIGH), { code: 'CAR653' });
      await former!.post(['e2']);
      await former!.end();
      await next!.start(HIGH);
      await next!.post(['e3']);
      await next!.stop();
      assert.deepEqual(await next!.told(), ['x high e3', 'x normal e1', 'x normal e2']);
    }));

  test('processes that start together apply an edit once', () =>
    together(3, async (...all) => {
      const first = all[0]!;
      await first.prepare(NORMAL);
      await first.devices(['m-1']);
      await first.start(NORMAL);
      await first.post(['e1']);
      await first.stop();
      await first.post(['e2']);
      await Promise.all(all.map((one) => one.start(HIGH, 'refuse', { waits: false })));
      await first.send(['e3']);
      await until('all are told', async () => (await first.told()).length >= 3);
      for (const one of all) await one.stop();
      assert.deepEqual((await first.told()).sort(), ['x high e2', 'x high e3', 'x normal e1']);
      const edits = all.flatMap(({ said }) => said.filter((line) => line.includes('moves: from')));
      assert.equal(edits.length, 1, edits.join());
    }));

  test('two workers of one clock, a rebalance and a crash between: each time once', () =>
    together(2, async (one, other) => {
      const [HOUR, text] = [3_600_000, clockText({ missed: 'all' })];
      await one!.prepare(text);
      await one!.devices(['m-1', 'm-2']);
      await one!.start(text, 'refuse', { waits: false });
      const told = async (count: number) => {
        await until(`${count} are told`, async () => {
          for (const process of [one!, other!]) process.wake();
          return (await one!.told()).length >= count;
        });
      };
      await one!.advance(HOUR);
      await told(2);
      other!.clock.moveTo(one!.clock.now());
      // It takes some tasks of the first while a time comes.
      const joining = other!.start(text, 'refuse', { waits: false });
      one!.clock.moveTo(one!.clock.now() + HOUR);
      other!.clock.moveTo(one!.clock.now());
      await joining;
      await told(4);
      // And all of them, behind a time that nobody has told.
      const stopping = one!.stop();
      other!.clock.moveTo(other!.clock.now() + HOUR);
      await stopping;
      await told(6);
      await other!.stop();
      const times = ['01:00', '02:00', '03:00'];
      const expected = times.flatMap((at) => Array(2).fill(`x normal 2026-01-01T${at}`));
      assert.deepEqual((await one!.told()).sort(), expected);
    }));

  editCases(
    'Kafka',
    () => open(),
    chosen,
    () => `${run}-${++logs}`,
  );
  editCases(
    'Kafka, kafkajs',
    () => open('kafkajs'),
    chosen.slice(0, 1),
    () => `${run}-${++logs}`,
  );
});
