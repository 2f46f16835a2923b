import { anyTable } from '../core/more-options.ts';
import { murmur2 } from '../core/partition.ts';
import { count, defineTimed, text } from '../core/spec.ts';
import { columns } from '../core/store.ts';
import { dropped, HELD, PASSED } from '../core/verdict.ts';

/** A tick whose walk is under way: rows whose number is below `from` are told. */
const rows = columns({ from: 'double', tick: 'record' });

const KNOWN = dropped('known');
const FULL = dropped('full');

/** Rows of one piece, but for those that have the number of its last one. */
const PIECE_ROWS = 256;
/** Milliseconds between two pieces: what else is to do comes in between. */
const PAUSE_MS = 1;
/** A number and an index are sorted as one: 31 and 22 bits of the 53 that a number has. */
const ROWS_MAX = 2 ** 22;

type Value = { readonly [field: string]: unknown };

/** The keys of a table in the order of their numbers, which is the same wherever it is walked. */
class Walk {
  readonly #keys: readonly string[];
  readonly #order: Float64Array;

  constructor(keys: readonly string[]) {
    if (keys.length > ROWS_MAX) throw new Error(`more than ${ROWS_MAX} rows in one partition`);
    this.#keys = keys;
    this.#order = Float64Array.from(keys, (key, i) => numberOf(key) * ROWS_MAX + i).sort();
  }

  /** The next rows from a number on, and the number behind them; null: the last were among them. */
  piece(from: number): { readonly keys: readonly string[]; readonly next: number | null } {
    const order = this.#order;
    const start = firstFrom(order, from * ROWS_MAX);
    let end = Math.min(order.length, start + PIECE_ROWS);
    while (end < order.length && this.#number(end) === this.#number(end - 1)) end++;
    const keys = Array.from(order.subarray(start, end), (one) => this.#keys[one % ROWS_MAX]!);
    return { keys, next: end < order.length ? this.#number(end) : null };
  }

  #number(n: number): number {
    return Math.floor(this.#order[n]! / ROWS_MAX);
  }
}

/** The place of the first that is not below `least`. */
function firstFrom(order: Float64Array, least: number): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (order[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

const numberOf = (key: string) => murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff;

/** What a clock says is said to everybody. */
export const eachRow = defineTimed({
  type: 'each_row',
  summary: 'Make one record for each row of a table out of a tick.',
  description: [
    'Stands in a stream that begins with a clock: each partition has its own tick, and walks its own',
    'rows, so that all of them together walk all. The value gets one field more, `as`, which holds the',
    'row as the schema of the table has it; what follows is checked against that. The key is that of',
    'the row, the id that of the tick and the key; time, priority, deadline are those of the tick. Which',
    'rows are wanted a `filter` behind it says. A table is walked in pieces of 256 rows; where a walk has',
    'come to is a row of the store, committed with what was told: after a crash it goes on there, and no',
    'row is told twice. A row that comes, changes or goes while its table is walked is told as it is when',
    'its piece comes; one that comes meanwhile may be left to the next tick.',
  ].join(' '),
  config: {
    table: anyTable('The table; not one that is held whole.'),
    as: text('The field that holds the row.'),
    walks_max: count('Ticks of which the walk is under way at once, per partition.', 10),
  },
  drops: {
    known: 'The walk of this tick is under way already.',
    full: '`walks_max` walks were under way: the table takes longer than the clock gives it.',
  },
  counts: {
    rows: 'Rows that were told.',
    gone: 'Rows that were deleted before their piece came.',
  },
  gives: { kind: 'walked', row: 'table', as: 'as' },
  example: '- each_row: { table: devices, as: member }',
  rows,
  open({ table: name, as, walks_max }, context) {
    const { store, clock } = context;
    const table = context.table<object>(name);
    /** Made when a walk begins, or goes on elsewhere: its order hangs on the keys alone. */
    let walk: Walk | null = null;
    return {
      record(record) {
        const key = store.key(record.eventId);
        if (store.get(key) !== undefined) return KNOWN;
        if (store.size >= walks_max) return FULL;
        const row = store.put(store.key(record.eventId));
        row.tick.hold(record);
        store.setDue(clock.now());
        return HELD;
      },
      due(emit) {
        const { from } = store.row();
        if (walk === null || from === 0) walk = new Walk([...table.keys()]);
        const { keys, next } = walk.piece(from);
        const { eventId, value } = emit.view();
        for (const key of keys) {
          const row = table.get(key);
          if (row === undefined) {
            context.count('gone');
            continue;
          }
          const out = emit.held();
          out.key = key;
          // What the clock has noted for itself is no matter of who reads on.
          out.headers = null;
          out.eventId = `${eventId}#${key}`;
          out.value = { ...(value as Value), [as]: row };
          context.count('rows');
        }
        if (next === null) {
          context.settle(PASSED);
          store.delete();
          if (store.size === 0) walk = null;
          return;
        }
        store.row().from = next;
        store.changed();
        store.setDue(clock.now() + PAUSE_MS);
      },
    };
  },
});
