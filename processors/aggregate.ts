import { aggregates, optionalDurations, optionalText } from '../core/more-options.ts';
import { IDENTITY, paths } from '../core/path-options.ts';
import type { Record } from '../core/record.ts';
import {
  count,
  defineTimed,
  duration,
  oneOf,
  type StepContext,
  type TimedEmit,
  type ValuesOf,
} from '../core/spec.ts';
import { type Key, NEVER } from '../core/store.ts';
import { deadLettered, dropped, PASSED, type Verdict } from '../core/verdict.ts';
import { SumTooLargeError } from './folds.ts';
import { sessionWindows } from './session-windows.ts';
import { slidingWindows } from './sliding-windows.ts';
import { NO_WINDOWS, timeWindows } from './time-windows.ts';
import { type RecordMaker, WindowResults } from './window-results.ts';
import {
  type Changes,
  type Window,
  type Windowing,
  WindowRows,
  windowRows,
} from './window-rows.ts';

const LATE = dropped('late');
const NULL_GROUP = dropped('null_group');
const FULL = dropped('full');
const TOO_LARGE = deadLettered('CAR259');

const config = {
  by: paths('Which records belong together; the key of the stream is among them.', IDENTITY, [
    'key',
  ]),
  tumbling: optionalDurations('Windows of one size, one behind the other.', {
    size: 'How long a window is.',
  }),
  hopping: optionalDurations('Windows of one size that overlap.', {
    size: 'How long a window is.',
    advance: 'How much later the next one begins.',
  }),
  sliding: optionalDurations('A window behind and before each record.', {
    size: 'How far apart records of one window are at most.',
  }),
  session: optionalDurations('Records with no longer pause between them.', {
    gap: 'The longest pause inside of a session.',
  }),
  grace: duration('How long after its end a window still takes records, in stream time.', '0s'),
  late_to: optionalText('The topic of records that are dropped as `late`, as they came.'),
  fields: aggregates('The fields of a result, each a function over the records.'),
  emit: oneOf(
    'Which results go on.',
    {
      updates: 'One for each record, of each window that it changes.',
      final: 'One for each window, when it has closed.',
    },
    'updates',
  ),
  windows_max: count('Windows kept per partition; without windows, groups.', 100_000),
  on_full: oneOf(
    'What to do with a record that needs a window when `windows_max` are kept.',
    {
      close_oldest:
        'Let stream time go on to where the next window closes. Without windows, as `drop`.',
      drop: 'Drop it as `full`.',
    },
    'close_oldest',
  ),
};

type Config = ValuesOf<typeof config>;
type Reason = 'late' | 'null_group' | 'full';
type Count = 'late_windows' | 'over_limit' | 'closed_early' | 'merged';
type Context = Pick<StepContext<typeof windowRows, Reason, Count>, 'store' | 'count' | 'aside'>;

/** Kafka Streams' aggregate: rules S5 to S25, stricter where docs/kafka-streams.md says so. */
export const aggregate = defineTimed({
  type: 'aggregate',
  summary: 'Make one value of many records: of a group, or of each of its windows.',
  description: [
    'The functions of `fields` are `count()`, `count(x)`, `sum(x)`, `min(x)`, `max(x)`, `avg(x)`,',
    '`first(x)`, `last(x)`, `collect(x, n)` and `distinct(x, n)`, where x is CEL and n a number; null is',
    'skipped by all of them. First and last go by event time; lists take the first n, in the order in',
    'which they came, and count what has no room. Sums of whole numbers are exact; one that has more',
    'than 64 bits sends its record to the dead letters (CAR259), and leaves the window as it was. A',
    'result has the fields of `fields`, one for each path of `by` but `key`, and with windows',
    '`window_start` and `window_end`, epoch milliseconds: the end of tumbling and hopping windows is not',
    'in them, that of sliding ones and sessions is. Its key is that of its records, its time the latest',
    'of theirs; its id is made of them too, so that a repeat after a crash has the same one. With',
    '`emit: updates` a session that becomes part of another one is told once more, with `retracted: true`.',
    'Stream time is the latest event time that this step has seen in its partition, of all groups; it',
    'is kept with the state, and goes on by records alone. A window takes records until stream time is',
    '`grace` behind its end; what comes later is dropped as `late`, window by window. With `late_to` a',
    'record that no window takes is written there as it came, with its reason and how many',
    'milliseconds it is behind stream time in headers (`carillon.reason`, `carillon.behind-ms`). With `emit:',
    'final` a result goes on when stream time comes to where its window closes, in the order of ends,',
    'then keys: exactly one a window. Such a result has no deadline, since those of its records may have',
    'passed when its window closes: a `gate_staleness` behind this step gives it one, counted from its',
    'time. One of `emit: updates` has that of the record.',
  ].join(' '),
  config,
  drops: {
    late: 'All of its windows had closed.',
    null_group: 'A part of what it is grouped by is null or absent.',
    full: '`windows_max` windows were kept, or memory was short, and none could be closed.',
  },
  deadLetters: { CAR259: 'A sum of whole numbers that has more than 64 bits.' },
  counts: {
    late_windows: 'Windows that had closed when a record came for them.',
    over_limit: 'Elements that a list had no room for.',
    closed_early: 'Windows that closed before their time because of `windows_max` or memory.',
    merged: 'Sessions that became part of another one.',
  },
  gives: {
    kind: 'aggregated',
    by: 'by',
    fields: 'fields',
    windows: ['tumbling', 'hopping', 'sliding', 'session'],
    emit: 'emit',
  },
  warns({ grace, tumbling, hopping, sliding, session }) {
    const hasWindow = [tumbling, hopping, sliding, session].some((of) => of !== null);
    if (hasWindow || grace === 0) return [];
    return [{ option: 'grace', kind: 'no_effect', why: 'is of no use without windows' }];
  },
  times({ emit, grace, tumbling, hopping, sliding, session }) {
    if (emit !== 'final') return {};
    const window = session?.gap ?? (tumbling ?? hopping ?? sliding)?.size ?? 0;
    return { holdMs: window + grace, isAnew: true };
  },
  meaning: ['tumbling', 'hopping', 'sliding', 'session', 'fields', 'emit'],
  aside: 'late_to',
  holds: ({ emit }) => emit === 'final',
  example:
    "- aggregate: { tumbling: { size: 1m }, grace: 10s, emit: final, fields: { watched: 'count()', " +
    "last: 'last(value.titleId)' } }",
  rows: windowRows,
  keyedBy: 'by',
  open(options, context) {
    const aggregation = new Aggregation(options, context);
    return {
      record: (record, emit, key) => aggregation.record(record, emit, key),
      due: (emit) => aggregation.due(emit),
    };
  },
});

function windowingOf({ tumbling, hopping, sliding, session, grace }: Config): Windowing {
  if (tumbling !== null) return timeWindows(tumbling.size, tumbling.size, grace);
  if (hopping !== null) return timeWindows(hopping.size, hopping.advance, grace);
  if (sliding !== null) return slidingWindows(sliding.size, grace);
  if (session !== null) return sessionWindows(session.gap, grace);
  return NO_WINDOWS;
}

class Aggregation {
  readonly #config: Config;
  readonly #context: Context;
  readonly #windowing: Windowing;
  readonly #rows: WindowRows;
  readonly #results: WindowResults;
  readonly #isFinal: boolean;

  constructor(options: Config, context: Context) {
    this.#config = options;
    this.#context = context;
    this.#windowing = windowingOf(options);
    this.#rows = new WindowRows(context.store, this.#windowing.isListed);
    this.#isFinal = options.emit === 'final';
    this.#results = new WindowResults(options, {
      hasBounds: this.#windowing.hasBounds,
      retracts: options.session !== null && !this.#isFinal,
    });
  }

  record(record: Record, emit: TimedEmit, key: Key | null): Verdict<Reason, 'CAR259'> {
    if (key === null) return NULL_GROUP;
    const { timestamp } = record;
    // Whatever fails on this record fails here, before anything is done.
    const maker = this.#results.makerFor(record);
    if (timestamp > this.#rows.streamMs) this.#goOnTo(timestamp, emit);
    let changes: Changes;
    try {
      changes = this.#changes(key, timestamp, maker);
      while (!this.#fits(key, changes)) {
        const nextMs = this.#context.store.firstDueMs();
        if (this.#config.on_full === 'drop' || nextMs === NEVER) return FULL;
        this.#context.count('closed_early');
        this.#goOnTo(nextMs, emit);
        changes = this.#changes(key, timestamp, maker);
      }
    } catch (error) {
      if (error instanceof SumTooLargeError) return TOO_LARGE;
      throw error;
    }
    if (changes.late > 0) this.#context.count('late_windows', changes.late);
    if (changes.puts.length === 0) return this.#late(record);
    const { leftOut } = maker.notes;
    if (leftOut > 0) this.#context.count('over_limit', leftOut);
    this.#apply(key, changes);
    if (!this.#isFinal) this.#tell(record, changes, emit);
    return PASSED;
  }

  /** The topology is being taken down, and what is open is let go. */
  due(emit: TimedEmit): void {
    const { window } = this.#context.store.row();
    this.#close(window as Window, emit);
  }

  #late(record: Record): typeof LATE {
    const { late_to } = this.#config;
    if (late_to !== null) {
      const behindMs = this.#rows.streamMs - record.timestamp;
      this.#context.aside(record, late_to, [
        { key: 'carillon.reason', value: Buffer.from(LATE.reason) },
        { key: 'carillon.behind-ms', value: Buffer.from(String(behindMs)) },
      ]);
    }
    return LATE;
  }

  /** The stream time at which something is to be done with it. */
  #dueMs(window: Window): number {
    const { closeMs, forgetMs } = this.#windowing;
    return this.#isFinal && !window.isTold ? closeMs(window) : forgetMs(window);
  }

  #changes(key: Key, atMs: number, maker: RecordMaker): Changes {
    maker.notes.leftOut = 0;
    return this.#windowing.changes(this.#rows, key, atMs, this.#rows.streamMs, maker);
  }

  #fits(key: Key, { puts, merged }: Changes): boolean {
    const { isFull } = this.#context.store;
    const { windows_max } = this.#config;
    // Nearly always there is room whether they are new or not.
    if (!isFull && this.#rows.count + puts.length <= windows_max) return true;
    const isNew = ({ start }: Window) =>
      this.#rows.get(key, start) === undefined || merged.some((one) => one.start === start);
    const more = puts.filter(isNew).length - merged.length;
    return more <= 0 || (!isFull && this.#rows.count + more <= windows_max);
  }

  /** Stream time goes on: what closes by then is told, or forgotten. */
  #goOnTo(streamMs: number, emit: TimedEmit): void {
    this.#rows.streamMs = streamMs;
    const { store } = this.#context;
    for (;;) {
      const row = store.takeDueBy(streamMs);
      if (row === undefined) return;
      const window = row.window as Window;
      // After an edit it may have a longer grace than when it was put.
      const dueMs = this.#dueMs(window);
      if (dueMs > streamMs) store.setDue(dueMs);
      else this.#close(window, emit);
    }
  }

  /** What the store's current row is: it is due. */
  #close(window: Window, emit: TimedEmit): void {
    const { store } = this.#context;
    const group = store.wholeKey();
    if (this.#isFinal && !window.isTold) {
      this.#results.final(window, emit);
      const told = { ...window, isTold: true };
      const forgetMs = this.#dueMs(told);
      if (forgetMs > this.#windowing.closeMs(window)) {
        this.#rows.put(group, told, forgetMs);
        return;
      }
    }
    this.#rows.delete(group, window.start);
  }

  #apply(key: Key, { puts, merged }: Changes): void {
    // A session that has grown at its end is put again where it is.
    const stays = (of: Window) => puts.some(({ start }) => start === of.start);
    for (const one of merged) if (!stays(one)) this.#rows.delete(key, one.start);
    for (const window of puts) this.#rows.put(key, window, this.#dueMs(window));
    if (merged.length > 0) this.#context.count('merged', merged.length);
  }

  #tell(record: Record, { puts, merged }: Changes, emit: TimedEmit): void {
    for (const window of merged) this.#results.retract(record, window, emit);
    for (const window of puts) this.#results.update(record, window, emit);
  }
}
