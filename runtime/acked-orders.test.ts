/**
 * `guarantee: acked` in orders by chance: events, acknowledgements, devices that move, crashes and
 * restarts, beside a model of a few lines that says who is told when, by what, and how it ends.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, type Cursor, emptyCursor, formatCursor } from '../core/cursor.ts';
import type { Transport } from '../core/device.ts';
import { Driven, lanesWith, planChange, planChanges, START_MS } from '../test/kit/drive.ts';
import { Chance } from '../test/sim/chance.ts';

const SEED = Number(process.env.SEED ?? 20_261_128);
const ORDERS = 16;
const STEPS = 30;
const AFTER_MS = 60_000;
const LIFE_MS = 20 * 60_000;
/** Times are whole multiples of it, and due times are not: nothing happens at one moment. */
const TICK_MS = 11_000;
console.log(`orders: seed ${SEED} (SEED=… runs another)`);

const TEXT = lanesWith(
  planChanges({
    steps: '      - gate_staleness: { max_age: 20m }\n',
    lane: ', guarantee: acked, again_after: 1m',
  }),
);
/** What becomes visible in it is worked on when the process dies, the next time. */
const KILLED_BEHIND = [
  'events.plan-change',
  'events.device-registration',
  'notifications.critical.websocket',
  'notifications.critical.fcm',
  'notifications.critical.apns',
  'tables.acknowledgements',
  'tables.device-owners',
  'outcomes',
];
const PUSHES: readonly Transport[] = ['websocket', 'fcm', 'apns'];

interface Told {
  readonly device: string;
  readonly sequence: number;
  readonly epoch: number;
  readonly bornMs: number;
  readonly transports: readonly Transport[];
  /** When it was acknowledged, or its device moved; the earlier counts. */
  ackedMs: number;
  movedMs: number;
}

class Phone {
  readonly id: string;
  readonly transports: readonly Transport[];
  epoch = 1;
  moves = 0;
  sequence = 0;
  acked: Cursor = emptyCursor(1);

  constructor(id: string, transports: readonly Transport[]) {
    this.id = id;
    this.transports = transports;
  }

  get member(): string {
    return `${this.id}-of-${this.moves}`;
  }
}

/** A driven topology, and what should come of what is done with it. */
class World {
  readonly #driven: Driven;
  readonly #phones: readonly Phone[];
  readonly #told: Told[] = [];
  #events = 0;

  constructor(driven: Driven, phones: readonly Phone[]) {
    this.#driven = driven;
    this.#phones = phones;
  }

  static async open(chance: Chance): Promise<World> {
    const driven = await Driven.open(TEXT, { commitEvery: 1, partitions: 1 + chance.below(3) });
    const phones = [0, 1, 2].map((n) => {
      const first = chance.below(PUSHES.length);
      const count = 1 + chance.below(PUSHES.length);
      const transports = [...PUSHES.slice(first), ...PUSHES.slice(0, first)].slice(0, count);
      return new Phone(`tv-${n}`, transports);
    });
    const world = new World(driven, phones);
    for (const phone of phones) {
      const { id: deviceId } = phone;
      await world.#register(phone);
      const row = { deviceId, gatewayId: 'g', connectionId: deviceId, generation: 1 };
      await driven.feed('tables.presence', deviceId, { ...row, connectedAt: START_MS });
    }
    return world;
  }

  get #now(): number {
    return this.#driven.driver.clock.now();
  }

  async step(chance: Chance): Promise<void> {
    const phone = this.#phones[chance.below(this.#phones.length)]!;
    const what = chance.below(12);
    const { driver } = this.#driven;
    if (what < 4) await driver.advance((1 + chance.below(40)) * TICK_MS);
    else if (what < 7) await this.#event(phone);
    else if (what < 9)
      await this.#acknowledge(phone, 1 + chance.below(Math.max(1, phone.sequence)));
    else if (what === 9) await this.#move(phone);
    else if (what === 10) await driver.restart();
    else driver.crashBehind(KILLED_BEHIND[chance.below(KILLED_BEHIND.length)]!);
  }

  async #register(phone: Phone): Promise<void> {
    await this.#driven.register(phone.id, phone.member, { transports: phone.transports });
  }

  async #event(phone: Phone): Promise<void> {
    const value = planChange(`e-${++this.#events}`, phone.member, { changedAt: this.#now });
    const { id: device, epoch, transports } = phone;
    const sequence = ++phone.sequence;
    const ends = { ackedMs: Infinity, movedMs: Infinity };
    this.#told.push({ device, sequence, epoch, bornMs: this.#now, transports, ...ends });
    await this.#driven.feed('events.plan-change', phone.member, value);
  }

  async #acknowledge(phone: Phone, sequence: number): Promise<void> {
    const { id: deviceId, epoch } = phone;
    if (sequence > phone.sequence) return;
    add(phone.acked, 0, sequence);
    const one = this.#told.find(
      (told) => told.device === deviceId && told.epoch === epoch && told.sequence === sequence,
    )!;
    one.ackedMs = Math.min(one.ackedMs, this.#now);
    const row = { deviceId, epoch, cursor: formatCursor(phone.acked), at: this.#now };
    await this.#driven.feed('tables.acknowledgements', deviceId, row);
  }

  async #move(phone: Phone): Promise<void> {
    for (const told of this.#told) {
      const isOurs = told.device === phone.id && told.epoch === phone.epoch;
      if (isOurs) told.movedMs = Math.min(told.movedMs, this.#now);
    }
    phone.moves++;
    phone.epoch++;
    phone.sequence = 0;
    phone.acked = emptyCursor(phone.epoch);
    await this.#register(phone);
  }

  /** Until nothing is awaited any more; then it is compared. */
  async end(): Promise<void> {
    await this.#driven.driver.advance(2 * LIFE_MS);
    const given = this.#driven.given
      .filter(({ sink }) => sink !== 'inbox')
      .map(({ sink, atMs, notification: { deviceId, epoch, sequence } }) =>
        [deviceId, epoch, sequence, atMs - START_MS, sink].join(' '),
      );
    assert.deepEqual([...new Set(given)].sort(), this.#told.flatMap(tellings).sort());
    const ends = this.#driven.drops
      .filter((drop) => drop.includes('/remind') && !drop.endsWith(' known'))
      .map((drop) => drop.split(' ')[1]!);
    assert.deepEqual(ends.sort(), this.#told.map(endOf).sort());
    await this.#driven.end();
  }
}

/** After a wait, then twice as long each time, by the transports in turn. */
function tellings({ device, epoch, sequence, bornMs, transports, ...of }: Told): string[] {
  const endMs = Math.min(bornMs + LIFE_MS, of.ackedMs, of.movedMs);
  const all: string[] = [];
  for (let n = 0; n === 0 || atOf(n) < endMs; n++) {
    const sink = transports[n % transports.length]!;
    all.push([device, epoch, sequence, atOf(n) - START_MS, sink].join(' '));
  }
  return all;

  function atOf(n: number): number {
    return bornMs + (2 ** n - 1) * AFTER_MS;
  }
}

/** What it comes to when it is looked at the next time. */
function endOf({ ackedMs, movedMs, bornMs }: Told): string {
  const endMs = bornMs + LIFE_MS;
  if (ackedMs < endMs) return 'acknowledged';
  return movedMs < lastLookOf(bornMs) ? 'moved' : 'unacknowledged';
}

/** Before the one at its deadline, at which it is not asked any more whose the device is. */
function lastLookOf(bornMs: number): number {
  let n = 0;
  while ((2 ** (n + 1) - 1) * AFTER_MS < LIFE_MS) n++;
  return bornMs + (2 ** n - 1) * AFTER_MS;
}

for (let order = 0; order < ORDERS; order++) {
  const seed = SEED + order;
  test(`as the model says, seed ${seed}`, async () => {
    const chance = new Chance(seed);
    const world = await World.open(chance);
    for (let n = 0; n < STEPS; n++) await world.step(chance);
    await world.end();
  });
}
