import { IDENTITY, paths } from '../core/path-options.ts';
import type { Record } from '../core/record.ts';
import { count, defineEach, duration, oneOf } from '../core/spec.ts';
import { isCoarser } from '../core/step-facts.ts';
import { type ColumnStore, columns, type Key, type RowView } from '../core/store.ts';
import { dropped, PASSED } from '../core/verdict.ts';

/** What is remembered of an identity: when it was seen, and which record was let through. */
const rows = columns({ atMs: 'double', offset: 'int', partition: 'int', topic: 'name' });

type Columns = (typeof rows)['columns'];
type Store = ColumnStore<Columns>;

const DUPLICATE = dropped('duplicate');
const LATE = dropped('late');

/**
 * The row that holds stream time (the newest event time seen). An identity is never empty, so the
 * key is free. Stream time is state like any other: after a restart the same record gets the same
 * answer (S56, S57).
 */
const STREAM_TIME = '';

/** More than one, so that the store shrinks; few, so that no record pays for many. */
const PURGED_PER_RECORD_MAX = 2;

function isSame(seen: RowView<Columns>, record: Record): boolean {
  return (
    seen.offset === record.offset &&
    seen.partition === record.partition &&
    seen.topic === record.topic
  );
}

/**
 * The row of the oldest identity, never stream time's own, which is put behind the others when it
 * is met.
 */
function oldestIdentity(store: Store): RowView<Columns> | undefined {
  const oldest = store.oldest();
  if (oldest === undefined || !store.isAt(store.key(STREAM_TIME))) return oldest;
  store.renew();
  const next = store.oldest();
  return next === undefined || store.isAt(store.key(STREAM_TIME)) ? undefined : next;
}

/** Forgets what no record that can be judged will ask for; at most a few per record. */
function purge(store: Store, beforeMs: number): void {
  for (let n = 0; n < PURGED_PER_RECORD_MAX; n++) {
    const row = oldestIdentity(store);
    if (row === undefined || row.atMs >= beforeMs) return;
    store.delete();
  }
}

/** De-duplication by event time that loses nothing after a crash (semantics S49 to S56). */
export const dedup = defineEach({
  type: 'dedup',
  summary: 'Pass a record once; drop later records of the same identity within a time span.',
  description: [
    'Judged by event time. A record that is older than the one remembered, by at most `within`, is a',
    'duplicate too (S53). The record that was let through is remembered with its origin (topic,',
    'partition, offset): when it is read again after a crash, it passes again, so a crash repeats',
    'records and never loses one (S50, S51; KIP-655). State is per partition: two copies of one',
    'identity on different partitions are not duplicates (S54). Of records with one identity and',
    'different contents the first is kept (S55). A record with a null or absent part in its identity',
    'passes. Identities are kept for twice `within`, so that every record at most `within` behind',
    'stream time is judged exactly; `late` says what becomes of the others. Put it before steps that',
    'make several records of one: these share their origin.',
  ].join(' '),
  config: {
    by: paths('Where the identity of a record is.', IDENTITY, ['value.eventId']),
    within: duration(
      'How far apart in event time two records of one identity are duplicates.',
      '10m',
    ),
    anchor: oneOf(
      'Which record the time span is counted from.',
      {
        first_seen: 'The one that passed: a steady repeater comes through once per span.',
        last_seen: 'The newest, passed or dropped: a steady repeater stays silent until it pauses.',
      },
      'first_seen',
    ),
    late: oneOf(
      'What to do with a record too old to be judged: its identity may be forgotten already.',
      { pass: 'Let it through: rather twice than never.', drop: 'Drop it as `late`.' },
      'pass',
    ),
    keys_max: count(
      'Identities remembered per partition; over it the oldest is forgotten, and counted.',
      1_000_000,
    ),
  },
  drops: {
    duplicate: 'A record of the same identity passed less than `within` away.',
    late: 'The record was more than `within` behind, and the policy is `late: drop`.',
  },
  counts: {
    null_identity: 'Records that passed because a part of their identity is null or absent.',
    late: 'Records more than `within` behind stream time or behind the one remembered.',
    forgotten: 'Identities forgotten before their time because of `keys_max` or memory.',
  },
  isWeaker: (options, than) =>
    isCoarser(than.by, options.by) &&
    (options.within as number) <= (than.within as number) &&
    (options.late === 'pass' || than.late === 'drop'),
  warns({ within }) {
    const why = 'is no time at all: only copies of one event time are seen as duplicates';
    return within === 0 ? [{ option: 'within', kind: 'no_effect', why }] : [];
  },
  example: '- dedup: { by: [value.eventId], within: 10m, keys_max: 1_000_000 }',
  rows,
  keyedBy: 'by',
  open({ within, anchor, late, keys_max }, { store, count: counted }) {
    const refresh = anchor === 'last_seen';
    const judgeLate = () => {
      counted('late');
      return late === 'drop' ? LATE : PASSED;
    };
    const remember = (key: Key, record: Record, known: boolean) => {
      if (known) store.renew();
      else if (store.size > keys_max || store.isFull) {
        // Stream time's own row is one of `size`, hence > and not >=.
        if (oldestIdentity(store) !== undefined) {
          store.delete();
          counted('forgotten');
        }
      }
      const row = store.put(key);
      row.atMs = record.timestamp;
      row.offset = record.offset;
      row.partition = record.partition;
      row.topic = record.topic;
    };
    /** Moves stream time on; gives it. */
    const streamTime = (atMs: number): number => {
      const key = store.key(STREAM_TIME);
      const row = store.get(key);
      if (row !== undefined && row.atMs >= atMs) return row.atMs;
      store.put(key).atMs = atMs;
      return atMs;
    };

    return (record, key) => {
      if (key === null) {
        counted('null_identity');
        return PASSED;
      }
      const atMs = record.timestamp;
      const streamMs = streamTime(atMs);
      purge(store, streamMs - 2 * within);

      const seen = store.get(key);
      if (seen === undefined) {
        if (atMs < streamMs - within) return judgeLate();
        remember(key, record, false);
        return PASSED;
      }
      if (isSame(seen, record)) return PASSED;
      if (seen.atMs - atMs > within) return judgeLate();
      if (atMs - seen.atMs > within) {
        remember(key, record, true);
        return PASSED;
      }
      // The origin stays that of the record that passed: this one was never let through.
      if (refresh && atMs > seen.atMs) {
        store.renew();
        seen.atMs = atMs;
      }
      return DUPLICATE;
    };
  },
});
