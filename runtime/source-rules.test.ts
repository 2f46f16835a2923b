/** Rule D14, poison of every kind, priorities and several use cases of one event topic. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CarillonError } from '../core/error.ts';
import { partitionOfText } from '../core/partition.ts';
import { MemoryRegistry } from '../schemas/memory-registry.ts';
import { Driven, lanesWith, planChange, planChanges, START_MS } from '../test/kit/drive.ts';

const EVENTS = 'events.plan-change';
const RULE = '{ as: low, unless: [{ when: value.streamsMax > 1, as: critical }] }';
const TWO_PRIORITIES = lanesWith(planChanges({ priority: RULE }));

interface Poison {
  readonly what: string;
  readonly code: string;
  readonly key?: string | null;
  readonly partition?: number;
  readonly event?: { readonly [field: string]: unknown };
  bytes?(good: Buffer): Buffer | null;
}

const withSchemaId = (good: Buffer, id: number) => {
  const bytes = Buffer.from(good);
  bytes.writeUInt32BE(id, 1);
  return bytes;
};

const POISON: readonly Poison[] = [
  { what: 'no bytes', code: 'CAR501', bytes: () => Buffer.alloc(0) },
  { what: 'text', code: 'CAR501', bytes: () => Buffer.from('{"eventId":"e1"}') },
  {
    what: 'another magic byte',
    code: 'CAR501',
    bytes: (good) => Buffer.from([1, ...good.subarray(1)]),
  },
  { what: 'half a header', code: 'CAR501', bytes: (good) => good.subarray(0, 4) },
  { what: 'an unknown schema id', code: 'CAR502', bytes: (good) => withSchemaId(good, 999_999) },
  { what: 'another schema', code: 'CAR503', bytes: (good) => withSchemaId(good, 1) },
  { what: 'half a value', code: 'CAR503', bytes: (good) => good.subarray(0, good.length - 3) },
  { what: 'a value with a tail', code: 'CAR503', bytes: (good) => Buffer.concat([good, good]) },
  { what: 'a tombstone', code: 'CAR509', bytes: () => null },
  { what: 'no key', code: 'CAR505', key: null },
  { what: 'the key of another member', code: 'CAR505', key: 'm-2' },
  { what: 'the time before 1970', code: 'CAR508', event: { changedAt: -1 } },
  { what: 'more than ten minutes ahead', code: 'CAR508', event: { changedAt: START_MS + 600_001 } },
];

for (const partitions of [1, 4]) {
  for (const { what, code, key = 'm-1', event, bytes } of POISON) {
    test(`poison with ${partitions} partition(s): ${what} is ${code}, once, with its origin`, async () => {
      const driven = await Driven.open(TWO_PRIORITIES, { partitions });
      await driven.register('tv-1', 'm-1');
      await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'));
      const good = driven.schemas.encoder('PlanChange').toBuffer(planChange('e2', 'm-1', event));
      const value = bytes === undefined ? good : bytes(good);
      const partition = key === null ? 0 : partitionOfText(key, partitions);
      const offset = partition === partitionOfText('m-1', partitions) ? 1 : 0;
      await driven.raw(EVENTS, key, value, { partition });
      await driven.feed(EVENTS, 'm-1', planChange('e3', 'm-1'));
      await driven.end();
      assert.deepEqual(driven.letters, [
        `${code} plan-change/source ${EVENTS}/${partition}@${offset}`,
      ]);
      const [letter] = driven.of('dead-letters');
      assert.equal(letter!.key, key);
      assert.equal(letter!.partition, partition);
      const raw = value === null ? null : Buffer.isBuffer(letter!.value) ? letter!.value : good;
      assert.deepEqual(raw, value, 'the bytes are kept as they came');
      assert.deepEqual(
        driven.notifications.map(({ sequence }) => sequence),
        [1, 2],
      );
    });
  }
}

for (const [partition, letters] of [
  [partitionOfText('m-1', 4), []],
  [(partitionOfText('m-1', 4) + 1) % 4, ['CAR504']],
] as const) {
  test(`D14: a record on partition ${partition} of its key's ${partitionOfText('m-1', 4)}`, async () => {
    const driven = await Driven.open(TWO_PRIORITIES, { partitions: 4 });
    await driven.register('tv-1', 'm-1');
    await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'), { partition });
    await driven.end();
    assert.deepEqual(
      driven.letters,
      letters.map((code) => `${code} plan-change/source ${EVENTS}/${partition}@0`),
    );
    assert.equal(driven.notifications.length, 1 - letters.length);
  });
}

test('each priority takes its own records, and passes the others by', async () => {
  const driven = await Driven.open(TWO_PRIORITIES);
  await driven.register('tv-1', 'm-1');
  for (const streamsMax of [1, 2, 1]) {
    await driven.feed(EVENTS, 'm-1', planChange(`e${streamsMax}`, 'm-1', { streamsMax }));
  }
  await driven.end();
  assert.deepEqual(
    driven.notifications.map((of) => `${of.priority} ${of.sequence}`),
    ['low 1', 'critical 1', 'low 2'],
  );
  assert.equal(driven.driver.totals().in, 3 + 2, 'three events, one registration over two hops');
});

test('a priority rule that fails on a record makes it a dead letter, once', async () => {
  const rule = '{ as: low, unless: [{ when: 10 / value.streamsMax > 4, as: critical }] }';
  const driven = await Driven.open(lanesWith(planChanges({ priority: rule })));
  await driven.register('tv-1', 'm-1');
  for (const [i, streamsMax] of [1, 0, 5].entries()) {
    await driven.feed(EVENTS, 'm-1', planChange(`e${i}`, 'm-1', { streamsMax }));
  }
  await driven.end();
  assert.deepEqual(driven.letters, [`CAR506 plan-change/source ${EVENTS}/0@1`]);
  assert.deepEqual(
    driven.notifications.map(({ priority }) => priority),
    ['critical', 'low'],
  );
});

test('use cases of one topic do not see what another has set on a record', async () => {
  const marked = [
    '      - gate_staleness: { max_age: 1h }',
    '      - target: { classes: [web] }',
    '',
  ].join('\n');
  for (const order of [
    ['marked', 'plain'],
    ['plain', 'marked'],
  ]) {
    const streams = order.map((name) =>
      name === 'marked'
        ? planChanges({ name, steps: marked })
        : planChanges({ name, id: '', time: '' }),
    );
    const driven = await Driven.open(lanesWith(streams.join('')));
    await driven.register('tv-1', 'm-1', { class: 'tv' });
    await driven.register('web-1', 'm-1', { class: 'web' });
    await driven.feed(EVENTS, 'm-1', planChange('e1', 'm-1'), { at: 77 });
    await driven.end();
    assert.deepEqual(
      driven.notifications
        .map(
          (of) =>
            `${of.useCase} ${of.deviceId} ${of.deadline && of.deadline - START_MS} ${of.born - START_MS}`,
        )
        .sort(),
      ['marked web-1 3600000 0', 'plain tv-1 0 77', 'plain web-1 0 77'],
      order.join(', '),
    );
  }
});

test('poison of a topic with several use cases is told by each of them', async () => {
  const streams = planChanges({ name: 'first' }) + planChanges({ name: 'second', priority: RULE });
  const driven = await Driven.open(lanesWith(streams));
  await driven.raw(EVENTS, 'm-1', Buffer.from('poison'));
  await driven.end();
  assert.deepEqual(driven.letters.sort(), [
    `CAR501 first/source ${EVENTS}/0@0`,
    `CAR501 second/source ${EVENTS}/0@0`,
  ]);
});

/** Fails at the first so many fetches of a schema. */
class FlakyRegistry extends MemoryRegistry {
  failures = 0;
  asked = 0;

  override async fetch(id: number): Promise<string | null> {
    this.asked++;
    if (this.failures-- > 0) {
      throw new CarillonError('CAR650', 'the registry is away.', { retryable: true });
    }
    return super.fetch(id);
  }
}

const OLDER = {
  type: 'record',
  name: 'PlanChange',
  namespace: 'reno.events',
  fields: [
    { name: 'planTo', type: 'string' },
    { name: 'memberId', type: 'string' },
    { name: 'eventId', type: 'string' },
    { name: 'changedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
};

test('a registry that is away costs time and no record', async () => {
  const { Type } = (await import('avsc')).default;
  const registry = new FlakyRegistry();
  const driven = await Driven.open(lanesWith(planChanges({})), { registry });
  const id = await registry.register(`${EVENTS}-value`, JSON.stringify(OLDER));
  await driven.register('tv-1', 'm-1');
  registry.failures = 3;
  registry.asked = 0;
  const body = Type.forSchema(OLDER as never).toBuffer(planChange('e1', 'm-1'));
  const header = Buffer.from([0, 0, 0, 0, id]);
  await driven.raw(EVENTS, 'm-1', Buffer.concat([header, body]));
  await driven.feed(EVENTS, 'm-1', planChange('e2', 'm-1'));
  assert.equal(registry.asked, 1, 'it is asked again when some time has gone by');
  assert.equal(driven.notifications.length, 0, 'order is kept: the second waits behind the first');
  await driven.driver.advance(10_000);
  assert.equal(registry.asked, 4);
  await driven.end();
  assert.deepEqual(
    driven.notifications.map(({ sequence }) => sequence),
    [1, 2],
  );
  assert.deepEqual(driven.letters, []);
});

test('an unknown schema id is asked for again after a minute, not for each record', async () => {
  const registry = new FlakyRegistry();
  const driven = await Driven.open(lanesWith(planChanges({})), { registry });
  registry.asked = 0;
  const poison = Buffer.from([0, 0, 1, 0, 0, 1, 2, 3]);
  for (let n = 0; n < 5; n++) await driven.raw(EVENTS, 'm-1', poison);
  assert.equal(registry.asked, 1);
  await driven.driver.advance(60_001);
  await driven.raw(EVENTS, 'm-1', poison);
  assert.equal(registry.asked, 2);
  await driven.end();
  assert.equal(driven.letters.length, 6);
});
