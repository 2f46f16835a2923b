import { DEVICE_CLASSES, type MemberDevice, type MemberDevices } from '../core/device.ts';
import type { Target } from '../core/record.ts';
import { count, defineExpand, oneOf, path, table } from '../core/spec.ts';
import { deadLettered, dropped, PASSED } from '../core/verdict.ts';

const NO_MEMBER = dropped('no_member');
const NO_DEVICES = dropped('no_devices');
const NO_TARGET = dropped('no_target');
const TOO_MANY = deadLettered('CAR521');

const CLASS_BITS: ReadonlyMap<string, number> = new Map(
  DEVICE_CLASSES.map((name, bit) => [name, 1 << bit]),
);

function isFor(device: MemberDevice, target: Target | null): boolean {
  if (target === null) return true;
  if (device.deviceId === target.except) return false;
  return ((CLASS_BITS.get(device.class) ?? 0) & target.classMask) !== 0;
}

/** The `max` devices that changed last, in the order of the row. */
function mostRecent(devices: readonly MemberDevice[], max: number): readonly MemberDevice[] {
  const kept = new Set(
    [...devices]
      .sort((a, b) => b.updatedAt - a.updatedAt || (a.deviceId < b.deviceId ? -1 : 1))
      .slice(0, max),
  );
  return devices.filter((device) => kept.has(device));
}

/** From a member's event to one record per device: the stream-table join at the heart of RENO. */
export const fanOut = defineExpand({
  type: 'fan_out',
  summary: "Make one record per device of the event's member.",
  description:
    "Joins with the member's row of a devices table; `target` says which classes are told and " +
    'which device is spared. The records go out in the order of the row and share the bytes of ' +
    'the event. The table is read as it is when the event is processed; it is read to its end ' +
    'before the first event.',
  config: {
    table: table('The table of devices by member (schema MemberDevices).'),
    by: path('Where the member is; it must be the key of the stream.', 'value.memberId'),
    devices_max: count('Devices told of one event.', 64),
    on_excess: oneOf(
      'What to do when more devices than `devices_max` are to be told.',
      {
        drop_least_recent: 'Leave out those whose registration changed longest ago; counted.',
        dead_letter: 'Send the event to the dead letters (CAR521), and tell none.',
      },
      'drop_least_recent',
    ),
  },
  drops: {
    no_member: 'The path `by` is null or absent in the event.',
    no_devices: 'The member has no devices.',
    no_target: 'The member has devices, but none that `target` leaves.',
  },
  counts: {
    over_limit: 'Devices left out because of `devices_max`.',
  },
  example:
    '- fan_out: { table: devices, by: value.memberId, devices_max: 64, on_excess: drop_least_recent }',
  open({ table: name, by, devices_max, on_excess }, context) {
    const members = context.table<MemberDevices>(name);
    return (record, emit) => {
      const member = by.read(record);
      if (typeof member !== 'string') return NO_MEMBER;
      const devices = members.get(member)?.devices;
      if (devices === undefined || devices.length === 0) return NO_DEVICES;

      const { target } = record;
      let told: readonly MemberDevice[] = devices.filter((device) => isFor(device, target));
      if (told.length === 0) return NO_TARGET;
      if (told.length > devices_max) {
        if (on_excess === 'dead_letter') return TOO_MANY;
        context.count('over_limit', told.length - devices_max);
        told = mostRecent(told, devices_max);
      }
      for (const device of told) emit(record.forDevice(device));
      return PASSED;
    };
  },
});
