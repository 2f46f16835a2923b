/**
 * Bursts on real servers, with a kill -9 of the process that holds them: which events make one
 * burst is the clock's to say, but each notification is the newest of its burst, stands for all of
 * it, and no event is counted twice or not at all.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { progress } from '../kit/servers/progress.ts';
import { type PipelineProcess, until } from './pipeline.ts';
import type { ProducedRun } from './produced-events.ts';
import { World, worldSkip } from './world.ts';

const MEMBERS = 300;
const skip = await worldSkip();

describe('bursts become one notification', { skip }, () => {
  let world: World;
  let rest: PipelineProcess;

  before(async () => {
    world = await World.start({ topology: 'coalesced.yaml', name: 'e2ec', members: MEMBERS });
    rest = await world.pipeline.run('gateway', 'ingest', 'devices', 'sink/inbox');
    await world.register(rest, rest);
  });
  after(async () => world?.stop());

  test('the newest is kept, and stands for all; also over kill -9', {
    timeout: 300_000,
  }, async () => {
    let streams = await world.pipeline.run('streams');
    const run: ProducedRun = {
      members: MEMBERS,
      count: 20_000,
      seed: 1,
      baseTimeMs: Date.now(),
      stepMs: 1,
      set: { profileId: 'p-{i}', titleId: 't-{i}' },
    };
    const producing = world.produce({ run, fate: 'told' }, { rate: 2_000 });
    await until('bursts are held', async () => (await checkConservation(streams)) > 100);
    const rowsIn = async () =>
      (await rest.metrics()).sum('carillon_deliveries_total', { outcome: 'delivered' });
    await until('some are told', async () => (await rowsIn()) > MEMBERS);
    await streams.kill();
    streams = await world.pipeline.run('streams');
    await producing;
    await world.caughtUp(['normal'], []);
    await until('nothing is held', async () => (await checkConservation(streams)) === 0);
    await world.caughtUp(['normal'], [rest]);
    await checkRows();
    assert.equal(await world.deadLetters(), 0);
  });

  /** Each step: in + restored = passed + dropped + dead-lettered + held. Gives what is held. */
  const checkConservation = async (streams: PipelineProcess) => {
    const metrics = await streams.metrics();
    const held = metrics.sum('carillon_records_held');
    const settled = metrics.sum('carillon_records_total');
    const restored = metrics.sum('carillon_records_restored');
    assert.equal(settled + held, metrics.sum('carillon_step_records_in_total') + restored);
    return held;
  };

  const checkRows = async () => {
    const rows = await world.rows();
    const byDevice = new Map<string, { sequence: number; events: number }>();
    for (const { device, priority, sequence, id, count } of rows) {
      assert.equal(priority, 2);
      const at = byDevice.get(device) ?? { sequence: 0, events: 0 };
      assert.equal(sequence, at.sequence + 1, `${device}: number`);
      const events = at.events + count;
      // The events of a member come in order, so the newest of a burst is the last that it counts.
      assert.equal(id, wantedOf(device)[events - 1], `${device}: number ${sequence}`);
      byDevice.set(device, { sequence, events });
    }
    const told = new Set([...world.expected.rows.keys()].map((key) => key.split('/')[0]!));
    assert.equal(byDevice.size, told.size);
    for (const device of told) {
      assert.equal(byDevice.get(device)?.events, wantedOf(device).length, device);
    }
    assert.ok(rows.length < world.expected.count / 4, `${rows.length} rows`);
    progress(`${world.expected.count} notifications in ${rows.length} rows`);
  };

  /** Ids of all events for a device, in order; `Expected` has them by priority. */
  const wantedOf = (device: string) => world.expected.inOrder.get(device) ?? [];
});
