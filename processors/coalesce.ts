import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { Record } from '../core/record.ts';
import { count, defineTimed, duration, oneOf, paths } from '../core/spec.ts';
import type { RowCodec } from '../core/store.ts';
import { dropped, HELD, PASSED } from '../core/verdict.ts';
import { decodeHeld, encodeHeld, holdRecord, needsDecoder, schemaIdsOf } from './held-record.ts';
import { identityOf } from './identity.ts';

/** A burst that is being waited for. */
interface Burst {
  /** The newest record so far; its `count` is that of the whole burst. */
  readonly newest: Record;
  /** The task's clock at the first record, and at the last. */
  readonly firstMs: number;
  readonly lastMs: number;
}

const SUPERSEDED = dropped('superseded');
const FULL = dropped('full');

const rows: RowCodec<Burst> = {
  encode(row) {
    const to = new ByteWriter(256).double(row.firstMs).double(row.lastMs);
    encodeHeld(row.newest, to);
    return to.done();
  },
  decode(bytes) {
    const from = new ByteReader(bytes);
    const firstMs = from.double();
    const lastMs = from.double();
    return { firstMs, lastMs, newest: decodeHeld(from) };
  },
};

/** Event time decides; of two at the same time the later in the log. */
function isNewer(record: Record, than: Record): boolean {
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
    by: paths('Which records belong together.'),
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
    full: '`keys_max` bursts were held, and the policy is `on_full: drop`.',
  },
  counts: {
    null_identity: 'Records that passed because a part of their identity is null or absent.',
    emitted_early: 'Bursts sent on before their time because of `keys_max`.',
  },
  example:
    '- coalesce: { by: [value.profileId, value.titleId], quiet: 2s, at_most: 10s, ' +
    'keys_max: 200_000, on_full: emit_oldest }',
  rows,
  heldBy: () => 1,
  schemaIds: ({ newest }) => schemaIdsOf(newest),
  open({ by, quiet, at_most, keys_max, on_full }, context) {
    const { store, clock } = context;
    const release = (key: string, burst: Burst, emit: (record: Record) => void) => {
      const { newest } = burst;
      if (needsDecoder(newest)) context.revive(newest);
      store.delete(key);
      context.settle(PASSED);
      emit(newest);
    };
    const hold = (key: string, newest: Record, firstMs: number) => {
      const lastMs = clock.now();
      store.put(key, { newest, firstMs, lastMs }, Math.min(lastMs + quiet, firstMs + at_most));
    };

    return {
      record(record, emit) {
        const key = identityOf(by, record);
        if (key === null) {
          context.count('null_identity');
          emit(record);
          return PASSED;
        }
        const burst = store.get(key);
        if (burst !== undefined) {
          const { newest, firstMs } = burst;
          const total = newest.count + record.count;
          const wins = isNewer(record, newest);
          const kept = wins ? holdRecord(record) : newest;
          kept.count = total;
          hold(key, kept, firstMs);
          if (!wins) return SUPERSEDED;
          context.settle(SUPERSEDED, 1, newest);
          return HELD;
        }
        if (store.size >= keys_max) {
          if (on_full === 'drop') return FULL;
          const oldest = store.oldest()!;
          context.count('emitted_early');
          release(oldest, store.get(oldest)!, emit);
        }
        hold(key, holdRecord(record), clock.now());
        return HELD;
      },
      due: release,
    };
  },
});
