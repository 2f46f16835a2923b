/**
 * A timed step that does what its records say, in turn, and throws between two things when it is
 * told to: for the tests of what is left of a record at fault.
 */
import type { Record } from '../../core/record.ts';
import { defineTimed, type StepContext, type TimedEmit } from '../../core/spec.ts';
import { columns, type Key } from '../../core/store.ts';
import { dropped, HELD, PASSED, type Verdict } from '../../core/verdict.ts';
import { BY, base } from './operators.ts';
import type { Row } from './slices.ts';

const ROWS = columns({ seen: 'int', part: 'name', newest: 'record' });
type Reason = 'nothing' | 'older' | 'expired';
type Fate = Verdict<Reason, never>;
export type ActingContext = StepContext<typeof ROWS, Reason, 'counted' | 'done'>;

/** What a record makes the step do, in turn; `throwAt`: after so many calls it throws. */
export interface Value {
  readonly n: string;
  readonly k: string | null;
  readonly acts: readonly Act[];
  readonly throwAt?: number;
  /** As throwAt, when the record is due. */
  readonly throwDueAt?: number;
}
export type Act = 'emit' | 'hold' | 'release' | 'expire' | 'renew' | 'later' | 'count' | 'many';

/** Its count says when a held record makes the step throw: nothing else is read when it is due. */
const DUE = 100;

/** Throws after so many calls of `point`. */
function points(at = 0): () => void {
  let left = at;
  return () => {
    if (--left === 0) throw new Error('broken');
  };
}

/** Each call of the engine has a point before and behind it. */
class Acting {
  readonly #context: ActingContext;
  constructor(context: ActingContext) {
    this.#context = context;
  }

  record(record: Record, emit: TimedEmit, key: Key | null): Fate {
    const { acts, throwAt } = record.value as Value;
    const point = points(throwAt);
    point();
    let verdict: Fate = dropped('nothing');
    for (const act of acts) verdict = this.#act(act, record, emit, key, point) ?? verdict;
    point();
    return verdict;
  }

  due(emit: TimedEmit): void {
    const { store } = this.#context;
    const point = points(emit.held().count - DUE);
    point();
    this.#context.settle(PASSED);
    point();
    store.delete();
    point();
    this.#context.count('done');
    point();
  }

  #act(act: Act, record: Record, emit: TimedEmit, key: Key | null, point: () => void) {
    const { store, clock, count } = this.#context;
    switch (act) {
      case 'emit':
        emit(record).count = 7;
        point();
        return PASSED;
      case 'many':
        for (let n = 0; n < 600; n++) emit(record);
        point();
        return PASSED;
      case 'hold':
        return this.#hold(record, key!, point);
      case 'release':
      case 'expire':
        if (store.oldest() !== undefined) this.#letGo(act, emit, point);
        return undefined;
      case 'renew':
        if (store.get(key!) !== undefined) store.renew();
        point();
        return undefined;
      case 'later':
        if (store.get(key!) !== undefined) store.setDue(clock.now() + 5_000);
        point();
        return undefined;
      case 'count':
        count('counted', 3);
        point();
        return undefined;
    }
  }

  #hold(record: Record, key: Key, point: () => void): Fate {
    const { store, clock, settle } = this.#context;
    const before = store.get(key);
    const row = before ?? store.put(key);
    const { offset } = row.newest;
    point();
    row.seen++;
    row.part = `part ${row.seen}`;
    row.newest.hold(record);
    point();
    store.setDue(clock.now() + 1_000);
    point();
    row.newest.count = DUE + ((record.value as Value).throwDueAt ?? 0);
    if (before !== undefined) settle(dropped('older'), 1, offset);
    point();
    return HELD;
  }

  #letGo(act: 'release' | 'expire', emit: TimedEmit, point: () => void): void {
    const { store, settle } = this.#context;
    const { offset } = store.oldest()!.newest;
    if (act === 'release') emit.held();
    point();
    if (act === 'release') settle(PASSED);
    else settle(dropped('expired'), 1, offset);
    point();
    store.delete();
    point();
  }
}

export const acting = defineTimed({
  ...base,
  type: 'acting',
  config: BY,
  drops: { nothing: 'For a test.', older: 'For a test.', expired: 'For a test.' },
  counts: { counted: 'For a test.', done: 'For a test.' },
  rows: ROWS,
  keyedBy: 'by',
  open: (_config, context) => new Acting(context),
});

export const row = (
  n: string,
  k: string | null,
  acts: readonly Act[],
  more: Partial<Value> = {},
): Row => ({
  key: n,
  value: { n, k, acts, ...more },
});
