import { optionalDuration, optionalText, stream } from '../core/more-options.ts';
import type { Record } from '../core/record.ts';
import {
  count,
  defineTimed,
  duration,
  oneOf,
  type StepContext,
  type TimedEmit,
  text,
  type ValuesOf,
} from '../core/spec.ts';
import { dropped, HELD, PASSED, type Verdict } from '../core/verdict.ts';
import { joinRows, KeptRecords, OTHER, OWN, type Side } from './kept-records.ts';

const LATE = dropped('late');
const NO_MATCH = dropped('no_match');
const FULL = dropped('full');

type Value = { readonly [field: string]: unknown };

/** Between the ids of the two that a pair was made of. */
const AND = '+';

const config = {
  with: stream('The other stream, or a branch of one: `payments`, `payments.late`.'),
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
  late_to: optionalText('The topic of records that are dropped as `late`, as they came.'),
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
};

type Config = ValuesOf<typeof config>;
type Reason = 'no_match' | 'late' | 'full';
type Count = 'pairs' | 'alone' | 'closed_early';
type Context = Pick<
  StepContext<typeof joinRows, Reason, Count>,
  'store' | 'count' | 'settle' | 'aside'
>;

/** Two streams, by key and time: Kafka Streams' windowed join, and Flink's interval join. */
export const joinStreams = defineTimed({
  type: 'join_streams',
  summary: 'Join each record with those of another stream that have its key and are near in time.',
  description: [
    'The other stream is one of the same file, or a branch of one, and has no `to` of its own then. A',
    'record at time t meets those of the other stream from t - `before` to t + `after`, both inclusive;',
    '`within` is both at once. Each pair goes on once, when its second record comes, with the later of',
    "the two times, and with all else of the stream's own record; its id is `<id>+<id of the other>`,",
    'so every pair has one of its own, the same at every repeat. The value is the own one with the',
    "other's under `as`; or, with `own_as`, both under their names. Both streams are keyed alike; their",
    'records are taken in the order of their times. Stream time is the latest event time that the step',
    'has seen in its partition, of both streams and all keys; it is kept with the state, and goes on by',
    'records alone. A window closes when stream time is later than its end by more than `grace`; a',
    'record that has met nothing by then is dropped as `no_match`, or goes on alone with its own time:',
    'with `left` that of the stream, with `outer` that of either. That is final: whatever comes later',
    'does not meet it again. A record that comes when its own window is closed still meets what waits',
    'for it; else it is dropped as `late`, since what it should have met may be gone. With `late_to` it is',
    'written there as it came, with its reason and how many milliseconds it is behind stream time in',
    'headers (`carillon.reason`, `carillon.behind-ms`). All pairs share the origin of the',
    "stream's own record, so `dedup` belongs before this step.",
  ].join(' '),
  config,
  drops: {
    no_match: 'It met no other before its window closed, and `type` says to drop it.',
    late: 'It came when its window was closed, and nothing waited for it.',
    full: '`records_max` were held, or memory was short, and the policy is `on_full: drop`.',
  },
  counts: {
    pairs: 'Pairs that went on.',
    alone: 'Records that went on without another.',
    closed_early: 'Records let go before their windows closed because of `records_max`.',
  },
  times({ type, within, before, after, grace }) {
    if (type === 'inner') return {};
    const beforeMs = type === 'outer' ? (before ?? within ?? 0) : 0;
    return { holdMs: Math.max(after ?? within ?? 0, beforeMs) + grace };
  },
  gives: { kind: 'paired', with: 'with', own: 'own_as', as: 'as', type: 'type' },
  rows: joinRows,
  other: 'with',
  meaning: ['with'],
  aside: 'late_to',
  example: '- join_streams: { with: payments, within: 10m, as: payment }',
  open(options, context) {
    const joining = new Joining(options, context);
    return {
      record: (record, emit) => joining.record(record, OWN, emit),
      other: (record, emit) => joining.record(record, OTHER, emit),
      // The topology is being taken down, and what waits is let go.
      due: (emit) => joining.close(emit),
    };
  },
});

class Joining {
  readonly #config: Config;
  readonly #context: Context;
  readonly #kept: KeptRecords;
  readonly #beforeMs: number;
  readonly #afterMs: number;

  constructor(options: Config, context: Context) {
    const { within, before, after } = options;
    this.#config = options;
    this.#context = context;
    this.#kept = new KeptRecords(context.store);
    this.#beforeMs = before ?? within ?? 0;
    this.#afterMs = after ?? within ?? 0;
  }

  record(record: Record, side: Side, emit: TimedEmit): Verdict<Reason, never> {
    const kept = this.#kept;
    // A value that cannot be read fails here, before anything is done.
    const value: Value = record.value;
    this.#goOnTo(record.timestamp, emit);
    const pairs = this.#pair(record, side, value, emit);
    const lastMs = this.#lastMs(side, record.timestamp);
    if (lastMs < kept.timeMs) return pairs > 0 ? PASSED : this.#late(record);
    const { records_max, on_full } = this.#config;
    if (kept.size >= records_max || this.#context.store.isFull) {
      if (on_full === 'drop' || !kept.oldest()) return pairs > 0 ? PASSED : FULL;
      this.#context.count('closed_early');
      this.close(emit);
    }
    record.value = value;
    kept.add(record.key ?? '', record, side, pairs > 0, lastMs);
    return HELD;
  }

  /** Lets go of the current row's record. */
  close(emit: TimedEmit): void {
    const context = this.#context;
    const { store } = context;
    const { side, matched } = store.row();
    if (matched > 0) context.settle(PASSED);
    else if (this.#goesAlone(side as Side)) {
      const value = emit.value() as Value;
      emit.held().value = side === OWN ? this.#valueOf(value, null) : this.#valueOf(null, value);
      context.count('alone');
      context.settle(PASSED);
    } else context.settle(NO_MATCH, 1, store.row().event.offset);
    this.#kept.remove();
  }

  /** Stream time goes on: lets go what closes by then. */
  #goOnTo(atMs: number, emit: TimedEmit): void {
    const { store } = this.#context;
    const streamMs = this.#kept.moveTo(atMs);
    for (;;) {
      const row = store.takeDueBy(streamMs);
      if (row === undefined) return;
      // After an edit it may have a longer window than when it was put.
      const lastMs = this.#lastMs(row.side as Side, row.event.timestamp);
      if (lastMs < streamMs) this.close(emit);
      else store.setDue(lastMs + 1);
    }
  }

  /** Sends a pair with each that waits for the record; gives how many. */
  #pair(record: Record, side: Side, value: Value, emit: TimedEmit): number {
    const { timestamp: atMs } = record;
    const isOwn = side === OWN;
    const fromMs = atMs - (isOwn ? this.#beforeMs : this.#afterMs);
    const toMs = atMs + (isOwn ? this.#afterMs : this.#beforeMs);
    return this.#kept.each(record.key ?? '', isOwn ? OTHER : OWN, fromMs, toMs, () => {
      const { store } = this.#context;
      const row = store.row();
      row.matched = 1;
      store.changed();
      const otherMs = row.event.timestamp;
      const { value: held, eventId: heldId } = emit.view();
      const sent = isOwn ? emit(record) : emit.held();
      const ids = isOwn ? [record.eventId, heldId] : [heldId, record.eventId];
      sent.eventId = ids.join(AND);
      sent.value = isOwn ? this.#valueOf(value, held) : this.#valueOf(held, value);
      sent.timestamp = Math.max(atMs, otherMs);
      this.#context.count('pairs');
    });
  }

  #late(record: Record): typeof LATE {
    const { late_to } = this.#config;
    if (late_to !== null) {
      const behindMs = this.#kept.timeMs - record.timestamp;
      this.#context.aside(record, late_to, [
        { key: 'carillon.reason', value: Buffer.from(LATE.reason) },
        { key: 'carillon.behind-ms', value: Buffer.from(String(behindMs)) },
      ]);
    }
    return LATE;
  }

  #valueOf(own: Value | null, other: Value | null): Value {
    const { as, own_as } = this.#config;
    return own_as === null ? { ...own, [as]: other } : { [own_as]: own, [as]: other };
  }

  #goesAlone(side: Side): boolean {
    const { type } = this.#config;
    return type === 'outer' || (type === 'left' && side === OWN);
  }

  /** The last stream time at which a record still waits for its other. */
  #lastMs(side: Side, atMs: number): number {
    return atMs + (side === OWN ? this.#afterMs : this.#beforeMs) + this.#config.grace;
  }
}
