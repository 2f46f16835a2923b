/** The driver alone decides when something runs: nothing is left over, nothing comes by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { Driven, lanesWith, planChange, planChanges } from '../../test/kit/drive.ts';

const EVENTS = 'events.plan-change';
const UNKNOWN = Buffer.concat([Buffer.from([0, 0, 0, 0x27, 0x0f]), Buffer.from('?')]);
const COALESCE = '      - coalesce: { by: [value.memberId], quiet: 2s, at_most: 10s }\n';

/** Answers after so many turns of the microtask queue. */
class LateRegistry extends MemoryRegistry {
  readonly #after: number;

  constructor(after: number) {
    super();
    this.#after = after;
  }

  override async fetch(id: number): Promise<string | null> {
    for (let n = 0; n < this.#after; n++) await undefined;
    return await super.fetch(id);
  }
}

for (let after = 0; after < 32; after++) {
  test(`a record waits for its schema, and is done when feed returns: ${after} turns`, async () => {
    const driven = await Driven.open(lanesWith(planChanges({})), {
      registry: new LateRegistry(after),
      commitEvery: 9,
    });
    const of = () => driven.driver.totals();
    await driven.raw(EVENTS, 'm-1', UNKNOWN);
    assert.deepEqual([of().in, of().dead_letters], [1, 1]);
    await driven.end();
  });
}

test('nothing runs by itself: the driver sets no timer and asks for no turn', async (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout', () => assert.fail('a timer'));
  const turns = t.mock.method(globalThis, 'setImmediate', () => assert.fail('a turn'));
  const driven = await Driven.open(lanesWith(planChanges({ steps: COALESCE })));
  await driven.register('tv-1', 'm-9');
  await driven.feed(EVENTS, 'm-1', planChange('e-1', 'm-1'));
  await driven.driver.crash();
  await driven.driver.restart();
  await driven.end();
  assert.deepEqual([timers.mock.callCount(), turns.mock.callCount()], [0, 0]);
});

test('reasons are told by name, whatever came first', async () => {
  const filter = '      - filter: { where: \'value.planTo != "free"\' }\n';
  const dedup = '      - dedup: { by: [value.eventId], within: 1h }\n';
  const driven = await Driven.open(lanesWith(planChanges({ steps: filter + dedup })));
  await driven.feed(EVENTS, 'm-1', { ...planChange('e-1', 'm-1'), planTo: 'free' });
  for (const id of ['e-2', 'e-2']) await driven.feed(EVENTS, 'm-1', planChange(id, 'm-1'));
  assert.deepEqual(Object.entries(driven.driver.totals().dropped), [
    ['duplicate', 1],
    ['filtered', 1],
    ['no_devices', 1],
  ]);
  await driven.end();
});
