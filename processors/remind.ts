import { type Acknowledgement, isAcknowledged } from '../core/acknowledgement.ts';
import { type Device, TRANSPORTS, type Transport } from '../core/device.ts';
import { headersOf } from '../core/lane-marks.ts';
import type { DeviceNotification } from '../core/notification.ts';
import type { DeliveryOutcome } from '../core/outcome.ts';
import type { Record } from '../core/record.ts';
import { count, defineTimed, duration, someOf, type TimedEmit, table, text } from '../core/spec.ts';
import { columns } from '../core/store.ts';
import { dropped, HELD } from '../core/verdict.ts';

/** `tried`: bits of TRANSPORTS that have had it since the last round began. */
const rows = columns({ tried: 'int', times: 'int', waiting: 'record' });

const ACKNOWLEDGED = dropped('acknowledged');
const KNOWN = dropped('known');
const FULL = dropped('full');
const MOVED = dropped('moved');
const UNACKNOWLEDGED = dropped('unacknowledged');

/** Beyond it the next time is after any deadline: 2^20 times `after`. */
const DOUBLINGS_MAX = 20;

/** Of a notification; it may have none. */
const endOf = ({ deadline }: DeviceNotification) => (deadline === 0 ? Infinity : deadline);

const NO_MARKS = { dueMs: 0, rests: false, attempt: 0, tries: 0 };

const CHOICES = Object.fromEntries(TRANSPORTS.map((one) => [one, `Devices of ${one}.`])) as {
  [K in Transport]: string;
};

/** Who does not say that it has a notification gets it again, another way (`guarantee: acked`). */
export const remind = defineTimed({
  type: 'remind',
  summary: 'Tell a notification again, by another transport, until its device acknowledges it.',
  description:
    'Reads the lanes of a use case with `guarantee: acked`. What is not acknowledged `after` it came to ' +
    'its lane goes to the lane of the next transport that the device has, and when it has had all of ' +
    'them by the first again; each time twice as long is waited. It ends with the acknowledgement, on ' +
    'any path, or with the deadline, if it has one, which is told as an outcome. A notification that waits is a row ' +
    'of the store: a restart or a move to another worker loses neither it nor its time.',
  config: {
    after: duration('How long an acknowledgement is waited for, the first time.'),
    transports: someOf('Those of its lane.', CHOICES),
    allowed: someOf('By which it may be told again.', CHOICES),
    topics: text('The lanes of these transports, in their order, with commas between.'),
    owners: table('Whose a device is, and how it is reached.', 'Device'),
    acknowledgements: table('What devices have acknowledged.', 'Acknowledgement'),
    awaited_max: count('Notifications awaited per partition.', 200_000),
  },
  drops: {
    acknowledged: 'Its device has acknowledged it.',
    known: 'It is awaited already: another transport has it now.',
    full: '`awaited_max` were awaited: it is told again when its device reconnects.',
    moved: 'Its device belongs to somebody else now, or was deleted.',
    unacknowledged: 'Nobody had acknowledged it when its deadline came.',
  },
  counts: { again: 'Times that a notification was told again.' },
  isInternal: true,
  repeats: true,
  example: '- remind: {}',
  rows,
  open(config, context) {
    const { after, transports, allowed, topics, owners, acknowledgements, awaited_max } = config;
    const { store, clock } = context;
    const devices = context.table<Device>(owners);
    const acked = context.table<Acknowledgement>(acknowledgements);
    const lanes = topics.split(',');
    const setNext = (times: number, endMs: number) => {
      const waitMs = after * 2 ** Math.min(times, DOUBLINGS_MAX);
      store.setDue(Math.min(clock.now() + waitMs, endMs));
    };
    const end = (verdict: typeof ACKNOWLEDGED | typeof MOVED | typeof UNACKNOWLEDGED) => {
      context.settle(verdict, 1, store.row().waiting.offset);
      store.delete();
    };
    /** By the next transport, if the device has any. */
    const tellAgain = (device: Device, emit: TimedEmit) => {
      const row = store.row();
      const to = nextOf(device, allowed, row.tried);
      if (to === undefined) return;
      if ((row.tried & bitOf(to)) !== 0) row.tried = 0;
      const handedBy = TRANSPORTS.filter((one) => (row.tried & bitOf(one)) !== 0);
      const out = emit.held();
      out.output = transports.indexOf(to);
      out.headers = headersOf({ ...NO_MARKS, handedBy, again: true });
      row.tried |= bitOf(to);
      context.count('again');
    };

    return {
      record(record) {
        const notification: DeviceNotification = record.value;
        const { id } = notification;
        const endMs = endOf(notification);
        const bit = bitOf(transports[lanes.indexOf(record.topic)]!);
        const known = store.get(store.key(id));
        if (known !== undefined) {
          known.tried |= bit;
          store.changed();
          return KNOWN;
        }
        if (isAcknowledged(notification, acked, context.priorities)) return ACKNOWLEDGED;
        if (endMs <= clock.now()) return UNACKNOWLEDGED;
        if (store.size >= awaited_max || store.isFull) return FULL;
        const row = store.put(store.key(id));
        row.tried = bit;
        row.waiting.hold(record);
        setNext(0, endMs);
        return HELD;
      },
      due(emit) {
        const notification = emit.value() as DeviceNotification;
        const { deviceId, epoch } = notification;
        const endMs = endOf(notification);
        if (isAcknowledged(notification, acked, context.priorities)) return end(ACKNOWLEDGED);
        if (clock.now() >= endMs) {
          tellExpired(notification, emit, clock.now()).output = transports.length;
          return end(UNACKNOWLEDGED);
        }
        const device = devices.get(deviceId);
        // The table may be behind what was told.
        const isKnown = device !== undefined && device.epoch >= epoch;
        if (isKnown && (device.epoch > epoch || device.status !== 'ACTIVE')) return end(MOVED);
        if (isKnown) tellAgain(device, emit);
        const row = store.row();
        row.times++;
        store.changed();
        setNext(row.times, endMs);
      },
    };
  },
});

const bitOf = (transport: Transport) => 1 << TRANSPORTS.indexOf(transport);

/** The first of the device's that has not had it; when all have, the first again. */
function nextOf(
  { transports }: Device,
  allowed: readonly Transport[],
  tried: number,
): Transport | undefined {
  const may = transports.filter(({ kind }) => allowed.includes(kind));
  const next = may.find(({ kind }) => (tried & bitOf(kind)) === 0) ?? may[0];
  return next?.kind;
}

/** For the ledger; gives the record. */
function tellExpired(of: DeviceNotification, emit: TimedEmit, nowMs: number): Record {
  const told = emit.blank();
  told.key = of.deviceId;
  told.eventId = of.id;
  told.timestamp = nowMs;
  told.value = expired(of, nowMs);
  return told;
}

function expired(of: DeviceNotification, nowMs: number): DeliveryOutcome {
  return {
    notificationId: of.id,
    deviceId: of.deviceId,
    useCase: of.useCase,
    priority: of.priority,
    sink: 'remind',
    attempt: 1,
    outcome: 'expired',
    reason: 'unacknowledged',
    ambiguous: false,
    at: nowMs,
    ageMs: Math.max(0, nowMs - of.born),
  };
}
