/** A join of streams, over edits: what it holds, and where its other input stands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { systemClock } from '../../core/clock.ts';
import { CarillonErrors } from '../../core/error.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { Driven, planChange, planOf, START_MS } from '../../test/kit/drive.ts';
import { Engine, topicSpecs } from '../engine.ts';
import { applyTopology } from './apply.ts';
import type { Losing } from './judge.ts';

const MAP = (from: string) => `      - map:
          fields:
            eventId: ${from}eventId
            memberId: ${from}memberId
            planFrom: ${from}planFrom
            planTo: ${from}planTo
            streamsMax: ${from}streamsMax
            changedAt: ${from}changedAt
`;
const OTHERS = (id = 'pr') => `  profiles:
    id: ${id}
    from: { topic: events.profile-change, schema: ProfileChange, time: value.changedAt, start: earliest }
`;
const topology = (step: string, from = 'value.change.', others = OTHERS()) => `topology: t
streams:
${others}  plan-change:
    id: pl
    from: { topic: events.plan-change, schema: PlanChange, time: value.changedAt, start: earliest }
    steps:
${step}${MAP(from)}    to: { topic: told, schema: PlanChange }
`;
const join = (name: string, more = '', others = OTHERS()) =>
  topology(
    `      - { name: ${name}, join_streams: { with: profiles, within: 1m, type: left, own_as: change, as: profile${more} } }\n`,
    'value.change.',
    others,
  );
const JOINED = join('profiles');
const GRACE = join('profiles', ', grace: 1m');
const RENAMED = join('others');
const OTHER_ID = join('profiles', '', OTHERS('px'));
const PLAIN = topology('', 'value.', '');

class World {
  readonly log = new MemoryLog();
  readonly registry = new MemoryRegistry();
  driven!: Driven;

  async start(text: string, losing: Losing = 'refuse'): Promise<void> {
    const plan = planOf(text);
    await this.log.applyTopics(topicSpecs(plan, 1));
    await applyTopology({
      log: this.log,
      plan,
      text,
      partitions: 1,
      clock: systemClock,
      losing,
      former: async (former) => {
        const of = planOf(former);
        const open = (readTo: (topic: string, partition: number) => number) =>
          new Engine({
            plan: { ...of, hash: `end ${of.hash}` },
            log: this.log,
            schemas: this.driven.schemas,
            clock: systemClock,
            partitions: 1,
            streamsCommit: { minMs: 0, maxMs: 0, recordsMax: 1 },
            sinksCommit: { minMs: 0, maxMs: 0, recordsMax: 1 },
            random: () => 0,
            onFailure: (error) => assert.fail(error),
            readTo,
          });
        return { plan: of, open, openSink: () => assert.fail('there is no sink') };
      },
      say: () => {},
    });
    this.driven = await Driven.open(text, { log: this.log, registry: this.registry });
  }

  change = (id: string, at: number) =>
    this.driven.feed(
      'events.plan-change',
      'm-1',
      planChange(id, 'm-1', { changedAt: START_MS + at }),
    );

  async profile(at: number): Promise<void> {
    const value = { eventId: `p${at}`, memberId: 'm-1', profileId: 'p', kind: 'ADDED' };
    const rest = { name: null, maturityLevel: null, deviceId: null, changedAt: START_MS + at };
    await this.driven.feed('events.profile-change', 'm-1', { ...value, ...rest });
  }

  /** What lies in the output, of all versions. */
  async told(): Promise<string[]> {
    const told: string[] = [];
    for await (const records of this.log.read('told', { from: 'start', follow: false })) {
      for (const { valueBytes: bytes } of records) {
        const value = this.driven.schemas.decodeByWriter(bytes!, 0, bytes!.length);
        told.push((value as { eventId: string }).eventId);
      }
    }
    return told;
  }
}

const codesOf = (error: unknown) =>
  error instanceof CarillonErrors ? error.diagnostics.map(({ code }) => code) : [String(error)];

async function holding(): Promise<World> {
  const world = new World();
  await world.start(JOINED);
  await world.change('c1', 0);
  await world.profile(5);
  await world.change('c2', 90_000);
  await world.driven.end();
  return world;
}

test('an edit of the grace keeps what is held, and where both streams stand', async () => {
  const world = await holding();
  await world.start(GRACE);
  await world.profile(100_000);
  assert.deepEqual(await world.told(), ['c1', 'c2']);
  // What it held was read by the version before: the sums of this one alone do not agree.
  await world.driven.driver.close();
});

test('a longer grace holds for what was held before it, to the millisecond', async () => {
  const world = await holding();
  await world.start(GRACE);
  await world.change('c3', 210_000);
  await world.profile(145_000);
  await world.profile(146_000);
  assert.deepEqual(await world.told(), ['c1', 'c2', 'c2']);
  await world.driven.driver.close();
});

for (const [what, text, code] of [
  ['is taken out', PLAIN, 'CAR810'],
  ['is renamed', RENAMED, 'CAR810'],
  ['has another stream', OTHER_ID, 'CAR812'],
] as const) {
  test(`a join that holds events and ${what}: refused, let go with drain, dropped with drop`, async () => {
    const refused = await holding();
    await assert.rejects(refused.start(text), (error) => {
      assert.deepEqual(codesOf(error), [code]);
      return true;
    });
    for (const [losing, told] of [
      ['drain', ['c1', 'c2']],
      ['drop', ['c1']],
    ] as const) {
      const world = await holding();
      await world.start(text, losing);
      assert.deepEqual(await world.told(), told);
      await world.driven.end();
    }
  });
}
