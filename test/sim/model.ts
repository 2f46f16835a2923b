/**
 * What should exist, reckoned apart: plain TypeScript over the scenario, no part of the engine. It
 * knows the rules of topology/reno.yaml as numbers, and what a transaction is: what was not
 * committed is taken back by a crash and done again on the clock of that moment.
 */
import { type Action, type SimEvent, START_MS, type UseCase } from './scenario.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const MAX_FUTURE_MS = 10 * MINUTE_MS;

interface Rules {
  readonly id: string;
  readonly priority: string;
  /** The priority of a raised event. */
  readonly raised: string;
  readonly maxAgeMs: number | null;
  readonly dedupMs: number;
  readonly burst: { readonly quietMs: number; readonly atMostMs: number } | null;
  /** Whether the device that caused it is spared. */
  readonly spares: boolean;
  readonly notFor: readonly string[];
  /** The transports that the use case allows; all when it is left out. */
  readonly only?: readonly string[];
}

/** All streams; each reads the events of one use case, and one more those of plan changes. */
type Stream = UseCase | 'plan-notice';

const streamsOf = (event: SimEvent): readonly Stream[] =>
  event.useCase === 'plan-change' ? ['plan-change', 'plan-notice'] : [event.useCase];

const RULES: { readonly [stream in Stream]: Rules } = {
  'viewing-activity': {
    id: 'va',
    priority: 'normal',
    raised: 'normal',
    maxAgeMs: 2 * MINUTE_MS,
    dedupMs: 10 * MINUTE_MS,
    burst: { quietMs: 2 * SECOND_MS, atMostMs: 10 * SECOND_MS },
    spares: true,
    notFor: ['set-top'],
  },
  'recommendation-refresh': {
    id: 'rr',
    priority: 'low',
    raised: 'low',
    maxAgeMs: HOUR_MS,
    dedupMs: HOUR_MS,
    burst: { quietMs: 30 * SECOND_MS, atMostMs: 2 * MINUTE_MS },
    spares: false,
    notFor: [],
  },
  'plan-change': {
    id: 'pl',
    priority: 'critical',
    raised: 'critical',
    maxAgeMs: 24 * HOUR_MS,
    dedupMs: 24 * HOUR_MS,
    burst: null,
    spares: false,
    notFor: [],
  },
  'plan-notice': {
    id: 'pn',
    priority: 'critical',
    raised: 'critical',
    maxAgeMs: null,
    dedupMs: 0,
    burst: null,
    spares: false,
    notFor: [],
    only: ['fcm', 'inbox'],
  },
  'my-list-update': {
    id: 'ml',
    priority: 'normal',
    raised: 'normal',
    maxAgeMs: 10 * MINUTE_MS,
    dedupMs: 10 * MINUTE_MS,
    burst: { quietMs: SECOND_MS, atMostMs: 5 * SECOND_MS },
    spares: true,
    notFor: [],
  },
  'profile-change': {
    id: 'pf',
    priority: 'high',
    raised: 'critical',
    maxAgeMs: null,
    dedupMs: 24 * HOUR_MS,
    burst: null,
    spares: false,
    notFor: [],
  },
  'diagnostic-signal': {
    id: 'ds',
    priority: 'low',
    raised: 'critical',
    maxAgeMs: 15 * MINUTE_MS,
    dedupMs: HOUR_MS,
    burst: null,
    spares: false,
    notFor: [],
  },
};

interface Owner {
  readonly member: string;
  readonly epoch: number;
  readonly active: boolean;
  readonly class: string;
  /** Best first, never empty. */
  readonly transports: readonly string[];
  readonly said: string;
}

interface Burst {
  newest: SimEvent;
  count: number;
  readonly firstMs: number;
  lastMs: number;
}

/** Everything that a transaction covers. */
interface State {
  readonly owners: Map<string, Owner>;
  /** Event times by stream, priority, partition and event id. */
  readonly seen: Map<string, number>;
  /** The newest event time by stream, priority and partition. */
  readonly streamMs: Map<string, number>;
  readonly bursts: Map<string, Burst>;
  readonly told: string[];
  deadLetters: number;
}

type Input = Extract<
  Action,
  { kind: 'event' | 'poison' | 'register' | 'delete' | 'connect' | 'disconnect' }
>;

export interface Told {
  readonly useCase: string;
  readonly eventId: string;
  readonly device: string;
  readonly epoch: number;
  readonly priority: string;
  readonly transport: string;
  readonly count: number;
  readonly deadlineMs: number;
}

export function toldText(told: Told): string {
  const { useCase, eventId, device, epoch, priority, transport, count, deadlineMs } = told;
  const until = deadlineMs === 0 ? 'no deadline' : `until ${deadlineMs - START_MS}`;
  return `${useCase} ${eventId} → ${device}#${epoch} ${priority}.${transport} ×${count} ${until}`;
}

export class Model {
  readonly #commitEvery: number;
  readonly #coalesces: boolean;
  #nowMs = START_MS;
  #state: State = {
    owners: new Map(),
    seen: new Map(),
    streamMs: new Map(),
    bursts: new Map(),
    told: [],
    deadLetters: 0,
  };
  #committed = structuredClone(this.#state);
  #pending: Input[] = [];
  #uncommitted = 0;

  constructor(commitEvery: number, coalesces: boolean) {
    this.#commitEvery = commitEvery;
    this.#coalesces = coalesces;
  }

  /** One line for each notification that must exist. */
  get told(): readonly string[] {
    return this.#committed.told;
  }

  /** One line for each device that was ever registered. */
  get devices(): readonly string[] {
    return [...this.#committed.owners].map(
      ([device, { member, epoch, active }]) =>
        `${device} ${member}#${epoch} ${active ? 'ACTIVE' : 'DELETED'}`,
    );
  }

  get deadLetters(): number {
    return this.#committed.deadLetters;
  }

  get held(): number {
    return this.#committed.bursts.size;
  }

  act(action: Action): void {
    switch (action.kind) {
      case 'advance':
        this.#nowMs += action.ms;
        this.#fire();
        if (this.#uncommitted === 0) this.#commit();
        return;
      case 'commit':
      case 'restart':
        this.#commit();
        return;
      case 'crash':
        this.#state = structuredClone(this.#committed);
        this.#fire();
        for (const input of this.#pending) this.#process(input);
        if (this.#uncommitted === 0) this.#commit();
        return;
      default:
        this.#pending.push(action);
        this.#process(action);
        this.#uncommitted++;
        if (this.#uncommitted >= this.#commitEvery) this.#commit();
    }
  }

  #commit(): void {
    this.#committed = structuredClone(this.#state);
    this.#pending = [];
    this.#uncommitted = 0;
  }

  #process(input: Input): void {
    if (input.kind === 'event') this.#event(input);
    else if (input.kind === 'poison') this.#state.deadLetters += streamsOf(input.event).length;
    else if (input.kind === 'register') this.#register(input);
    else if (input.kind === 'delete') this.#delete(input.device);
  }

  #register({ device, member, class: of, transports }: Extract<Input, { kind: 'register' }>): void {
    const { owners } = this.#state;
    const before = owners.get(device);
    const moved = before !== undefined && before.member !== member;
    const said = JSON.stringify([member, of, transports]);
    if (before?.active === true && before.said === said) return;
    const epoch = before === undefined ? 1 : before.epoch + (moved ? 1 : 0);
    const ways = transports.length > 0 ? transports : ['inbox'];
    owners.set(device, { member, epoch, active: true, class: of, transports: ways, said });
  }

  #delete(device: string): void {
    const before = this.#state.owners.get(device);
    if (before?.active !== true) return;
    this.#state.owners.set(device, { ...before, epoch: before.epoch + 1, active: false });
  }

  #event({ event, partition, strays }: Extract<Input, { kind: 'event' }>): void {
    const streams = streamsOf(event);
    if (strays || event.timeMs - this.#nowMs > MAX_FUTURE_MS) {
      // Each use case has its own dead letter of it.
      this.#state.deadLetters += streams.length;
      return;
    }
    for (const stream of streams) {
      const rules = RULES[stream];
      if (rules.maxAgeMs !== null && this.#nowMs - event.timeMs > rules.maxAgeMs) continue;
      if (rules.dedupMs > 0 && this.#isDuplicate(event, partition, rules)) continue;
      if (!this.#coalesces || rules.burst === null) this.#tell(event, 1, rules);
      else this.#hold(event);
    }
  }

  #isDuplicate(event: SimEvent, partition: number, rules: Rules): boolean {
    const { seen, streamMs } = this.#state;
    const place = `${event.useCase} ${priorityOf(event, rules)} ${partition}`;
    const newestMs = Math.max(streamMs.get(place) ?? -Infinity, event.timeMs);
    streamMs.set(place, newestMs);
    const key = `${place} ${event.eventId}`;
    const seenMs = seen.get(key);
    // Repeats are exact copies: either it was remembered, or it was too late to be judged.
    if (seenMs !== undefined) return true;
    if (event.timeMs >= newestMs - rules.dedupMs) seen.set(key, event.timeMs);
    return false;
  }

  #hold(event: SimEvent): void {
    const { bursts } = this.#state;
    const key = `${event.useCase} ${event.profile} ${event.subject}`;
    const burst = bursts.get(key);
    if (burst === undefined) {
      bursts.set(key, { newest: event, count: 1, firstMs: this.#nowMs, lastMs: this.#nowMs });
      return;
    }
    burst.count++;
    burst.lastMs = this.#nowMs;
    if (event.timeMs >= burst.newest.timeMs) burst.newest = event;
  }

  #fire(): void {
    for (const [key, { newest, count, firstMs, lastMs }] of this.#state.bursts) {
      const { quietMs, atMostMs } = RULES[newest.useCase].burst!;
      if (Math.min(lastMs + quietMs, firstMs + atMostMs) > this.#nowMs) continue;
      this.#state.bursts.delete(key);
      this.#tell(newest, count, RULES[newest.useCase]);
    }
  }

  /** The table of devices is what was committed: other tasks write it. */
  #tell(event: SimEvent, count: number, rules: Rules): void {
    for (const [device, owner] of this.#committed.owners) {
      if (!owner.active || owner.member !== event.member) continue;
      if (rules.notFor.includes(owner.class)) continue;
      if (rules.spares && device === event.device) continue;
      const transport = owner.transports.find((way) => rules.only?.includes(way) ?? true);
      if (transport === undefined) continue;
      this.#state.told.push(
        toldText({
          useCase: rules.id,
          eventId: event.eventId,
          device,
          epoch: owner.epoch,
          priority: priorityOf(event, rules),
          transport,
          count,
          deadlineMs: rules.maxAgeMs === null ? 0 : event.timeMs + rules.maxAgeMs,
        }),
      );
    }
  }
}

function priorityOf(event: SimEvent, { priority, raised }: Rules): string {
  return event.raised ? raised : priority;
}
