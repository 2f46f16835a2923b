import { IDENTITY, paths } from '../core/path-options.ts';
import type { Record } from '../core/record.ts';
import { count, defineTimed, duration, oneOf, type TimedEmit } from '../core/spec.ts';
import { columns, type HeldRecord, type Key } from '../core/store.ts';
import { dropped, HELD, PASSED } from '../core/verdict.ts';

/**
 * A burst that is being waited for: the task's clock at its first record and at its last, and the
 * newest record so far, whose `count` is that of the whole burst.
 */
const rows = columns({ firstMs: 'double', lastMs: 'double', newest: 'record' });

const SUPERSEDED = dropped('superseded');
const FULL = dropped('full');

/** Event time decides; of two at the same time the later in the log. */
function isNewer(record: Record, than: HeldRecord): boolean {
  if (record.timestamp !== than.timestamp) return record.timestamp > than.timestamp;
  return record.offset > than.offset;
}

/** Makes one notification of a burst of events. State and timers are rows (rule D11). */
export const coalesce = defineTimed({
  type: 'coalesce',
  summary: 'Wait until a burst of records with one identity is over, then send on the newest.',
  description: [
    'The burst is over when no record of the identity has come for `quiet`, or `at_most` after its',
    "first one, whichever is earlier, on the task's clock: min(last + quiet, first + at_most). The",
    'newest is the one with the latest event time, of two with the same time the later in the log;',
    'it keeps its own id, deadline and headers (rule D1), and its `count` is the number of events it',
    'stands for. The others are dropped as `superseded` when that is known. A held record is a row',
    'of the store: a restart or a move to another worker loses neither it nor its time. A record',
    'with a null or absent part in its identity passes at once.',
  ].join(' '),
  config: {
    by: paths('Which records belong together.', IDENTITY),
    quiet: duration('How long no further record must come before the newest is sent on.'),
    at_most: duration('How long the first record of a burst waits at most.'),
    keys_max: count('Bursts held per partition.', 100_000),
    on_full: oneOf(
      'What to do with a record of a new burst when `keys_max` are held.',
      {
        emit_oldest: 'Send on the burst that has been held longest, before its time.',
        drop: 'Drop the new record as `full`.',
      },
      'emit_oldest',
    ),
  },
  drops: {
    superseded: 'A newer record of the same burst was kept in its place.',
    full: '`keys_max` bursts were held, or memory was short, and the policy is `on_full: drop`.',
  },
  counts: {
    null_identity: 'Records that passed because a part of their identity is null or absent.',
    emitted_early: 'Bursts sent on before their time because of `keys_max` or memory.',
  },
  times: ({ quiet, at_most }) => ({ waitMs: Math.min(quiet, at_most) }),
  warns({ quiet, at_most }) {
    for (const [option, ms] of [
      ['quiet', quiet],
      ['at_most', at_most],
    ] as const) {
      const why = 'is no time at all, so no burst is waited for';
      if (ms === 0) return [{ option, kind: 'no_effect', why }];
    }
    const why = 'is longer than at_most, which ends every burst before it';
    return quiet > at_most ? [{ option: 'quiet', kind: 'no_effect', why }] : [];
  },
  example:
    '- coalesce: { by: [value.profileId, value.titleId], quiet: 2s, at_most: 10s, ' +
    'keys_max: 200_000, on_full: emit_oldest }',
  rows,
  keyedBy: 'by',
  open({ quiet, at_most, keys_max, on_full }, context) {
    const { store, clock } = context;
    /** Sends on what the store's current row holds. */
    const release = (emit: TimedEmit) => {
      emit.held();
      context.settle(PASSED);
      store.delete();
    };
    const begin = (key: Key, record: Record) => {
      const burst = store.put(key);
      const nowMs = clock.now();
      burst.firstMs = nowMs;
      burst.lastMs = nowMs;
      burst.newest.hold(record);
      store.setDue(Math.min(nowMs + quiet, nowMs + at_most));
    };

    return {
      record(record, emit, key) {
        if (key === null) {
          context.count('null_identity');
          emit(record);
          return PASSED;
        }
        const burst = store.get(key);
        if (burst === undefined) {
          if (store.size >= keys_max || store.isFull) {
            if (on_full === 'drop') return FULL;
            store.oldest();
            context.count('emitted_early');
            release(emit);
          }
          begin(key, record);
          return HELD;
        }
        const { newest } = burst;
        const total = newest.count + record.count;
        const wins = isNewer(record, newest);
        const lastMs = clock.now();
        const { offset } = newest;
        if (wins) newest.hold(record);
        newest.count = total;
        burst.lastMs = lastMs;
        store.setDue(Math.min(lastMs + quiet, burst.firstMs + at_most));
        if (!wins) return SUPERSEDED;
        context.settle(SUPERSEDED, 1, offset);
        return HELD;
      },
      due: release,
    };
  },
});
