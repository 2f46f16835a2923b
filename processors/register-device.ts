import { createHash } from 'node:crypto';
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { Device, DeviceTransport, Transport } from '../core/device.ts';
import type { DeviceClasses } from '../core/device-classes.ts';
import type { Record } from '../core/record.ts';
import type { Registration } from '../core/registration.ts';
import { defineExpand, type Emit } from '../core/spec.ts';
import type { RowCodec } from '../core/store.ts';
import { deadLettered, dropped, PASSED } from '../core/verdict.ts';
import type { PushToken } from './own-token.ts';

/** What the second hop is told (schema DeviceChange). */
export interface DeviceChange {
  readonly memberId: string;
  readonly deviceId: string;
  readonly action: 'PUT' | 'REMOVED';
  readonly epoch: number;
  readonly class: string;
  readonly transports: readonly Transport[];
  readonly updatedAt: number;
}

const UNCHANGED = dropped('unchanged');
const UNKNOWN_DEVICE = dropped('unknown_device');
const TOKEN_UNKNOWN = dropped('token_unknown');
const BAD_REGISTRATION = deadLettered('CAR520');

/** Output topics, in the order in which the plan of the registration task lists them. */
const OWNERS = 0;
const CHANGES = 1;
const TOKENS = 2;

const NEEDS_TOKEN: ReadonlySet<Transport> = new Set(['fcm', 'apns']);

/** The version of the row's form; decided by its first byte. */
const ROW_VERSION = 1;

const textOrNull = (bytes: Buffer | null) => (bytes === null ? null : bytes.toString('utf8'));
const bytesOrNull = (text: string | null) => (text === null ? null : Buffer.from(text, 'utf8'));

const rows: RowCodec<Device> = {
  encode(row) {
    const to = new ByteWriter(160).int(ROW_VERSION);
    to.text(row.deviceId).text(row.memberId).int(row.epoch).text(row.status).text(row.class);
    to.text(row.platform).text(row.app).text(row.locale).int(row.transports.length);
    for (const { kind, token, environment, registeredAt } of row.transports) {
      to.text(kind).blob(bytesOrNull(token)).blob(bytesOrNull(environment)).double(registeredAt);
    }
    return to.double(row.updatedAt).done();
  },
  decode(bytes) {
    const from = new ByteReader(bytes);
    const version = from.int();
    if (version !== ROW_VERSION) throw new RangeError(`device row of version ${version}`);
    const deviceId = from.text();
    const memberId = from.text();
    const epoch = from.int();
    const status = from.text() as Device['status'];
    const deviceClass = from.text();
    const platform = from.text();
    const app = from.text();
    const locale = from.text();
    const transports: DeviceTransport[] = [];
    for (let rest = from.int(); rest > 0; rest--) {
      transports.push({
        kind: from.text() as Transport,
        token: textOrNull(from.blob()),
        environment: textOrNull(from.blob()),
        registeredAt: from.double(),
      });
    }
    return {
      deviceId,
      memberId,
      epoch,
      status,
      class: deviceClass,
      platform,
      app,
      locale,
      transports,
      updatedAt: from.double(),
    };
  },
};

const inboxOnly = (at: number): readonly DeviceTransport[] => [
  { kind: 'inbox', token: null, environment: null, registeredAt: at },
];

/** The transports to keep: without doubles, and with the times of those that were there before. */
function settledTransports(
  said: Registration,
  before: readonly DeviceTransport[],
): readonly DeviceTransport[] {
  const settled: DeviceTransport[] = [];
  const isLike = (a: DeviceTransport) => (b: DeviceTransport) =>
    a.kind === b.kind && a.token === b.token && a.environment === b.environment;
  for (const { kind, token, environment, registeredAt } of said.transports) {
    const transport = { kind, token, environment, registeredAt: registeredAt || said.occurredAt };
    if (settled.some(isLike(transport))) continue;
    const known = before.find(isLike(transport));
    // A device that says when it got its token is believed, if that is later than what we know:
    // a death report from before then no longer counts.
    const kept = known === undefined ? transport.registeredAt : known.registeredAt;
    settled.push({ ...transport, registeredAt: Math.max(kept, registeredAt) });
  }
  if (settled.length > 0) return settled;
  const known = before.find((transport) => transport.kind === 'inbox');
  return known === undefined ? inboxOnly(said.occurredAt) : [known];
}

function isGood(said: Registration, classes: DeviceClasses): boolean {
  return (
    said.memberId !== '' &&
    classes.has(said.class) &&
    said.transports.every(({ kind, token }) => !NEEDS_TOKEN.has(kind) || Boolean(token))
  );
}

function isSameDevice(a: Device, b: Device): boolean {
  return rows.encode({ ...a, updatedAt: 0 }).equals(rows.encode({ ...b, updatedAt: 0 }));
}

function changeOf(device: Device, action: DeviceChange['action'], at: number): DeviceChange {
  return {
    memberId: device.memberId,
    deviceId: device.deviceId,
    action,
    epoch: device.epoch,
    class: device.class,
    transports: action === 'PUT' ? [...new Set(device.transports.map(({ kind }) => kind))] : [],
    updatedAt: at,
  };
}

function emitOwner(record: Record, device: Device, emit: Emit): void {
  const owner = emit(record);
  owner.value = device;
  owner.output = OWNERS;
}

function emitChange(record: Record, change: DeviceChange, emit: Emit): void {
  const out = emit(record);
  out.key = change.memberId;
  out.value = change;
  out.output = CHANGES;
}

const hashOf = ({ kind, token }: DeviceTransport): string =>
  createHash('sha256').update(`${kind}\n${token}`).digest('hex');

/** Tells whose tokens are: those that have come with a row, and those that have gone with it. */
function emitTokens(record: Record, before: Device | undefined, after: Device, emit: Emit): void {
  const tell = (of: Device, others: Device | undefined, action: PushToken['action']) => {
    for (const transport of of.transports) {
      const { kind, token, registeredAt } = transport;
      if (token === null || token === '') continue;
      const stays = others?.transports.some((one) => one.kind === kind && one.token === token);
      if (stays === true) continue;
      const { deviceId } = of;
      const said = { token, deviceId, action, registeredAt, occurredAt: after.updatedAt };
      const value: PushToken = { tokenHash: hashOf(transport), ...said };
      const out = emit(record);
      out.key = value.tokenHash;
      out.value = value;
      out.output = TOKENS;
    }
  };
  if (before !== undefined) tell(before, after, 'GIVEN_UP');
  tell(after, before, 'TAKEN');
}

/** The row that a registration makes, or null when the device may not register so. */
function registered(said: Registration, before: Device | undefined): Device {
  const isMoved = before !== undefined && before.memberId !== said.memberId;
  return {
    deviceId: said.deviceId,
    memberId: said.memberId,
    epoch: before === undefined ? 1 : before.epoch + (isMoved ? 1 : 0),
    status: 'ACTIVE',
    class: said.class,
    platform: said.platform,
    app: said.app,
    locale: said.locale,
    transports: settledTransports(said, isMoved ? [] : (before?.transports ?? [])),
    updatedAt: said.occurredAt,
  };
}

/** The row without the token that died, or null when that token is not, or no longer, there. */
function withoutToken(said: Registration, before: Device): Device | null {
  const isDead = ({ token, registeredAt }: DeviceTransport) =>
    token !== null &&
    token === said.deadToken &&
    (said.deadBefore === null || registeredAt < said.deadBefore);
  const rest = before.transports.filter((transport) => !isDead(transport));
  if (rest.length === before.transports.length) return null;
  const transports = rest.length > 0 ? rest : inboxOnly(said.occurredAt);
  return { ...before, transports, updatedAt: said.occurredAt };
}

/** Gives a device its owner and its epoch (rule D4, first hop). */
export const registerDevice = defineExpand({
  type: 'register_device',
  summary: 'Keep whose a device is and how it is reached; tell the table and both members.',
  description: [
    'Keyed by device. The epoch starts at 1; a new member or a deletion starts a new one, nothing',
    'else does (rule D4). Output 0 is the row of `tables.device-owners`; output 1, keyed by member,',
    "tells the second hop (`fold_devices`): PUT to the device's member, REMOVED, with the epoch that",
    'has ended, to the one it left. A device without a transport gets `inbox`. A token keeps the time',
    'of its registration until it changes, or the device says a later one. TOKEN_DIED removes a token',
    'only if it was registered before `deadBefore` (APNs: 410 with a timestamp; a later',
    'registration of the same token counts again). A deleted device keeps its row, without tokens.',
    'Output 2, keyed by the hash of a token, tells the hop that knows whose it is (`own_token`).',
  ].join(' '),
  config: {},
  drops: {
    unchanged: 'The registration says what is known already.',
    unknown_device: 'A deletion of a device that is not registered.',
    token_unknown: 'The dead token is not, or no longer, that of the device, or is a newer one.',
  },
  isInternal: true,
  deadLetters: { CAR520: 'The registration lacks its device, or the key is another one.' },
  example: '- register_device: {}',
  rows,
  open(_config, { store, deviceClasses }) {
    const keep = (record: Record, before: Device | undefined, row: Device, emit: Emit) => {
      store.put(row.deviceId, row);
      emitOwner(record, row, emit);
      emitTokens(record, before, row, emit);
    };
    const register = (record: Record, said: Registration, emit: Emit) => {
      if (!isGood(said, deviceClasses)) return BAD_REGISTRATION;
      const before = store.get(said.deviceId);
      const after = registered(said, before);
      if (before !== undefined && isSameDevice(before, after)) return UNCHANGED;
      keep(record, before, after, emit);
      if (before?.status === 'ACTIVE' && before.memberId !== after.memberId) {
        emitChange(record, changeOf(before, 'REMOVED', said.occurredAt), emit);
      }
      emitChange(record, changeOf(after, 'PUT', said.occurredAt), emit);
      return PASSED;
    };
    const remove = (record: Record, said: Registration, emit: Emit) => {
      const before = store.get(said.deviceId);
      if (before?.status !== 'ACTIVE') return UNKNOWN_DEVICE;
      const { occurredAt: updatedAt } = said;
      const epoch = before.epoch + 1;
      const gone = { ...before, epoch, status: 'DELETED', transports: [], updatedAt } as const;
      keep(record, before, gone, emit);
      emitChange(record, changeOf(before, 'REMOVED', updatedAt), emit);
      return PASSED;
    };
    const bury = (record: Record, said: Registration, emit: Emit) => {
      const before = store.get(said.deviceId);
      const after = before === undefined ? null : withoutToken(said, before);
      if (after === null) return TOKEN_UNKNOWN;
      keep(record, before, after, emit);
      emitChange(record, changeOf(after, 'PUT', said.occurredAt), emit);
      return PASSED;
    };

    return (record, emit) => {
      const said: Registration = record.value;
      if (said.deviceId === '' || record.key !== said.deviceId) return BAD_REGISTRATION;
      switch (said.action) {
        case 'REGISTERED':
          return register(record, said, emit);
        case 'DELETED':
          return remove(record, said, emit);
        case 'TOKEN_DIED':
          return bury(record, said, emit);
      }
    };
  },
});
