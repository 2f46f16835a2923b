import { IDENTITY, paths } from '../core/path-options.ts';
import type { Record } from '../core/record.ts';
import {
  count,
  defineTimed,
  duration,
  oneOf,
  type StepContext,
  type TimedEmit,
} from '../core/spec.ts';
import { columns, type Key } from '../core/store.ts';
import { dropped, HELD, PASSED } from '../core/verdict.ts';
import { bypasses, bypassOption } from './bypass.ts';
import { KeyCount } from './key-count.ts';

/**
 * Part 0 of a key is its digest: `n` records so far, that of `newest` is the newest by event time,
 * and `total` events that they stand for. Parts 1 to n hold them.
 */
const rows = columns({
  n: 'int',
  newest: 'int',
  newestMs: 'double',
  total: 'int',
  event: 'record',
});

const FULL = dropped('full');
const DIGESTED = dropped('digested');

const HEAD = 0;

/** Several events of a member become one that holds them all. */
export const digest = defineTimed({
  type: 'digest',
  summary: 'Gather the records of one identity for a while, and send on one that holds them all.',
  description: [
    'A digest begins with its first record and is sent on `within` later, or when it has `events_max`,',
    "whichever is earlier, on the task's clock. Its value is `count`, the number of events, and",
    '`events`, their values in the order in which they came: a `map` behind it makes of them what',
    'devices shall see, and `to: { lane, schema }` names the schema of that. Key, time, id, deadline and',
    'headers are those of the newest record: the one with the latest event time, of two with the same',
    'time the later one (rule D1). The others are counted as `digested` when it is sent. A held record is',
    'a row of the store: a restart or a move to another worker loses neither it nor its time. Records',
    'of the priorities in `bypass`, and those with a null or absent part in their identity, do not',
    'wait: each goes on at once as a digest of one.',
  ].join(' '),
  config: {
    by: paths('Which records belong together.', IDENTITY),
    within: duration('How long the first record of a digest waits.'),
    events_max: count('Records of one digest; with so many it is sent on at once.', 100, {
      max: 10_000,
    }),
    bypass: bypassOption,
    keys_max: count('Digests held per partition.', 100_000),
    on_full: oneOf(
      'What to do with a record of a new digest when `keys_max` are held.',
      {
        emit_oldest: 'Send on the digest that has been held longest, before its time.',
        drop: 'Drop the new record as `full`.',
      },
      'emit_oldest',
    ),
  },
  drops: {
    digested: 'It has gone on in the digest of a newer record.',
    full: '`keys_max` digests were held, or memory was short, and the policy is `on_full: drop`.',
  },
  counts: {
    null_identity: 'Records that passed because a part of their identity is null or absent.',
    bypassed: 'Records that passed by their priority.',
    filled: 'Digests sent on before their time because of `events_max`.',
    emitted_early: 'Digests sent on before their time because of `keys_max` or memory.',
  },
  gives: { kind: 'gathered' },
  times: ({ within, events_max }) => (events_max > 1 ? { holdMs: within } : {}),
  warns({ within, events_max }) {
    if (within === 0) {
      const why = 'is no time at all, so each digest has one event';
      return [{ option: 'within', kind: 'no_effect', why }];
    }
    const why = 'is one, so nothing is gathered and nothing waits';
    return events_max === 1 ? [{ option: 'events_max', kind: 'no_effect', why }] : [];
  },
  example: '- digest: { by: [value.profileId], within: 15m, events_max: 50, bypass: [critical] }',
  rows,
  keyedBy: 'by',
  open({ within, events_max, bypass, keys_max, on_full }, context) {
    const { store, clock } = context;
    const known = new KeyCount(store);
    const isLetThrough = bypasses(bypass, context.priorities);

    const send = (key: Key, emit: TimedEmit) => {
      sendDigest(context, key, emit);
      known.add(-1);
    };
    const alone = (record: Record, emit: TimedEmit, why: 'null_identity' | 'bypassed') => {
      context.count(why);
      const value = { count: record.count, events: [record.value] };
      emit(record).value = value;
      return PASSED;
    };
    /** False: there is no room for another digest. */
    const begin = (key: Key, emit: TimedEmit): boolean => {
      if (known.keys >= keys_max || store.isFull) {
        if (on_full === 'drop' || !known.oldest()) return false;
        context.count('emitted_early');
        send(store.wholeKey(), emit);
      }
      known.add(1);
      store.put(store.part(key, HEAD));
      store.setDue(clock.now() + within);
      return true;
    };
    const gather = (key: Key, record: Record): number => {
      const head = store.put(store.part(key, HEAD));
      const n = head.n + 1;
      head.n = n;
      head.total += record.count;
      if (n === 1 || record.timestamp >= head.newestMs) {
        head.newest = n;
        head.newestMs = record.timestamp;
      }
      // As an object it is read again without its schema, whatever becomes of that meanwhile.
      const { value } = record;
      record.value = value;
      store.put(store.part(key, n)).event.hold(record);
      return n;
    };

    return {
      record(record, emit, key) {
        if (key === null) return alone(record, emit, 'null_identity');
        if (isLetThrough(record)) return alone(record, emit, 'bypassed');
        // A value that cannot be read is this record's fault, and nothing has begun yet.
        void record.value;
        const isNew = store.get(store.part(key, HEAD)) === undefined;
        if (isNew && !begin(key, emit)) return FULL;
        if (gather(key, record) < events_max) return HELD;
        context.count('filled');
        send(key, emit);
        return HELD;
      },
      due(emit) {
        if (!known.isHere) send(store.wholeKey(), emit);
      },
    };
  },
});

/** Sends on the digest of a key, and lets go of what it held. */
function sendDigest(
  context: Pick<StepContext<typeof rows>, 'store' | 'settle'>,
  key: Key,
  emit: TimedEmit,
): void {
  const { store } = context;
  const { n: last, newest, total } = store.get(store.part(key, HEAD))!;
  const events: unknown[] = [];
  for (let n = 1; n <= last; n++) {
    store.get(store.part(key, n));
    events.push(emit.value());
  }
  store.get(store.part(key, newest));
  const one = emit.held();
  one.value = { count: total, events };
  one.count = total;
  for (let n = 1; n <= last; n++) {
    store.get(store.part(key, n));
    context.settle(n === newest ? PASSED : DIGESTED);
    store.delete();
  }
  store.get(store.part(key, HEAD));
  store.delete();
}
