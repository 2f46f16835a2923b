/**
 * Sample events of all six use cases, and of others by their schema. The same seed, run and times
 * give the same events. With `mistakes` some of them are what real producers send on bad days, so
 * that gates and dead letters have something to do.
 */

import { SeededRandom } from './random.ts';
import { memberIdOf, profilesOf, sampleDevices } from './sample-devices.ts';
import { type SchemaSample, sampleOf, withField } from './schema-samples.ts';

export const SAMPLE_TYPES = [
  'viewing-activity',
  'recommendation-refresh',
  'plan-change',
  'my-list-update',
  'profile-change',
  'diagnostic-signal',
] as const;
export type SampleType = (typeof SAMPLE_TYPES)[number];

/** The Avro record of each type, as schemas/events names it. */
export const SAMPLE_SCHEMAS: { readonly [type in SampleType]: string } = {
  'viewing-activity': 'ViewingActivity',
  'recommendation-refresh': 'RecommendationRefresh',
  'plan-change': 'PlanChange',
  'my-list-update': 'MyListUpdate',
  'profile-change': 'ProfileChange',
  'diagnostic-signal': 'DiagnosticSignal',
};

export interface SampleEvent {
  readonly type: string;
  /** The member: the record's key. */
  readonly key: string;
  readonly value: { readonly [field: string]: unknown };
  /** What it is a sample of; undefined for the six. */
  readonly sample?: SchemaSample;
}

export interface SampleEventsOptions {
  readonly seed: number;
  /** Goes into the event ids: two runs of one seed are the same events only with the same run. */
  readonly run: string;
  readonly members: number;
  /** In place of all six, in the proportions of `WEIGHTS`. */
  readonly types?: readonly SampleType[];
  /** Types beside these, made by their schema; each comes as often as a fifth of all known. */
  readonly bySchema?: readonly SchemaSample[];
  readonly mistakes: boolean;
}

/** Roughly how often each happens, of a hundred: people watch far more than they change plans. */
const WEIGHTS: { readonly [type in SampleType]: number } = {
  'viewing-activity': 55,
  'recommendation-refresh': 14,
  'plan-change': 4,
  'my-list-update': 14,
  'profile-change': 8,
  'diagnostic-signal': 5,
};
const WEIGHT_BY_SCHEMA = 20;
const PLANS = ['basic', 'standard', 'premium'];
const TITLES = 400;
/**
 * Titles that somebody watches at a time; their events come in bursts, which coalesce makes one of.
 */
const SESSIONS = 24;
const AGAIN = 0.75;

/** Shares of all events, when mistakes are asked for. */
const SENT_TWICE = 0.04;
const TOO_OLD = 0.03;
const NO_DEVICES = 0.02;
const WRONG_CLOCK = 0.01;
/** Told however late it comes: its stream has no gate_staleness. */
const UNGATED: ReadonlySet<string> = new Set(['profile-change']);
const TOO_OLD_MS = 2 * 24 * 3_600_000;
const WRONG_CLOCK_MS = 30 * 24 * 3_600_000;
const TIME_FIELDS = ['occurredAt', 'computedAt', 'changedAt', 'issuedAt'];

interface Session {
  readonly memberId: string;
  readonly profileId: string;
  readonly titleId: string;
  readonly deviceId: string;
  positionSeconds: number;
}

export class SampleEvents {
  readonly #options: SampleEventsOptions;
  readonly #random: SeededRandom;
  readonly #devices: ReadonlyMap<string, readonly string[]>;
  readonly #types: readonly SampleType[];
  readonly #sessions: Session[] = [];
  #last: SampleEvent | undefined;
  #made = 0;

  constructor(options: SampleEventsOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    const devices = new Map<string, string[]>();
    for (const { memberId, deviceId } of sampleDevices(options.members)) {
      devices.set(memberId, [...(devices.get(memberId) ?? []), deviceId]);
    }
    this.#devices = devices;
    this.#types = options.types ?? SAMPLE_TYPES;
  }

  next(nowMs: number): SampleEvent {
    const random = this.#random;
    const { mistakes } = this.#options;
    if (mistakes && this.#last !== undefined && random.chance(SENT_TWICE)) return this.#last;
    const type = this.#type();
    let event = typeof type === 'string' ? this.#make(type, nowMs) : this.#bySchema(type, nowMs);
    if (mistakes) event = this.#spoil(event, nowMs);
    this.#last = event;
    return event;
  }

  #type(): SampleType | SchemaSample {
    const { bySchema = [] } = this.#options;
    const known = this.#types.reduce((sum, type) => sum + WEIGHTS[type], 0);
    let at = this.#random.next() * (known + WEIGHT_BY_SCHEMA * bySchema.length);
    for (const type of this.#types) {
      at -= WEIGHTS[type];
      if (at < 0) return type;
    }
    return bySchema[Math.floor(at / WEIGHT_BY_SCHEMA)] ?? this.#types[0]!;
  }

  #bySchema(sample: SchemaSample, nowMs: number): SampleEvent {
    const { run, seed, members } = this.#options;
    const memberId = memberIdOf(this.#random.below(members));
    const facts = { memberId, eventId: `${run}-${seed}-${this.#made++}`, nowMs };
    const value = sampleOf(sample, facts, this.#random);
    return { type: sample.type, key: memberId, value, sample };
  }

  #make(type: SampleType, nowMs: number): SampleEvent {
    const random = this.#random;
    const { run, seed, members } = this.#options;
    const eventId = `${run}-${seed}-${this.#made++}`;
    const memberId = memberIdOf(random.below(members));
    const profileId = random.pick(profilesOf(memberId));
    const by = { eventId, memberId };
    switch (type) {
      case 'viewing-activity': {
        const { positionSeconds, ...session } = this.#watch();
        const kind = random.chance(0.9) ? 'PROGRESSED' : random.pick(['STARTED', 'STOPPED']);
        const value = { eventId, ...session, kind, positionSeconds, occurredAt: nowMs };
        return { type, key: session.memberId, value };
      }
      case 'recommendation-refresh': {
        const reason = random.pick(['SCHEDULED', 'NEW_TITLE', 'TASTE_CHANGED']);
        const value = { ...by, profileId, listId: 'home', reason, computedAt: nowMs };
        return { type, key: memberId, value };
      }
      case 'plan-change': {
        const planTo = random.pick(PLANS);
        const planFrom = random.pick(PLANS.filter((plan) => plan !== planTo));
        const streamsMax = 1 + PLANS.indexOf(planTo);
        return {
          type,
          key: memberId,
          value: { ...by, planFrom, planTo, streamsMax, changedAt: nowMs },
        };
      }
      case 'my-list-update': {
        const action = random.chance(0.8) ? 'ADDED' : 'REMOVED';
        const deviceId = random.pick(this.#devices.get(memberId)!);
        const value = {
          ...by,
          profileId,
          titleId: this.#title(),
          action,
          deviceId,
          changedAt: nowMs,
        };
        return { type, key: memberId, value };
      }
      case 'profile-change':
        return { type, key: memberId, value: this.#profileChange(by, profileId, nowMs) };
      case 'diagnostic-signal': {
        const command = random.pick(['COLLECT_LOGS', 'MEASURE_NETWORK', 'RELOAD_CONFIG']);
        const value = { ...by, command, urgent: random.chance(0.2), issuedAt: nowMs };
        return { type, key: memberId, value };
      }
    }
  }

  #profileChange(by: object, profileId: string, nowMs: number): SampleEvent['value'] {
    const random = this.#random;
    const kind = random.pick(['RENAMED', 'RENAMED', 'ADDED', 'MATURITY_LEVEL_CHANGED']);
    const name = kind === 'RENAMED' ? random.pick(['Robin', 'Sam', 'Kim', 'Alex']) : null;
    const maturityLevel = kind === 'MATURITY_LEVEL_CHANGED' ? random.pick([50, 70, 90, 110]) : null;
    return { ...by, profileId, kind, name, maturityLevel, deviceId: null, changedAt: nowMs };
  }

  /** Mostly somebody who is watching already, so that events of one title come close together. */
  #watch(): Session {
    const random = this.#random;
    const watching = this.#sessions.length > 0 && random.chance(AGAIN);
    if (watching) {
      const session = random.pick(this.#sessions);
      session.positionSeconds += 10;
      return { ...session };
    }
    const memberId = memberIdOf(random.below(this.#options.members));
    const session: Session = {
      memberId,
      profileId: random.pick(profilesOf(memberId)),
      titleId: this.#title(),
      deviceId: random.pick(this.#devices.get(memberId)!),
      positionSeconds: random.below(3_600),
    };
    this.#sessions.push(session);
    if (this.#sessions.length > SESSIONS) this.#sessions.shift();
    return { ...session };
  }

  #title(): string {
    return `t-${1 + this.#random.below(TITLES)}`;
  }

  /**
   * A queue that stood still for two days, a member who owns nothing, a clock that is a month
   * ahead.
   */
  #spoil(event: SampleEvent, nowMs: number): SampleEvent {
    const at = this.#random.next();
    if (at < TOO_OLD) return UNGATED.has(event.type) ? event : withTime(event, nowMs - TOO_OLD_MS);
    if (at < TOO_OLD + NO_DEVICES) {
      const key = `m-new-${this.#made}`;
      const path = event.sample === undefined ? ['memberId'] : event.sample.key;
      return {
        ...event,
        key,
        value: path === null ? event.value : withField(event.value, path, key),
      };
    }
    if (at < TOO_OLD + NO_DEVICES + WRONG_CLOCK) return withTime(event, nowMs + WRONG_CLOCK_MS);
    return event;
  }
}

function withTime(event: SampleEvent, atMs: number): SampleEvent {
  const { sample, value } = event;
  const path =
    sample === undefined ? TIME_FIELDS.filter((name) => name in value).slice(0, 1) : sample.time;
  if (path === null || path.length === 0) return event;
  return { ...event, value: withField(value, path, atMs) };
}
