/** Joins: with a stream near in time, with a table, and with a table that is held whole. */
import { START_MS } from '../../kit/drive.ts';
import type { Chance } from '../chance.ts';
import {
  closersOf,
  type Feed,
  type Happening,
  isCloser,
  lineOf,
  type Model,
  record,
  type World,
  writtenTo,
} from './world.ts';

const FEEDS = 80;
const CUSTOMERS = ['a', 'b', 'c', 'd'];
const ORDERS = ['o1', 'o2', 'o3', 'o4', 'o5'];
const SHIPS = ['s1', 's2'];
const WITHIN_MS = 60;
const HOUR_MS = 3_600_000;

const ORDER = record('Order', {
  ...{ id: 'string', orderId: 'string', ship: ['null', 'string'], at: 'long' },
});
const PAYMENT = record('Payment', { id: 'string', at: 'long' });
const CUSTOMER = record('Customer', { customerId: 'string', name: 'string' });
const SHIP = record('Ship', { shipId: 'string', name: 'string' });
const PAIR = record('Pair', { own: ['null', 'string'], other: ['null', 'string'] });

const FROM = 'topic: orders, schema: Order, time: value.at, id: value.id';
const joined = (type: string) => `  paid-${type}:
    id: paid-${type}
    from: { streams: [by-order] }
    steps:
      - join_streams: { with: payments-${type}, within: ${WITHIN_MS}ms, grace: 10m, type: ${type}, own_as: own, as: other }
      - map: { fields: { own: ${name('own', type !== 'outer')}, other: ${name('other', type === 'inner')} } }
    to: { topic: paid-${type}, schema: Pair }
  payments-${type}:
    id: payments-${type}
    from: { topic: payments, schema: Payment, time: value.at, id: value.id }
`;
const name = (side: string, isThere: boolean) =>
  isThere ? `value.${side}.id` : `'value.${side} == null ? null : value.${side}.id'`;

const TYPES = ['inner', 'left', 'outer'] as const;
const TOPOLOGY = `topology: pairs
tables:
  customers: { topic: customers, schema: Customer, key: customerId }
  ships: { topic: ships, schema: Ship, key: shipId, whole: true }
streams:
  by-order:
    id: bo
    from: { ${FROM} }
    steps:
      - rekey: { by: value.orderId }
${TYPES.map(joined).join('')}  named:
    id: na
    from: { ${FROM} }
    steps:
      - join: { table: customers, type: left, as: customer }
      - map: { fields: { own: value.id, other: 'value.customer == null ? null : value.customer.name' } }
    to: { topic: named, schema: Pair }
  shipped:
    id: sh
    from: { ${FROM} }
    steps:
      - join: { table: ships, by: value.ship, as: carrier }
      - map: { fields: { own: value.id, other: value.carrier.name } }
    to: { topic: shipped, schema: Pair }
`;

interface Kept {
  readonly id: string;
  readonly orderId: string;
  readonly at: number;
}

class Pairs implements Model {
  /** Of an inner join a record that met none, and of a left one a payment that did. */
  readonly #own: Kept[] = [];
  readonly #others: Kept[] = [];
  readonly #names = new Map<string, string>();
  readonly #lines: string[] = [];

  act(happening: Happening): void {
    if (happening.kind !== 'feed') return;
    const { topic, key, value, at } = happening;
    if (isCloser(key)) return;
    if (topic === 'ships') return;
    if (topic === 'customers') {
      if (value === null) this.#names.delete(key);
      else this.#names.set(key, value.name as string);
      return;
    }
    const { id, orderId = key, ship } = value as { id: string; orderId?: string; ship?: string };
    const side = topic === 'orders' ? this.#own : this.#others;
    side.push({ id, orderId, at });
    if (topic !== 'orders') return;
    const named = { own: id, other: this.#names.get(key) ?? null };
    this.#lines.push(lineOf('named', key, named, at));
    if (SHIPS.includes(ship ?? '')) {
      this.#lines.push(lineOf('shipped', key, { own: id, other: `the ${ship}` }, at));
    }
  }

  get lines(): readonly string[] {
    return [...this.#lines, ...TYPES.flatMap((type) => this.#joined(type))];
  }

  #joined(type: (typeof TYPES)[number]): string[] {
    const lines: string[] = [];
    const met = new Set<Kept>();
    const tell = (key: string, own: string | null, other: string | null, at: number) =>
      lines.push(lineOf(`paid-${type}`, key, { own, other }, at));
    for (const own of this.#own) {
      for (const other of this.#others) {
        if (own.orderId !== other.orderId || Math.abs(own.at - other.at) > WITHIN_MS) continue;
        met.add(own).add(other);
        tell(own.orderId, own.id, other.id, Math.max(own.at, other.at));
      }
    }
    if (type === 'inner') return lines;
    for (const { id, orderId, at } of this.#own.filter((one) => !met.has(one))) {
      tell(orderId, id, null, at);
    }
    if (type === 'left') return lines;
    for (const { id, orderId, at } of this.#others.filter((one) => !met.has(one))) {
      tell(orderId, null, id, at);
    }
    return lines;
  }
}

function draw(chance: Chance, partitions: number, feeds = FEEDS): Happening[] {
  const happenings: Happening[] = [];
  const feed = (topic: string, key: string, value: Feed['value'], at: number) =>
    happenings.push({ kind: 'feed', topic, key, value, at });
  // One that is held whole applies its changes whenever they come: it has them all before.
  for (const shipId of SHIPS) feed('ships', shipId, { shipId, name: `the ${shipId}` }, 0);
  happenings.push({ kind: 'commit' });
  const order = (n: number, key: string, orderId: string, at: number) => {
    const ship = chance.pick([null, 's0', ...SHIPS]);
    feed('orders', key, { id: `own-${n}`, orderId, ship, at: START_MS + at }, at);
  };
  let at = 1;
  for (let n = 0; n < feeds; n++) {
    // Rows and events are taken by their times: so they come in it, and no two at once.
    at += 1 + chance.below(chance.is(0.1) ? 100 : 12);
    const what = chance.weighted({ order: 5, payment: 5, customer: 2 });
    const customer = chance.pick(CUSTOMERS);
    if (what === 'order') order(n, customer, chance.pick(ORDERS), at);
    if (what === 'payment') {
      // In another order than their times, but never too late.
      const paidAt = Math.max(0, at - chance.below(40));
      feed('payments', chance.pick(ORDERS), { id: `other-${n}`, at: START_MS + paidAt }, paidAt);
    }
    if (what === 'customer') {
      const row = { customerId: customer, name: `${customer}-${n}` };
      feed('customers', customer, chance.is(0.25) ? null : row, at);
    }
  }
  happenings.push({ kind: 'commit' }, { kind: 'advance', ms: HOUR_MS });
  const closers = closersOf(partitions);
  for (const [n, key] of closers.entries()) for (const of of closers) order(-n, key, of, HOUR_MS);
  happenings.push({ kind: 'commit' }, { kind: 'advance', ms: HOUR_MS });
  for (const [n, key] of closers.entries()) {
    for (const of of closers) order(-n, key, of, 2 * HOUR_MS);
  }
  return happenings;
}

export const pairs: World = {
  name: 'pairs',
  topology: TOPOLOGY,
  schemas: [ORDER, PAYMENT, CUSTOMER, SHIP, PAIR],
  stores: ['tables/customers'],
  draw,
  model: () => new Pairs(),
  told: (driven) => writtenTo(driven, ['named', 'shipped', ...TYPES.map((type) => `paid-${type}`)]),
};
