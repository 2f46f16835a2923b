import { optionalDuration, optionalText, source } from '../core/more-options.ts';
import type { Record } from '../core/record.ts';
import { count, defineTimed, duration, oneOf, text } from '../core/spec.ts';
import type { TimedEmit } from '../core/timed-step.ts';
import { dropped, HELD, PASSED } from '../core/verdict.ts';
import { joinRows, KeptRecords, OTHER, OWN, type Side } from './kept-records.ts';

const LATE = dropped('late');
const NO_MATCH = dropped('no_match');
const FULL = dropped('full');

type Value = { readonly [field: string]: unknown };

/** Between the ids of the two that a pair was made of. */
const AND = '+';

/** Two streams, by key and time: Kafka Streams' windowed join, and Flink's interval join. */
export const joinStreams = defineTimed({
  type: 'join_streams',
  summary: 'Join each record with those of another topic that have its key and are near in time.',
  description: [
    'A record of the stream at time t meets those of the other topic from t - `before` to t + `after`,',
    'both inclusive; `within` is both at once. Each pair goes on once, when its second record comes,',
    "with the later of the two times, and with all else of the stream's own record; its id is",
    '`<id>+<id of the other>`, so every pair has one of its own, the same at every repeat. The value is',
    "the own one with the other's under `as`; or, with `own_as`, both under their names. Both topics are",
    'keyed alike, with as many partitions; their records are taken in the order of their times, of',
    "equal ones the stream's first. The step's time is the latest that it has seen of either side; it is",
    'kept with its rows, so a restart does not forget it. A window closes when that time is later than',
    'its end by more than `grace`; a record that has met nothing by then is dropped as `no_match`, or',
    'goes on alone with its own time: with `left` that of the stream, with `outer` that of either side.',
    'That is final: whatever comes later does not meet it again. A record that comes when its own window',
    'is closed still meets what waits for it; else it is dropped as `late`, since what it should have met',
    'may be gone. Nothing goes on by the clock: where nothing comes, nothing closes. All pairs share the',
    "origin of the stream's record, so `dedup` belongs before this step.",
  ].join(' '),
  config: {
    with: source('The other topic, as `from` of a stream says it.'),
    within: optionalDuration('How far the other may be, before and after; in place of those two.'),
    before: optionalDuration('How far before the own record the other may be.'),
    after: optionalDuration('How far after the own record the other may be.'),
    grace: duration('How long a window stays open for what comes late.', '0s'),
    type: oneOf(
      'What becomes of a record that meets no other.',
      {
        inner: 'It is dropped as `no_match`.',
        left: "The stream's own goes on with null; others are dropped as `no_match`.",
        outer: 'It goes on with null in the place of the other, whichever side it is of.',
      },
      'inner',
    ),
    as: text('The field that holds the other.'),
    own_as: optionalText('The field that holds the own value; without it its fields stand alone.'),
    records_max: count('Records held per partition, of both sides.', 1_000_000),
    on_full: oneOf(
      'What to do with a record when `records_max` are held.',
      {
        close_oldest: 'Let go of the one that was held first, as if its window were closed.',
        drop: 'Drop the new one as `full`, when it has met what waits for it.',
      },
      'close_oldest',
    ),
  },
  drops: {
    no_match: 'It met no other before its window closed, and `type` says to drop it.',
    late: 'It came when its window was closed, and nothing waited for it.',
    full: '`records_max` were held, and the policy is `on_full: drop`.',
  },
  counts: {
    pairs: 'Pairs that went on.',
    alone: 'Records that went on without another.',
    closed_early: 'Records let go before their windows closed because of `records_max`.',
  },
  gives: { kind: 'paired', with: 'with', own: 'own_as', as: 'as', type: 'type' },
  rows: joinRows,
  other: 'with',
  meaning: ['with'],
  example:
    '- join_streams: { with: { topic: events.profile-change, schema: ProfileChange }, within: 10m, as: profile }',
  open({ within, before, after, grace, type, as, own_as, records_max, on_full }, context) {
    const { store } = context;
    const beforeMs = before ?? within ?? 0;
    const afterMs = after ?? within ?? 0;
    const kept = new KeptRecords(store);

    const pairOf = (own: Value | null, other: Value | null): Value =>
      own_as === null ? { ...own, [as]: other } : { [own_as]: own, [as]: other };
    const goesAlone = (side: Side) => type === 'outer' || (type === 'left' && side === OWN);
    /** The last moment at which the other of a record may be. */
    const endOf = (side: Side, atMs: number) => atMs + (side === OWN ? afterMs : beforeMs);

    /** Lets go of the current row's record. */
    const close = (emit: TimedEmit) => {
      const { side, matched } = store.row();
      if (matched > 0) context.settle(PASSED);
      else if (goesAlone(side as Side)) {
        const value = emit.value() as Value;
        emit.held().value = side === OWN ? pairOf(value, null) : pairOf(null, value);
        context.count('alone');
        context.settle(PASSED);
      } else context.settle(NO_MATCH, 1, store.row().event.offset);
      kept.remove();
    };

    /** Sends the pair of a record and the row that the store is at. */
    const sendPair = (record: Record, side: Side, value: Value, emit: TimedEmit) => {
      const row = store.row();
      row.matched = 1;
      store.changed();
      const otherMs = row.event.timestamp;
      const { value: held, eventId: heldId } = emit.view();
      const one = side === OWN ? emit(record) : emit.held();
      const ids = side === OWN ? [record.eventId, heldId] : [heldId, record.eventId];
      one.eventId = ids.join(AND);
      one.value = side === OWN ? pairOf(value, held) : pairOf(held, value);
      one.timestamp = Math.max(record.timestamp, otherMs);
      context.count('pairs');
    };

    const come = (record: Record, side: Side, emit: TimedEmit) => {
      const key = record.key ?? '';
      const atMs = record.timestamp;
      const value: Value = record.value;
      const [fromMs, toMs] =
        side === OWN ? [atMs - beforeMs, atMs + afterMs] : [atMs - afterMs, atMs + beforeMs];
      const pairs = kept.each(key, side === OWN ? OTHER : OWN, fromMs, toMs, () =>
        sendPair(record, side, value, emit),
      );
      const closesMs = endOf(side, atMs) + grace;
      if (closesMs < kept.timeMs) return pairs > 0 ? PASSED : LATE;
      if (kept.size >= records_max) {
        if (on_full === 'drop' || !kept.oldest()) return pairs > 0 ? PASSED : FULL;
        context.count('closed_early');
        close(emit);
      }
      record.value = value;
      kept.add(key, record, side, pairs > 0, closesMs);
      return HELD;
    };

    return {
      timeWith: (record) => kept.moveTo(record.timestamp),
      record: (record, emit) => come(record, OWN, emit),
      other: (record, emit) => come(record, OTHER, emit),
      due(emit) {
        if (kept.isRecord) close(emit);
      },
    };
  },
});
