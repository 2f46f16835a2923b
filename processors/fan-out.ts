import type { DeviceLines } from '../core/device-lines.ts';
import { memberPath } from '../core/path-options.ts';
import type { Record } from '../core/record.ts';
import { NO_TARGET as NO_TARGET_MARK, NONE } from '../core/slice.ts';
import { count, defineExpand, type FieldReader, oneOf, table } from '../core/spec.ts';
import type { DevicesView } from '../core/store.ts';
import { deadLettered, dropped, PASSED } from '../core/verdict.ts';

const NO_MEMBER = dropped('no_member');
const NO_DEVICES = dropped('no_devices');
const NO_TARGET = dropped('no_target');
const TOO_MANY = deadLettered('CAR521');

/** Devices of a member for which there is room at first; it grows. */
const TOLD_FIRST = 64;

/** Looks up the member that a field names; null: the field names none. */
function findMember(members: DevicesView, by: FieldReader, record: Record): boolean | null {
  const { slice, i } = record;
  const start = by.column < 0 ? -1 : slice.fieldStart[by.column]![i]!;
  if (start >= 0) return members.find(slice.bytes, start, slice.fieldEnd[by.column]![i]!);
  const member = by.read(record);
  if (typeof member !== 'string') return null;
  const bytes = Buffer.from(member, 'utf8');
  return members.find(bytes, 0, bytes.length);
}

function isFor(lines: DeviceLines, line: number, record: Record): boolean {
  const { slice, i } = record;
  const mask = slice.classMask[i]!;
  if (mask === NO_TARGET_MARK) return true;
  if ((lines.classBit(line) & mask) === 0) return false;
  const start = slice.exceptStart[i]!;
  if (start >= 0) return !lines.isId(line, slice.bytes, start, slice.exceptEnd[i]!);
  return start === NONE || lines.id(line) !== record.except;
}

/** The `max` of them that changed last, in the order of the row. */
function mostRecent(lines: DeviceLines, told: readonly number[], max: number): number[] {
  const kept = new Set(
    [...told]
      .sort(
        (a, b) => lines.updatedAt(b) - lines.updatedAt(a) || (lines.id(a) < lines.id(b) ? -1 : 1),
      )
      .slice(0, max),
  );
  return told.filter((line) => kept.has(line));
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
    table: table('The table of devices by member (schema MemberDevices).', 'MemberDevices'),
    by: memberPath('Where the member is; it must be the key of the stream.'),
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
  deadLetters: {
    CAR521: 'More devices than `devices_max`, and the policy is `on_excess: dead_letter`.',
  },
  counts: {
    over_limit: 'Devices left out because of `devices_max`.',
  },
  example:
    '- fan_out: { table: devices, by: value.memberId, devices_max: 64, on_excess: drop_least_recent }',
  joins: { table: 'table', by: 'by' },
  open({ table: name, by, devices_max, on_excess }, context) {
    const members = context.devices(name);
    const { lines } = members;
    let told = new Int32Array(TOLD_FIRST);
    return (record, emit) => {
      const found = findMember(members, by, record);
      if (found === null) return NO_MEMBER;
      if (!found) return NO_DEVICES;

      const { first, end } = members;
      if (end - first > told.length) told = new Int32Array(end - first);
      let count = 0;
      for (let line = first; line < end; line++) {
        if (isFor(lines, line, record)) told[count++] = line;
      }
      if (count === 0) return NO_TARGET;
      if (count > devices_max) {
        if (on_excess === 'dead_letter') return TOO_MANY;
        context.count('over_limit', count - devices_max);
        const kept = mostRecent(lines, [...told.subarray(0, count)], devices_max);
        for (const line of kept) emit(record).setDevice(lines, line);
        return PASSED;
      }
      for (let n = 0; n < count; n++) emit(record).setDevice(lines, told[n]!);
      return PASSED;
    };
  },
});
