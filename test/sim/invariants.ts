/** What must hold after every run, whatever happened. Each fault is one line. */
import type { Device, MemberDevices } from '../../core/device.ts';
import type { DeliveryOutcome } from '../../core/outcome.ts';
import { totalsGap } from '../../runtime/driver/totals.ts';
import { type Told, toldText } from './model.ts';
import type { Run } from './simulation.ts';

const FAULTS_SHOWN_MAX = 20;
const ABANDONED = 'CAR668 ';

export function faultsOf(run: Run): string[] {
  const faults = [
    ...conservation(run),
    ...asTheModelSays(run),
    ...tables(run),
    ...numbers(run),
    ...inbox(run),
    ...lastHop(run),
    ...ends(run),
    ...handedOn(run),
  ];
  const more = faults.length - FAULTS_SHOWN_MAX;
  return more > 0 ? [...faults.slice(0, FAULTS_SHOWN_MAX), `… and ${more} more`] : faults;
}

function conservation({ driven, model }: Run): string[] {
  const totals = driven.driver.totals();
  const faults: string[] = [];
  const gap = totalsGap(totals);
  if (gap !== 0) faults.push(`conservation: ${gap} records are missing of ${totals.in}`);
  if (totals.held !== model.held) faults.push(`held: ${totals.held}, not ${model.held}`);
  // What a sink has given up is told apart, by `ends`.
  const letters = driven.letters.filter((of) => !of.startsWith(ABANDONED)).length;
  if (letters !== model.deadLetters) {
    faults.push(`dead letters: ${letters}, not ${model.deadLetters}`);
  }
  if (totals.dead_letters !== letters) {
    faults.push(`dead letters: ${totals.dead_letters} counted, ${letters} written`);
  }
  return faults;
}

/** Exactly what should exist, and each of it once. */
function asTheModelSays({ driven, model }: Run): string[] {
  const left = new Map<string, number>();
  for (const line of model.told) left.set(line, (left.get(line) ?? 0) + 1);
  for (const of of numbered(driven)) {
    const line = toldText(toldBy(driven, of));
    left.set(line, (left.get(line) ?? 0) - 1);
  }
  const faults: string[] = [];
  for (const [line, n] of left) {
    if (n > 0) faults.push(`missing ${n}: ${line}`);
    if (n < 0) faults.push(`too many, by ${-n}: ${line}`);
  }
  return faults;
}

type Driven = Run['driven'];

/** What the lane writers wrote: without what a sink handed on to another lane. */
function numbered(driven: Driven): Driven['notifications'] {
  return driven.notifications.filter(({ handedBy }) => handedBy === '');
}

function toldBy(driven: Driven, of: Driven['notifications'][number]): Told {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(of.payloadSchemaId, 1);
  const bytes = Buffer.concat([header, of.payload]);
  const event = driven.schemas.decodeByWriter(bytes, 0, bytes.length) as { eventId: string };
  return {
    useCase: of.useCase,
    eventId: event.eventId,
    device: of.deviceId,
    epoch: of.epoch,
    priority: of.priority,
    transport: of.lane.split('.').at(-1)!,
    count: of.count,
    deadlineMs: of.deadline,
  };
}

/** D4: whose the devices are, and in which epoch, in both tables. */
function tables({ driven, model }: Run): string[] {
  const owners = new Map<string, string>();
  for (const { value } of driven.of('tables.device-owners')) {
    const { deviceId, memberId, epoch, status } = value as Device;
    owners.set(deviceId, `${deviceId} ${memberId}#${epoch} ${status}`);
  }
  const members = new Map<string, string[]>();
  for (const { key, value } of driven.of('tables.devices')) {
    const devices = (value as MemberDevices | null)?.devices ?? [];
    members.set(
      key!,
      devices.map(({ deviceId, epoch }) => `${deviceId} ${key}#${epoch} ACTIVE`),
    );
  }
  const told = { owners: [...owners.values()], members: [...members.values()].flat() };
  const expected = {
    owners: model.devices,
    members: model.devices.filter((device) => device.endsWith(' ACTIVE')),
  };
  const faults: string[] = [];
  for (const table of ['owners', 'members'] as const) {
    const [has, wants] = [told[table].toSorted().join(', '), expected[table].toSorted().join(', ')];
    if (has !== wants) faults.push(`D4: ${table}: ${has}; not ${wants}`);
  }
  return faults;
}

/** D1 and D3: ids are unique, numbers dense, each lane a chain in its own order. */
function numbers({ driven }: Run): string[] {
  const faults: string[] = [];
  const ids = new Set<string>();
  const byDevice = new Map<string, number[]>();
  const lastInLane = new Map<string, number>();
  for (const { id, deviceId, epoch, priority, sequence, previous, lane } of numbered(driven)) {
    const name = `${deviceId}#${epoch} ${priority}`;
    if (ids.has(`${id} ${epoch}`)) faults.push(`D1: ${name} ${sequence}: ${id} was given before`);
    ids.add(`${id} ${epoch}`);
    byDevice.set(name, [...(byDevice.get(name) ?? []), sequence]);
    const chain = `${deviceId}#${epoch} ${lane}`;
    const last = lastInLane.get(chain) ?? 0;
    if (previous !== last)
      faults.push(`D3: ${chain} ${sequence}: previous ${previous}, not ${last}`);
    if (sequence <= last) faults.push(`D3: ${chain}: ${sequence} after ${last}`);
    lastInLane.set(chain, sequence);
  }
  for (const [name, given] of byDevice) {
    const sorted = given.toSorted((a, b) => a - b);
    const hole = sorted.findIndex((n, i) => n !== i + 1);
    if (hole >= 0) faults.push(`D3: ${name}: ${sorted[hole]} in the place of ${hole + 1}`);
  }
  return faults;
}

/** No task was taken away: then nothing may be repeated. */
function isUndisturbed({ scenario }: Run): boolean {
  return scenario.actions.every(({ kind }) => kind !== 'crash' && kind !== 'restart');
}

/** Everything is in the inbox in the end. */
function inbox(run: Run): string[] {
  const { driven, delivered } = run;
  const kept = new Map<string, number>();
  for (const { sink, outcome, notification } of delivered) {
    if (sink !== 'inbox' || outcome !== 'delivered') continue;
    const name = `${notification.deviceId}#${notification.epoch} ${notification.id}`;
    kept.set(name, (kept.get(name) ?? 0) + 1);
  }
  const faults: string[] = [];
  for (const { deviceId, epoch, id } of numbered(driven)) {
    const name = `${deviceId}#${epoch} ${id}`;
    const times = kept.get(name) ?? 0;
    if (times === 0) faults.push(`the inbox lacks ${name}`);
    if (times > 1 && isUndisturbed(run) && !run.scenario.sinksFail)
      faults.push(`the inbox took ${name} ${times} times`);
  }
  const all = numbered(driven).length;
  if (kept.size > all) faults.push(`the inbox has ${kept.size} of ${all}`);
  return faults;
}

/** D4, D9, and the order per device: what pushes are given. */
function lastHop({ delivered, driven }: Run): string[] {
  // Handed on, it comes when it comes.
  const handed = new Set(
    driven.notifications
      .filter(({ handedBy }) => handedBy !== '')
      .map(({ lane, id, epoch }) => `${lane.split('.').at(-1)} ${id} ${epoch}`),
  );
  const faults: string[] = [];
  const last = new Map<string, number>();
  const told = new Set<string>();
  for (const { sink, atMs, outcome, notification, ownerEpoch, ownerActive } of delivered) {
    if (sink === 'inbox') continue;
    const { deviceId, epoch, priority, sequence, deadline, id } = notification;
    const name = `${sink} ${deviceId}#${epoch} ${priority} ${sequence}`;
    if (epoch !== ownerEpoch || !ownerActive) {
      faults.push(`D4: ${name}: the device is in epoch ${ownerEpoch}, active: ${ownerActive}`);
    }
    if (deadline > 0 && atMs > deadline) faults.push(`D9: ${name}: ${atMs - deadline} ms too late`);
    if (outcome !== 'delivered' || told.has(`${sink} ${id} ${epoch}`)) continue;
    if (handed.has(`${sink} ${id} ${epoch}`)) continue;
    // Told for the first time: a repeat after a restart may be out of order (D7, D8).
    told.add(`${sink} ${id} ${epoch}`);
    const lane = `${sink} ${deviceId}#${epoch} ${priority}`;
    const before = last.get(lane) ?? 0;
    if (sequence <= before) faults.push(`order: ${name} after ${before}`);
    last.set(lane, sequence);
  }
  return faults;
}

const FINAL = ['delivered', 'rejected', 'expired', 'moved', 'abandoned', 'handed_on'];

/**
 * Nothing is silent: each push has its end in the outcomes, and one only unless tasks were lost.
 */
function ends(run: Run): string[] {
  const { driven } = run;
  const ended = new Map<string, number>();
  for (const { value } of driven.of('outcomes')) {
    const { notificationId, sink, outcome } = value as DeliveryOutcome;
    if (!FINAL.includes(outcome)) continue;
    const name = `${sink} ${notificationId}`;
    ended.set(name, (ended.get(name) ?? 0) + 1);
  }
  const undisturbed = isUndisturbed(run);
  const pushed = new Map<string, number>();
  for (const { lane, id } of driven.notifications) {
    const sink = lane.split('.').at(-1)!;
    // What the websocket's gate drops as offline has no outcome.
    if (sink !== 'fcm' && sink !== 'apns') continue;
    pushed.set(`${sink} ${id}`, (pushed.get(`${sink} ${id}`) ?? 0) + 1);
  }
  const faults: string[] = [];
  for (const [name, n] of pushed) {
    const ends = ended.get(name) ?? 0;
    if (ends < n) faults.push(`${name}: ${ends} ends for ${n}`);
    if (undisturbed && ends > n) faults.push(`${name}: ${ends} ends for ${n}`);
  }
  return faults;
}

/**
 * What one transport could not do another got: under the same number, and each time it was told.
 */
function handedOn(run: Run): string[] {
  const { driven } = run;
  const faults: string[] = [];
  const first = new Map(numbered(driven).map((of) => [`${of.id} ${of.epoch}`, of]));
  const handed = driven.notifications.filter(({ handedBy }) => handedBy !== '');
  for (const { id, epoch, sequence, lane, handedBy } of handed) {
    const of = first.get(`${id} ${epoch}`);
    if (of?.sequence !== sequence) faults.push(`handed on: ${lane} ${id} is not what was numbered`);
    if (handedBy.split(',').includes(lane.split('.').at(-1)!)) {
      faults.push(`handed on: ${lane} ${id} back to who could not`);
    }
  }
  const outcomes = driven.of('outcomes').map(({ value }) => (value as DeliveryOutcome).outcome);
  const count = (kind: string) => outcomes.filter((one) => one === kind).length;
  if (count('handed_on') !== handed.length) {
    faults.push(`handed on: ${handed.length} records, ${count('handed_on')} outcomes`);
  }
  const letters = driven.letters.filter((of) => of.startsWith(ABANDONED)).length;
  if (count('abandoned') !== letters) {
    faults.push(`abandoned: ${letters} dead letters, ${count('abandoned')} outcomes`);
  }
  return faults;
}
