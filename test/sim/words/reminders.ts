/**
 * `guarantee: acked`: what a device does not acknowledge is told again, later each time, and ends
 * with its deadline; what it acknowledges ends with that. Each ends once.
 */
import { add, emptyCursor, formatCursor } from '../../../core/cursor.ts';
import type { DeviceNotification } from '../../../core/notification.ts';
import type { DeliveryOutcome } from '../../../core/outcome.ts';
import { lanesWith, planChange, planChanges, REGISTRATIONS, START_MS } from '../../kit/drive.ts';
import type { Chance } from '../chance.ts';
import type { Happening, Model, Outputs, Plain, World } from './world.ts';

const STEPS = 70;
const MEMBERS = 4;
const MINUTE_MS = 60_000;
const AFTER_MS = MINUTE_MS;
const MAX_AGE_MIN = 20;
/** So young is what is still acknowledged. */
const YOUNG_MS = 10 * MINUTE_MS;
/** After 1, 3, 7 and 15 minutes. */
const AGAIN_MAX = 4;

const TOPOLOGY = lanesWith(
  planChanges({
    steps: `      - gate_staleness: { max_age: ${MAX_AGE_MIN}m }\n`,
    lane: ', guarantee: acked, again_after: 1m',
  }),
);

/** Each member has a phone and a television. */
const devicesOf = (member: string) => [`ph-${member}`, `tv-${member}`];
const memberOf = (device: string) => device.slice(3);

class Reminders implements Model {
  readonly #told = new Map<string, number>();
  readonly #acknowledged = new Map<string, readonly number[]>();

  act(happening: Happening): void {
    if (happening.kind !== 'feed') return;
    const { topic, key, value } = happening;
    if (topic === 'events.plan-change') {
      for (const device of devicesOf(key)) {
        this.#told.set(device, (this.#told.get(device) ?? 0) + 1);
      }
    } else if (topic === 'tables.acknowledgements') {
      this.#acknowledged.set(key, (value as { numbers: readonly number[] }).numbers);
    }
  }

  get lines(): readonly string[] {
    return [...this.#told].flatMap(([device, told]) => {
      const acknowledged = this.#acknowledged.get(device) ?? [];
      return Array.from({ length: told }, (_, n) => {
        const end = acknowledged.includes(n + 1) ? 'acknowledged' : 'unacknowledged';
        return `${device} ${n + 1} ${end}`;
      });
    });
  }
}

const nameOf = (of: { readonly deviceId: string; readonly sequence: number }) =>
  `${of.deviceId} ${of.sequence}`;

/** Of each notification: what its reminders ended with. */
function told(driven: Outputs): string[] {
  const first = lanes(driven).filter(({ isAgain }) => !isAgain);
  const names = new Map(first.map(({ id, name }) => [id, name]));
  const ends = driven.of('outcomes').flatMap(({ value }) => {
    const { sink, outcome, notificationId } = value as DeliveryOutcome;
    const isEnd = sink === 'remind' && outcome === 'expired';
    return isEnd ? [`${names.get(notificationId)} unacknowledged`] : [];
  });
  const expired = new Set(ends);
  const quiet = first.filter(({ name }) => !expired.has(`${name} unacknowledged`));
  return [...ends, ...quiet.map(({ name }) => `${name} acknowledged`)];
}

function lanes(driven: Outputs) {
  return driven.written
    .filter(({ topic }) => topic.startsWith('notifications.'))
    .map(({ value, headers, atMs }) => ({
      id: (value as DeviceNotification).id,
      name: nameOf(value as DeviceNotification),
      isAgain: headers['carillon.again'] === 'true',
      atMs,
    }));
}

/** Told again not too early, not too often, never after its acknowledgement, and in time at all. */
function judge(driven: Outputs, happenings: readonly Happening[]): string[] {
  const faults: string[] = [];
  const times = new Map<string, number[]>();
  for (const { name, isAgain, atMs } of lanes(driven)) {
    const before = times.get(name) ?? [];
    if (isAgain === (before.length === 0)) faults.push(`${name}: first, and not the first`);
    const earliest = (before[0] ?? atMs) + AFTER_MS * (2 ** before.length - 1);
    if (atMs < earliest) faults.push(`${name}: told ${earliest - atMs} ms too early`);
    times.set(name, [...before, atMs]);
  }
  const ends = new Set(told(driven));
  for (const [name, all] of times) {
    if (all.length > AGAIN_MAX + 1) faults.push(`${name}: told ${all.length} times`);
    if (all.length === 1 && ends.has(`${name} unacknowledged`)) faults.push(`${name}: never again`);
  }
  return [...faults, ...afterwards(happenings, times)];
}

/** What is told again although its device had acknowledged it. */
function afterwards(
  happenings: readonly Happening[],
  times: ReadonlyMap<string, readonly number[]>,
): string[] {
  return happenings.flatMap((happening): string[] => {
    if (happening.kind !== 'feed' || happening.topic !== 'tables.acknowledgements') return [];
    const { key, value, at } = happening;
    const name = `${key} ${(value as { numbers: readonly number[] }).numbers.at(-1)}`;
    const last = times.get(name)?.at(-1);
    if (last === undefined) return [`${name}: never told`];
    const lateMs = last - START_MS - at;
    return lateMs > 0 ? [`${name}: told ${lateMs} ms after its end`] : [];
  });
}

function draw(chance: Chance): Happening[] {
  const happenings: Happening[] = [];
  let nowMs = 0;
  const feed = (topic: string, key: string, value: Plain) =>
    happenings.push({ kind: 'feed', topic, key, value, at: nowMs });
  const numbers = new Map<string, { readonly number: number; readonly atMs: number }[]>();
  const acknowledged = new Map<string, number[]>();
  const cursors = new Map<string, ReturnType<typeof emptyCursor>>();
  for (let m = 0; m < MEMBERS; m++) {
    for (const device of devicesOf(`m-${m}`)) feed(REGISTRATIONS, device, registration(device));
  }
  happenings.push({ kind: 'commit' });
  const acknowledge = (device: string) => {
    const young = (numbers.get(device) ?? []).filter(({ atMs }) => atMs > nowMs - YOUNG_MS);
    if (young.length === 0) return;
    const { number } = chance.pick(young);
    const cursor = cursors.get(device) ?? emptyCursor(1);
    cursors.set(device, cursor);
    add(cursor, 0, number);
    const all = [...(acknowledged.get(device) ?? []), number];
    acknowledged.set(device, all);
    const row = { deviceId: device, epoch: 1, cursor: formatCursor(cursor), at: START_MS + nowMs };
    // It is told before it is acknowledged.
    happenings.push({ kind: 'commit' });
    feed('tables.acknowledgements', device, { ...row, numbers: all });
    happenings.push({ kind: 'commit' });
  };
  for (let n = 0; n < STEPS; n++) {
    const member = `m-${chance.below(MEMBERS)}`;
    const what = chance.weighted({ event: 4, acknowledge: 3, advance: 4 });
    if (what === 'event') {
      feed(
        'events.plan-change',
        member,
        planChange(`e-${n}`, member, { changedAt: START_MS + nowMs }),
      );
      for (const device of devicesOf(member)) {
        const all = numbers.get(device) ?? [];
        numbers.set(device, [...all, { number: all.length + 1, atMs: nowMs }]);
      }
    } else if (what === 'acknowledge') acknowledge(chance.pick(devicesOf(member)));
    else {
      const ms = 1 + chance.below(2 * MINUTE_MS);
      happenings.push({ kind: 'advance', ms });
      nowMs += ms;
    }
  }
  happenings.push({ kind: 'commit' });
  for (let n = 0; n < 8; n++) happenings.push({ kind: 'advance', ms: 5 * MINUTE_MS });
  return happenings;
}

function registration(deviceId: string): Plain {
  const transports = (['fcm', 'apns'] as const).map((kind) => ({
    kind,
    token: `token-${deviceId}`,
    environment: null,
    registeredAt: 0,
  }));
  return {
    ...{ deviceId, memberId: memberOf(deviceId), action: 'REGISTERED', class: 'tv', transports },
    ...{
      platform: '',
      app: '',
      locale: '',
      deadToken: null,
      deadBefore: null,
      occurredAt: START_MS,
    },
  };
}

export const reminders: World = {
  name: 'reminders',
  topology: TOPOLOGY,
  schemas: [],
  hasClock: true,
  draw,
  model: () => new Reminders(),
  told,
  judge,
};
