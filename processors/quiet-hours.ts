import { optionalTable, timeOfDay, timeZone } from '../core/more-options.ts';
import { optionalPath, TEXT } from '../core/path-options.ts';
import type { MemberPreferences } from '../core/preferences.ts';
import type { Record } from '../core/record.ts';
import { count, defineTimed, oneOf } from '../core/spec.ts';
import type { ConfigWarning } from '../core/step-facts.ts';
import { columns } from '../core/store.ts';
import { DAY_MS, TimeZone } from '../core/time-zone.ts';
import { dropped, HELD, PASSED } from '../core/verdict.ts';
import { bypasses, bypassOption } from './bypass.ts';

/** The row of the bare empty key: numbers given so far. All others are held records. */
const rows = columns({ given: 'int', waiting: 'record' });

const QUIET = dropped('quiet');
const EXPIRED = dropped('expired');
const FULL = dropped('full');

const COUNT = '';

/** Nobody is woken by what can wait until the morning. */
export const quietHours = defineTimed({
  type: 'quiet_hours',
  summary: 'Hold, or drop, what comes while it is night where the member is.',
  description: [
    "It is quiet while a clock on the wall of the member's zone reads a time from `from` up to, not",
    "including, `to`; overnight where `to` is not later, all day where the two are equal. The task's",
    'clock decides, not the time of the event. A record that is held goes on as it came when the quiet',
    'time ends, in the order of arrival. Summer time is heeded: an end that is skipped in spring comes',
    'with the skip, and an hour that comes twice in autumn is quiet twice. The zone is that of the field',
    "`zone`, else that of the member's row in `table`, else `zone_default`. A record whose deadline is",
    'before the end is dropped as `expired` rather than held in vain. A held record is a row of the',
    'store: a restart or a move to another worker loses neither it nor its time; its end is that of the',
    'zone when it came.',
  ].join(' '),
  config: {
    from: timeOfDay('When the quiet time begins.'),
    to: timeOfDay('When it ends.'),
    zone: optionalPath('Where the name of the zone is, as `Europe/Berlin`.', TEXT),
    table: optionalTable(
      "A table of schema MemberPreferences, whose rows have the member's zone.",
      'MemberPreferences',
    ),
    by: optionalPath('Where the member is; the key when it is left out. It must be the key.', TEXT),
    zone_default: timeZone('The zone where none is known.', 'UTC'),
    on_quiet: oneOf(
      'What to do with a record in the quiet time.',
      { hold: 'Hold it until the quiet time is over.', drop: 'Drop it as `quiet`.' },
      'hold',
    ),
    bypass: bypassOption,
    held_max: count('Records held per partition.', 100_000),
    on_full: oneOf(
      'What to do with a record in the quiet time when `held_max` are held.',
      { drop: 'Drop it as `full`.', pass: 'Let it through: rather woken than not told.' },
      'drop',
    ),
  },
  drops: {
    quiet: 'It came in the quiet time, and the policy is `on_quiet: drop`.',
    expired: 'Its deadline is before the end of the quiet time.',
    full: '`held_max` records were held, or memory was short, and the policy is `on_full: drop`.',
  },
  counts: {
    delayed: 'Records that were held.',
    bypassed: 'Records that passed in the quiet time by their priority.',
    unknown_zone: 'Records whose zone is null, absent or not in the database.',
    uncounted: 'Records that passed in the quiet time because `held_max` were held.',
  },
  times: ({ from, to, on_quiet }) =>
    on_quiet === 'hold' ? { holdMs: (to - from + DAY_MS) % DAY_MS || DAY_MS } : {},
  warns({ from, to, on_quiet, table, by }, written) {
    const found: ConfigWarning[] = [];
    const tell = (option: string, kind: ConfigWarning['kind'], why: string) =>
      found.push({ option, kind, why });
    if (from === to && on_quiet === 'drop') {
      tell(
        'to',
        'always_lost',
        'is when it begins, so it is quiet all day and nothing comes through',
      );
    }
    if (table === null && by !== null) {
      tell('by', 'no_effect', 'says by what a member is looked up, and there is no table');
    }
    if (on_quiet === 'drop') {
      for (const option of ['held_max', 'on_full']) {
        const why = 'is about what is held, and nothing is with on_quiet: drop';
        if (written.has(option)) tell(option, 'no_effect', why);
      }
    }
    return found;
  },
  example: '- quiet_hours: { from: "22:00", to: "07:00", table: members, bypass: [critical] }',
  rows,
  open(config, context) {
    const { from, to, zone, table, by, zone_default, on_quiet, bypass, held_max, on_full } = config;
    const { store, clock } = context;
    const members = table === null ? null : context.table<MemberPreferences>(table);
    const isLetThrough = bypasses(bypass, context.priorities);
    const otherwise = TimeZone.named(zone_default)!;

    const named = (name: unknown): TimeZone | null =>
      typeof name === 'string' && name !== '' ? TimeZone.named(name) : null;
    const ofMember = (record: Record): TimeZone | null => {
      if (members === null) return null;
      const member = by === null ? record.key : by.read(record);
      return typeof member === 'string' ? named(members.get(member)?.timeZone) : null;
    };
    const zoneOf = (record: Record): TimeZone => {
      if (zone === null && members === null) return otherwise;
      const found = (zone === null ? null : named(zone.read(record))) ?? ofMember(record);
      if (found === null) context.count('unknown_zone');
      return found ?? otherwise;
    };
    const hold = (record: Record, endMs: number) => {
      const counted = store.put(store.key(COUNT));
      counted.given++;
      const number = counted.given;
      const row = store.put(store.part(store.key(COUNT), number));
      row.waiting.hold(record);
      store.setDue(endMs);
      context.count('delayed');
      return HELD;
    };

    return {
      record(record, emit) {
        const endMs = zoneOf(record).within(clock.now(), from, to);
        if (endMs === null) {
          emit(record);
          return PASSED;
        }
        if (isLetThrough(record)) {
          context.count('bypassed');
          emit(record);
          return PASSED;
        }
        if (on_quiet === 'drop') return QUIET;
        if (record.deadlineMs > 0 && record.deadlineMs < endMs) return EXPIRED;
        const isEmpty = store.get(store.key(COUNT)) === undefined;
        if (isEmpty || (store.size - 1 < held_max && !store.isFull)) return hold(record, endMs);
        if (on_full === 'drop') return FULL;
        context.count('uncounted');
        emit(record);
        return PASSED;
      },
      due(emit) {
        if (store.isAt(store.key(COUNT))) return;
        emit.held();
        context.settle(PASSED);
        store.delete();
      },
    };
  },
});
