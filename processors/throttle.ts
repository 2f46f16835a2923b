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
import { isCoarser } from '../core/step-facts.ts';
import { columns, type Key, NEVER } from '../core/store.ts';
import { dropped, HELD, PASSED } from '../core/verdict.ts';
import { bypasses, bypassOption } from './bypass.ts';
import { KeyCount } from './key-count.ts';

/**
 * Part 0 of a key says where its numbers stand: `n` is the last one given, `live` how many rows
 * there are, `waiting` how many of these, the last ones, are held. Part n is a record that passed
 * at `atMs` and is remembered for `per`, or one that is held.
 */
const rows = columns({
  n: 'int',
  live: 'int',
  waiting: 'int',
  atMs: 'double',
  delayed: 'record',
});

const THROTTLED = dropped('throttled');
const OVERFLOW = dropped('overflow');
const EXPIRED = dropped('expired');
const FULL = dropped('full');

const HEAD = 0;

/** So many of a key in any span of time, counted exactly. */
export const throttle = defineTimed({
  type: 'throttle',
  summary: 'Let so many records of a key through in any span of time; drop or delay the others.',
  description: [
    "Counted exactly, on the task's clock: in no span [t, t + per) do more than `max` of one identity",
    'go on, wherever it begins. A record that is dropped does not count. With `on_excess: delay` the',
    'records of an identity go on in the order in which they came, each as soon as the span has room;',
    'one that came later never overtakes; one whose deadline is before its turn is dropped at once.',
    'After a stand-still what is overdue goes on as the span allows, and not in one burst. An identity',
    'is forgotten `per` after its last record: state is bounded by what comes within a span, by',
    '`keys_max`, and by `max` and `delayed_max` rows a key. A held record is a row of the store: a',
    'restart or a move to another worker loses neither it nor its turn. Records with a null or absent',
    'part in their identity, and those of the priorities in `bypass`, pass at once and are not counted',
    'against it.',
  ].join(' '),
  config: {
    by: paths('Which records are counted together.', IDENTITY),
    max: count('Records of one identity in a span.', undefined, { max: 10_000 }),
    per: duration('The span.'),
    on_excess: oneOf(
      'What to do with a record when the span has no room.',
      {
        drop: 'Drop it as `throttled`.',
        delay: 'Hold it until the span has room.',
      },
      'drop',
    ),
    delayed_max: count('Records of one identity that are held; over it they are dropped.', 100, {
      max: 10_000,
    }),
    bypass: bypassOption,
    keys_max: count('Identities remembered per partition.', 100_000),
    on_full: oneOf(
      'What to do with a record of a new identity when `keys_max` are remembered.',
      {
        pass: 'Let it through uncounted: rather too much than silence.',
        drop: 'Drop it as `full`.',
      },
      'pass',
    ),
  },
  drops: {
    throttled:
      '`max` of its identity had passed within `per`, and the policy is `on_excess: drop`.',
    overflow: '`delayed_max` of its identity were held.',
    expired: 'Its deadline is before its turn.',
    full: '`keys_max` identities were remembered, or memory was short, and the policy is `on_full: drop`.',
  },
  counts: {
    null_identity: 'Records that passed because a part of their identity is null or absent.',
    bypassed: 'Records that passed by their priority.',
    delayed: 'Records that were held.',
    uncounted:
      'Records that passed because `keys_max` identities were remembered, or memory was short.',
  },
  isWeaker: (options, than) =>
    options.on_excess === 'drop' &&
    isCoarser(options.by, than.by) &&
    isCoarser(than.by, options.by) &&
    (options.max as number) >= (than.max as number) &&
    (options.per as number) <= (than.per as number),
  times: ({ on_excess, per }) => (on_excess === 'delay' ? { holdMs: per } : {}),
  warns({ on_excess }, written) {
    const why = 'says how many are held, and none are with on_excess: drop';
    const isIdle = on_excess === 'drop' && written.has('delayed_max');
    return isIdle ? [{ option: 'delayed_max', kind: 'no_effect', why }] : [];
  },
  example:
    '- throttle: { by: [value.memberId], max: 3, per: 1h, on_excess: delay, keys_max: 100_000 }',
  rows,
  keyedBy: 'by',
  open({ max, per, on_excess, delayed_max, bypass, keys_max, on_full }, context) {
    const { store, clock } = context;
    const known = new KeyCount(store);
    const turns = new Turns(context, max, per);
    const isLetThrough = bypasses(bypass, context.priorities);
    const passes = (
      record: Record,
      emit: TimedEmit,
      why: 'null_identity' | 'bypassed' | 'uncounted',
    ) => {
      context.count(why);
      emit(record);
      return PASSED;
    };

    return {
      record(record, emit, key) {
        if (key === null) return passes(record, emit, 'null_identity');
        if (isLetThrough(record)) return passes(record, emit, 'bypassed');
        const head = store.get(store.part(key, HEAD));
        if (head === undefined && (known.keys >= keys_max || store.isFull)) {
          return on_full === 'drop' ? FULL : passes(record, emit, 'uncounted');
        }
        const n = (head?.n ?? 0) + 1;
        const waiting = head?.waiting ?? 0;
        const turnMs = turns.turnOf(key, n);
        if (waiting === 0 && turnMs <= clock.now()) {
          if (n === 1) known.add(1);
          turns.number(key, n, 0);
          turns.passedNow(key, n);
          emit(record);
          return PASSED;
        }
        if (on_excess === 'drop') return THROTTLED;
        if (waiting >= delayed_max) return OVERFLOW;
        if (record.deadlineMs > 0 && turnMs > record.deadlineMs) return EXPIRED;
        turns.number(key, n, 1);
        turns.hold(key, n, record, waiting === 0 ? turnMs : NEVER);
        context.count('delayed');
        return HELD;
      },
      due(emit) {
        const { n, live } = store.row();
        // Neither has a time of its own.
        if (known.isHere || live > 0) return;
        const key = store.wholeKey();
        const head = store.get(store.part(key, HEAD))!;
        if (n > head.n - head.waiting) turns.take(key, n, emit);
        else if (turns.forget(key, n)) known.add(-1);
      },
    };
  },
});

type Context = Pick<StepContext<typeof rows>, 'store' | 'clock' | 'settle'>;

/** The rows of a key: what has passed, what waits, and when its turn is. */
class Turns {
  readonly #context: Context;
  readonly #max: number;
  readonly #perMs: number;

  constructor(context: Context, max: number, perMs: number) {
    this.#context = context;
    this.#max = max;
    this.#perMs = perMs;
  }

  /** When number `n` of a key may go on, as far as those before it have; 0: now. */
  turnOf(key: Key, n: number): number {
    const { store } = this.#context;
    const before = n > this.#max ? store.get(store.part(key, n - this.#max)) : undefined;
    return before === undefined ? 0 : before.atMs + this.#perMs;
  }

  /** Gives the number `n` to a record that passes (`waiting` 0) or is held (1). */
  number(key: Key, n: number, waiting: number): void {
    const { store } = this.#context;
    const head = store.put(store.part(key, HEAD));
    head.n = n;
    head.live++;
    head.waiting += waiting;
  }

  /** Part n becomes a record that has just passed. */
  passedNow(key: Key, n: number): void {
    const { store, clock } = this.#context;
    const row = store.put(store.part(key, n));
    row.n = n;
    row.atMs = clock.now();
    store.setDue(row.atMs + this.#perMs);
  }

  hold(key: Key, n: number, record: Record, dueMs: number): void {
    const { store } = this.#context;
    const row = store.put(store.part(key, n));
    row.n = n;
    row.delayed.hold(record);
    if (dueMs !== NEVER) store.setDue(dueMs);
  }

  /** Lets go of held records from number `from` on whose turn it is; gives the next its time. */
  take(key: Key, from: number, emit: TimedEmit): void {
    const { store, clock } = this.#context;
    const { n: last } = store.get(store.part(key, HEAD))!;
    for (let n = from; n <= last; n++) {
      const turnMs = this.turnOf(key, n);
      store.get(store.part(key, n));
      if (turnMs > clock.now() && !store.isReleased) {
        store.setDue(turnMs);
        return;
      }
      emit.held();
      this.#context.settle(PASSED);
      store.delete();
      this.passedNow(key, n);
      store.put(store.part(key, HEAD)).waiting--;
    }
  }

  /** True: nothing is left of the key. */
  forget(key: Key, n: number): boolean {
    const { store } = this.#context;
    store.get(store.part(key, n));
    store.delete();
    const head = store.put(store.part(key, HEAD));
    head.live--;
    if (head.live > 0) return false;
    store.delete();
    return true;
  }
}
