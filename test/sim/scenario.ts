/** What happens in one simulation: drawn from its seed before anything runs. */
import { partitionOfText } from '../../core/partition.ts';
import { Chance } from './chance.ts';

export const START_MS = Date.UTC(2026, 0, 1);

const ACTIONS = 160;
const MEMBERS = 5;
const DEVICES = 9;
const MINUTE_MS = 60_000;
/** Farther ahead than this is poison (the topology's `max_future`). */
const MAX_FUTURE_MS = 10 * MINUTE_MS;
/** Events are repeated only while every memory of the engine must still hold them. */
const REPEATED_WITHIN_MS = 8 * MINUTE_MS;

export const USE_CASES = [
  'viewing-activity',
  'recommendation-refresh',
  'plan-change',
  'my-list-update',
  'profile-change',
  'diagnostic-signal',
] as const;
export type UseCase = (typeof USE_CASES)[number];

const CLASSES = ['mobile', 'tablet', 'tv', 'stick', 'set-top', 'web'] as const;
const TRANSPORTS = ['websocket', 'fcm', 'apns', 'inbox'] as const;
const POISONS = ['text', 'tombstone', 'unknown-schema', 'cut', 'other-key', 'no-key'] as const;
export type Poison = (typeof POISONS)[number];

export interface SimEvent {
  readonly useCase: UseCase;
  readonly eventId: string;
  readonly member: string;
  readonly profile: string;
  /** Title or list: what bursts are made of, besides the profile. */
  readonly subject: string;
  /** The device that caused it. */
  readonly device: string | null;
  /** `MATURITY_LEVEL_CHANGED`, or an urgent signal. */
  readonly raised: boolean;
  readonly timeMs: number;
}

export type Action =
  | {
      readonly kind: 'event';
      readonly event: SimEvent;
      readonly partition: number;
      /** It is not on the partition of its key. */
      readonly strays: boolean;
    }
  | {
      readonly kind: 'poison';
      readonly poison: Poison;
      readonly event: SimEvent;
      readonly partition: number;
    }
  | {
      readonly kind: 'register';
      readonly device: string;
      readonly member: string;
      readonly class: string;
      readonly transports: readonly (typeof TRANSPORTS)[number][];
    }
  | { readonly kind: 'delete'; readonly device: string }
  | {
      readonly kind: 'connect' | 'disconnect';
      readonly device: string;
      readonly connection: string;
    }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'commit' | 'restart' | 'crash' };

export interface Scenario {
  readonly seed: number;
  readonly partitions: number;
  readonly commitEvery: number;
  /** Without it every event can be reckoned by itself. */
  readonly coalesces: boolean;
  /** Whether sinks fail, refuse, and do not answer. */
  readonly sinksFail: boolean;
  /**
   * Whether a sink may leave a delivery without an answer. Time-outs are the machine's: such runs
   * keep the invariants, but not the order of what happens in one instant.
   */
  readonly sinksHang: boolean;
  readonly actions: readonly Action[];
}

class Draw {
  readonly #chance: Chance;
  readonly #partitions: number;
  /** Nothing crashes or restarts: then nothing may be repeated either. */
  readonly #isCalm: boolean;
  readonly #recent: SimEvent[] = [];
  #nowMs = START_MS;
  #events = 0;
  #connections = 0;

  constructor(chance: Chance, partitions: number, isCalm: boolean) {
    this.#chance = chance;
    this.#partitions = partitions;
    this.#isCalm = isCalm;
  }

  action(): Action {
    const chance = this.#chance;
    const kind = chance.weighted({
      event: 50,
      register: 10,
      delete: 3,
      connect: 6,
      disconnect: 2,
      poison: 3,
      advance: 20,
      commit: 2,
      restart: this.#isCalm ? 0 : 2,
      crash: this.#isCalm ? 0 : 3,
    });
    if (kind === 'event') return this.#event();
    if (kind === 'poison') return this.#poison();
    if (kind === 'register') return this.register(this.#device());
    if (kind === 'delete') return { kind, device: this.#device() };
    if (kind === 'advance') return this.#advance();
    if (kind === 'connect' || kind === 'disconnect') {
      const connection = `c-${kind === 'connect' ? ++this.#connections : this.#connections}`;
      return { kind, device: this.#device(), connection };
    }
    return { kind };
  }

  register(device: string): Action {
    const chance = this.#chance;
    const transports = TRANSPORTS.filter(() => chance.is(0.4));
    return {
      kind: 'register',
      device,
      member: this.#member(),
      class: chance.pick(CLASSES),
      transports: chance.is(0.5) ? transports : transports.toReversed(),
    };
  }

  #event(): Action {
    const chance = this.#chance;
    const old = this.#recent.filter(({ timeMs }) => timeMs > this.#nowMs - REPEATED_WITHIN_MS);
    const repeats = old.length > 0 && chance.is(0.15);
    const event = repeats ? chance.pick(old) : this.#newEvent(this.#timeMs());
    if (!repeats) this.#recent.push(event);
    const own = partitionOfText(event.member, this.#partitions);
    // Another client's partitioner now and then (rule D14).
    const strays = this.#partitions > 1 && !repeats && chance.is(0.03);
    const partition = strays ? (own + 1) % this.#partitions : own;
    return { kind: 'event', event, partition, strays };
  }

  #poison(): Action {
    const event = this.#newEvent(this.#nowMs);
    const poison = this.#chance.pick(POISONS);
    const partition = poison === 'no-key' ? 0 : partitionOfText(event.member, this.#partitions);
    return { kind: 'poison', poison, event, partition };
  }

  #newEvent(timeMs: number): SimEvent {
    const chance = this.#chance;
    const member = this.#member();
    return {
      useCase: chance.pick(USE_CASES),
      eventId: `e-${this.#events++}`,
      member,
      profile: `${member}-p${chance.below(2)}`,
      subject: `s-${chance.below(2)}`,
      device: chance.is(0.5) ? this.#device() : null,
      raised: chance.is(0.3),
      timeMs,
    };
  }

  #timeMs(): number {
    const chance = this.#chance;
    const when = chance.weighted({ now: 80, late: 12, soon: 6, far: 2 });
    if (when === 'late') return this.#nowMs - chance.below(90 * MINUTE_MS);
    if (when === 'soon') return this.#nowMs + chance.below(3 * MINUTE_MS);
    if (when === 'far') return this.#nowMs + MAX_FUTURE_MS + 1 + chance.below(MINUTE_MS);
    return this.#nowMs;
  }

  #advance(): Action {
    const chance = this.#chance;
    const span = chance.weighted({ short: 70, middle: 25, long: 5 });
    const most = { short: 3_000, middle: MINUTE_MS, long: 20 * MINUTE_MS }[span];
    const ms = 1 + chance.below(most);
    this.#nowMs += ms;
    return { kind: 'advance', ms };
  }

  #member(): string {
    return `m-${this.#chance.below(MEMBERS)}`;
  }

  #device(): string {
    return `d-${this.#chance.below(DEVICES)}`;
  }
}

export function scenarioOf(seed: number): Scenario {
  const chance = new Chance(seed);
  const partitions = chance.pick([1, 1, 2, 4]);
  const commitEvery = chance.pick([1, 1, 3, 12]);
  const coalesces = chance.is(0.5);
  const sinksFail = chance.is(0.7);
  const sinksHang = sinksFail && chance.is(0.5);
  const draw = new Draw(chance, partitions, chance.is(0.25));
  const actions: Action[] = [];
  for (let d = 0; d < DEVICES; d++) actions.push(draw.register(`d-${d}`));
  while (actions.length < ACTIONS) actions.push(draw.action());
  return { seed, partitions, commitEvery, coalesces, sinksFail, sinksHang, actions };
}
