/** Runs one scenario through the engine, and gathers what it did. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Delivery, Outcome } from '../../core/outcome.ts';
import type { StepSpec } from '../../core/spec.ts';
import { Driven, type Given, REGISTRATIONS } from '../kit/drive.ts';
import { chanceOf } from './chance.ts';
import { Model } from './model.ts';
import type { Action, Scenario, SimEvent, UseCase } from './scenario.ts';

const RENO = readFileSync(new URL('../../topology/reno.yaml', import.meta.url), 'utf8');
/**
 * A second use case of one topic, in the same task, without the gate and the targets of the first.
 */
const NOTICE = `
  plan-notice:
    id: pn
    priority: { as: critical }
    from: { topic: events.plan-change, schema: PlanChange, time: value.changedAt }
    steps:
      - use: to-devices
    to: { lane: notifications, transports: [fcm, inbox] }
`;
/** Sinks answer at once or never, so the time-out is as short as a timer can be. */
const TIMEOUT = 'timeout: 1ms';

const AFTERWARDS_MS = 600_000;
const AFTERWARDS_STEP_MS = 20_000;

/** What a sink was given while this was the newest owner that could be seen. */
export interface Delivered extends Given {
  readonly ownerEpoch: number;
  readonly ownerActive: boolean;
}

export interface Run {
  readonly scenario: Scenario;
  readonly driven: Driven;
  readonly model: Model;
  readonly delivered: readonly Delivered[];
  /** Hash over everything that was written and delivered, in order. */
  readonly fingerprint: string;
}

export function topologyOf({ coalesces }: Scenario): string {
  const timed = RENO.replace(/timeout: \w+/g, TIMEOUT).replace('\nsinks:\n', `${NOTICE}\nsinks:\n`);
  return coalesces ? timed : timed.replace(/^ +- coalesce:.*\n/gm, '');
}

/** Throws what the engine throws; `steps` takes the place of processors of the same type. */
export async function simulate(scenario: Scenario, steps: readonly StepSpec[] = []): Promise<Run> {
  const { partitions, commitEvery, coalesces } = scenario;
  const model = new Model(commitEvery, coalesces);
  const sinks = new Sinks(scenario);
  const driven = await Driven.open(topologyOf(scenario), {
    partitions,
    commitEvery,
    steps,
    answer: (delivery, sink) => sinks.answer(driven, delivery, sink),
  });
  for (const action of scenario.actions) {
    model.act(action);
    await act(driven, action);
  }
  sinks.fail = false;
  for (let ms = 0; ms < AFTERWARDS_MS; ms += AFTERWARDS_STEP_MS) {
    const action = { kind: 'advance', ms: AFTERWARDS_STEP_MS } as const;
    model.act(action);
    await act(driven, action);
  }
  model.act({ kind: 'commit' });
  await driven.driver.commit();
  await driven.driver.advance(AFTERWARDS_STEP_MS);
  await driven.driver.close();
  const delivered = driven.given.map((given, i) => ({ ...given, ...sinks.owners[i]! }));
  return { scenario, driven, model, delivered, fingerprint: fingerprintOf(driven) };
}

/** Answers by seed, sink, notification and attempt: not by the order in which they are asked. */
class Sinks {
  fail: boolean;
  readonly owners: { readonly ownerEpoch: number; readonly ownerActive: boolean }[] = [];
  readonly #seed: number;
  readonly #hangs: boolean;
  readonly #tries = new Map<string, number>();
  readonly #current = new Map<string, { epoch: number; status: string }>();
  #read = 0;

  constructor({ seed, sinksFail, sinksHang }: Scenario) {
    this.#seed = seed;
    this.#hangs = sinksHang;
    this.fail = sinksFail;
  }

  answer(driven: Driven, { notification }: Delivery, sink: string): Outcome | 'never' | 'throw' {
    const owner = this.#ownerOf(driven, notification.deviceId);
    this.owners.push({
      ownerEpoch: owner?.epoch ?? 0,
      ownerActive: owner?.status === 'ACTIVE',
    });
    const name = `${sink} ${notification.id} ${notification.epoch}`;
    const attempt = (this.#tries.get(name) ?? 0) + 1;
    this.#tries.set(name, attempt);
    if (!this.fail) return { kind: 'delivered' };
    const chance = chanceOf(this.#seed, `${name} ${attempt}`);
    if (chance < 0.06) return { kind: 'retry', scope: 'device', why: 'device busy' };
    if (chance < 0.1) return { kind: 'retry', scope: 'lane', why: 'service busy' };
    if (chance < 0.12) return { kind: 'retry', scope: 'lane', why: 'wait', afterMs: 3_000 };
    if (chance < 0.13) return { kind: 'retry', scope: 'device', why: 'quota', afterMs: 60_000 };
    if (chance < 0.14 && sink !== 'inbox') return { kind: 'rejected', reason: 'refused' };
    if (chance < 0.16 && this.#hangs) return 'never';
    if (chance < 0.17) return 'throw';
    return { kind: 'delivered' };
  }

  #ownerOf(driven: Driven, deviceId: string): { epoch: number; status: string } | undefined {
    for (; this.#read < driven.written.length; this.#read++) {
      const { topic, value } = driven.written[this.#read]!;
      if (topic !== 'tables.device-owners') continue;
      const owner = value as { deviceId: string; epoch: number; status: string };
      this.#current.set(owner.deviceId, owner);
    }
    return this.#current.get(deviceId);
  }
}

async function act(driven: Driven, action: Action): Promise<void> {
  const { driver } = driven;
  switch (action.kind) {
    case 'advance':
      return driver.advance(action.ms);
    case 'commit':
      return driver.commit();
    case 'restart':
      return driver.restart();
    case 'crash':
      return driver.crash();
    case 'event': {
      const { event, partition } = action;
      return driven.feed(topicOf(event.useCase), event.member, avroOf(event), { partition });
    }
    case 'poison':
      return feedPoison(driven, action);
    case 'register':
      return driven.register(action.device, action.member, {
        class: action.class,
        transports: action.transports,
      });
    case 'delete':
      return driven.remove(action.device);
    default:
      return driven.feed('events.connections', action.device, {
        deviceId: action.device,
        gatewayId: 'gateway',
        connectionId: action.connection,
        action: action.kind === 'connect' ? 'CONNECTED' : 'CLOSED',
        closeCode: 0,
        occurredAt: driver.clock.now(),
      });
  }
}

const topicOf = (useCase: UseCase) => `events.${useCase}`;

function feedPoison(
  driven: Driven,
  { event, poison, partition }: Extract<Action, { kind: 'poison' }>,
): Promise<void> {
  const topic = topicOf(event.useCase);
  const { schema } = driven.plan.topics.find(({ name }) => name === topic)!;
  const good = driven.schemas.encoder(schema!).toBuffer(avroOf(event));
  const unknown = Buffer.from(good);
  unknown.writeUInt32BE(77_777, 1);
  const bytes = {
    text: Buffer.from('{"not":"avro"}'),
    tombstone: null,
    'unknown-schema': unknown,
    cut: good.subarray(0, 7),
    'other-key': good,
    'no-key': good,
  }[poison];
  const key = poison === 'no-key' ? null : event.member;
  // The value says another member than the key.
  if (poison === 'other-key') {
    const value = driven.schemas.encoder(schema!).toBuffer({ ...avroOf(event), memberId: 'x' });
    return driven.raw(topic, key, value, { partition });
  }
  return driven.raw(topic, key, bytes, { partition });
}

/** By the schema of the use case's event; fields of other schemas are left unread. */
function avroOf(event: SimEvent): { readonly [field: string]: unknown } {
  const { eventId, member, profile, subject, device, raised, timeMs } = event;
  const common = { eventId, memberId: member, profileId: profile, deviceId: device };
  switch (event.useCase) {
    case 'viewing-activity':
      return {
        ...common,
        titleId: subject,
        kind: 'STARTED',
        positionSeconds: 1,
        occurredAt: timeMs,
      };
    case 'recommendation-refresh':
      return { ...common, listId: subject, reason: 'SCHEDULED', computedAt: timeMs };
    case 'plan-change':
      return { ...common, planFrom: null, planTo: subject, streamsMax: 2, changedAt: timeMs };
    case 'my-list-update':
      return { ...common, titleId: subject, action: 'ADDED', changedAt: timeMs };
    case 'profile-change': {
      const kind = raised ? 'MATURITY_LEVEL_CHANGED' : 'RENAMED';
      return { ...common, kind, name: null, maturityLevel: null, changedAt: timeMs };
    }
    case 'diagnostic-signal':
      return { ...common, command: 'COLLECT_LOGS', urgent: raised, issuedAt: timeMs };
  }
}

function fingerprintOf(driven: Driven): string {
  const hash = createHash('sha256');
  for (const of of driven.written) {
    if (of.topic === REGISTRATIONS) continue;
    hash.update(JSON.stringify([of.topic, of.partition, of.offset, of.key, of.value, of.atMs]));
  }
  for (const { sink, atMs, attempt, outcome, notification } of driven.given) {
    hash.update(JSON.stringify([sink, atMs, attempt, outcome, notification.id]));
  }
  return hash.digest('hex').slice(0, 16);
}
