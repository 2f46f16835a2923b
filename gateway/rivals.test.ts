/**
 * Many devices, each connecting, losing its connection and connecting twice, on three gateways, in
 * any order, with a log and a table that come late: in the end each device has one connection open,
 * the newest, and the table names it.
 */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { HandClock } from '../core/clock.ts';
import { emptyCursor } from '../core/cursor.ts';
import { BUDGET_LIMITS, Budgets } from './budgets.ts';
import { Connection, type ConnectionDeps } from './connection.ts';
import { Hub } from './hub.ts';
import { GATEWAY_LIMITS, newCounts } from './limits.ts';

const SEED = Number(process.env.SEED ?? 20_260_101);
const ORDERS = 10_000;
const GATEWAYS = 3;
console.log(`interleavings: seed ${SEED} (SEED=… runs another)`);

/** Mulberry32: small, and the same everywhere. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

interface Said {
  readonly connection: Connection;
  readonly action: 'CONNECTED' | 'CLOSED';
}

/** One device, three gateways, one log, and the fold of presence as rule D10 says it. */
class World {
  readonly #hubs: readonly Hub[];
  readonly #deps: readonly ConnectionDeps[];
  /** What each gateway has said and the log does not have yet, in its order. */
  readonly #unsaid: readonly Said[][] = Array.from({ length: GATEWAYS }, () => []);
  readonly log: Said[] = [];
  #folded = 0;
  #row: { readonly id: string; readonly generation: number } | null = null;
  /** Changes of the row, and how far each gateway has followed them. */
  readonly #changes: (typeof this.row)[] = [];
  readonly #followed = new Array<number>(GATEWAYS).fill(0);
  #connections = 0;

  constructor() {
    const clock = new HandClock(0);
    this.#hubs = Array.from({ length: GATEWAYS }, () => new Hub(clock));
    const budgets = new Budgets(clock, BUDGET_LIMITS);
    this.#deps = this.#hubs.map((hub, at) => {
      const ended = (connection: Connection) => {
        hub.remove(connection);
        this.#unsaid[at]!.push({ connection, action: 'CLOSED' });
      };
      const shared = { clock, budgets, limits: GATEWAY_LIMITS, counts: newCounts(), ended };
      return { ...shared, inbox: {}, outcomes: {} } as unknown as ConnectionDeps;
    });
  }

  get row() {
    return this.#row;
  }

  get open(): readonly Connection[] {
    return this.#hubs.flatMap((hub) => [...hub.all()]);
  }

  connect(at: number): void {
    const socket = Object.assign(new EventEmitter(), {
      bufferedAmount: 0,
      send: () => undefined,
      close: () => undefined,
    }) as unknown as WebSocket;
    const order = ++this.#connections;
    const cursor = emptyCursor(1);
    const facts = {
      id: `c-${order}`,
      order,
      deviceId: 'd',
      epoch: 1,
      expiresAt: 1e15,
      recycleAt: 1e15,
    };
    const more = { ...facts, from: cursor, acked: emptyCursor(1), raw: null };
    const connection = new Connection(this.#deps[at]!, socket, more);
    this.#hubs[at]!.add(connection);
    this.#unsaid[at]!.push({ connection, action: 'CONNECTED' });
  }

  /** The device, or the net, ends a connection: one that is open on this gateway. */
  lose(at: number): void {
    const [connection] = this.#hubs[at]!.all();
    connection?.close({ code: 3002, reason: 'heartbeat-lost', what: '' });
  }

  /** The log takes the next fact of a gateway. */
  say(at: number): void {
    const said = this.#unsaid[at]!.shift();
    if (said === undefined) return;
    const offset = this.log.push(said) - 1;
    if (said.action === 'CONNECTED') said.connection.registered(offset);
  }

  fold(): void {
    const said = this.log[this.#folded];
    if (said === undefined) return;
    const generation = this.#folded++;
    const { id } = said.connection;
    if (said.action === 'CONNECTED') this.#row = { id, generation };
    else if (this.#row?.id === id) this.#row = null;
    else return;
    this.#changes.push(this.#row);
  }

  follow(at: number): void {
    if (this.#followed[at]! >= this.#changes.length) return;
    const row = this.#changes[this.#followed[at]!++];
    const connection = this.#hubs[at]!.ofDevice('d');
    if (row === null || row === undefined || connection === undefined) return;
    if (row.id !== connection.id) connection.rival(row.generation);
  }

  settle(): void {
    for (let before = Number.NaN; before !== this.#progress(); ) {
      before = this.#progress();
      for (let at = 0; at < GATEWAYS; at++) this.say(at);
      this.fold();
      for (let at = 0; at < GATEWAYS; at++) this.follow(at);
    }
  }

  #progress(): number {
    const waiting = this.#unsaid.reduce((sum, { length }) => sum + length, 0);
    const followed = this.#followed.reduce((sum, one) => sum + one, 0);
    return this.log.length * 1_000_000 + this.#folded * 1_000 + followed - waiting;
  }
}

test(`${ORDERS} orders of connects, losses and doubles: the newest is the owner`, () => {
  const below = chance(SEED);
  for (let order = 0; order < ORDERS; order++) {
    const world = new World();
    for (let step = 0; step < 24; step++) {
      const at = below(GATEWAYS);
      const act = below(10);
      if (act < 3) world.connect(at);
      else if (act < 4) world.lose(at);
      else if (act < 7) world.say(at);
      else if (act < 8) world.fold();
      else world.follow(at);
    }
    world.settle();
    const { open, row } = world;
    const name = `seed ${SEED}, order ${order}`;
    assert.ok(open.length <= 1, `${name}: ${open.length} are open`);
    assert.equal(row?.id, open[0]?.id, `${name}: the table names another`);
    const connects = world.log.filter(({ action }) => action === 'CONNECTED');
    const last = connects.at(-1)?.connection;
    if (open.length > 0) assert.equal(open[0], last, `${name}: not the newest`);
  }
});
