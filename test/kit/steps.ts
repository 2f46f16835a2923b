/**
 * Runs one step spec without the runtime, for the part tests of processors: options as in a file, a
 * clock in the hand, records made from plain values, and a restart that takes all state through the
 * row codec. After every call the law of conservation is asserted, and every reason, count and code
 * must be declared.
 */
import assert from 'node:assert/strict';
import { HandClock } from '../../core/clock.ts';
import { parseDuration } from '../../core/duration.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import { type Header, Record, type ValueDecoder } from '../../core/record.ts';
import type { Expression, FieldReader, Option, StepContext, StepSpec } from '../../core/spec.ts';
import { type KeyedStore, NEVER, type RowCodec, type TableView } from '../../core/store.ts';
import {
  conservationGap,
  newStepCounts,
  type StepCounts,
  type Verdict,
} from '../../core/verdict.ts';

/** 2026-01-01T00:00:00Z, where the clock of every test starts. */
export const START_MS = Date.UTC(2026, 0, 1);

export const TOPIC = 'events.test';

type Plain = { readonly [name: string]: unknown };

/** A record as a test writes it. */
export interface Fed {
  /** Seconds after START_MS; moves the clock there first. Left out: the clock stays. */
  readonly at?: number;
  /** Event time in seconds after START_MS; `at`, or the clock, when it is left out. */
  readonly time?: number;
  readonly key?: string | null;
  readonly value?: unknown;
  /** The next one when it is left out; give an old one to read a record again. */
  readonly offset?: number;
  readonly partition?: number;
  readonly topic?: string;
  readonly headers?: readonly Header[];
  readonly eventId?: string;
  readonly count?: number;
  /** Anything else that an earlier step would have set. */
  readonly prepare?: (record: Record) => void;
}

/** JSON behind the five bytes of the wire header. */
export const jsonDecoder: ValueDecoder = {
  decode: (bytes, start, end) => JSON.parse(bytes.toString('utf8', start + 5, end)),
};

const WIRE_HEADER = Buffer.from([0, 0, 0, 0, 7]);

/** `NaN` in `timestampMs` is not allowed; offsets are the caller's. */
export function jsonRecord(fed: Fed, offset: number, timestampMs: number): Record {
  const key = fed.key === undefined || fed.key === null ? null : Buffer.from(fed.key, 'utf8');
  const hasValue = fed.value !== undefined && fed.value !== null;
  const value = hasValue
    ? Buffer.concat([WIRE_HEADER, Buffer.from(JSON.stringify(fed.value), 'utf8')])
    : Buffer.alloc(0);
  const record = new Record(
    fed.topic ?? TOPIC,
    fed.partition ?? 0,
    offset,
    timestampMs,
    key ?? Buffer.alloc(0),
    key === null ? -1 : 0,
    key === null ? -1 : key.length,
    value,
    hasValue ? 0 : -1,
    hasValue ? value.length : -1,
    fed.headers ?? null,
  );
  record.decoder = jsonDecoder;
  record.eventId = fed.eventId ?? `${record.topic}/${record.partition}/${offset}`;
  record.count = fed.count ?? 1;
  fed.prepare?.(record);
  return record;
}

/** `value.a.b`, `key`, `timestamp`, as the compiler reads them. */
export function fieldReader(path: string): FieldReader {
  const [root, ...fields] = path.split('.');
  assert.ok(root === 'value' || root === 'key' || root === 'timestamp', `no such path: ${path}`);
  return {
    path,
    read(record) {
      let at: unknown = record[root];
      for (const field of fields) at = (at as Plain | null | undefined)?.[field];
      return at;
    },
  };
}

function expressionOf(of: unknown): Expression<unknown> {
  assert.equal(typeof of, 'function', 'the kit takes expressions as functions of a record');
  return { source: String(of), evaluate: of as (record: Record) => unknown };
}

/** From the form of a file to what `open` gets. */
function resolve(name: string, option: Option<unknown>, given: unknown): unknown {
  const plain = given === undefined ? option.fallback : given;
  if (plain === undefined) assert.fail(`option ${name} is required`);
  if (plain === null) {
    assert.equal(option.required, false, `option ${name} may not be null`);
    return null;
  }
  switch (option.kind) {
    case 'duration':
      return parseDuration(plain as string) ?? assert.fail(`${name}: ${plain} is no duration`);
    case 'path':
      return fieldReader(plain as string);
    case 'paths':
      return (plain as readonly string[]).map(fieldReader);
    case 'predicate':
    case 'expression':
      return expressionOf(plain);
    case 'expressions':
      return Object.fromEntries(
        Object.entries(plain as Plain).map(([field, of]) => [field, expressionOf(of)]),
      );
    case 'one_of':
    case 'some_of':
      for (const choice of [plain].flat()) {
        assert.ok(Object.hasOwn(option.choices ?? {}, choice as string), `${name}: ${choice}`);
      }
      return plain;
    default:
      return plain;
  }
}

export function resolveOptions(spec: StepSpec, given: Plain): Plain {
  const options: { readonly [name: string]: Option<unknown> } = spec.config;
  for (const name of Object.keys(given)) {
    assert.ok(Object.hasOwn(options, name), `${spec.type} has no option ${name}`);
  }
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, resolve(name, option, given[name])]),
  );
}

/** The port's promises, in the plainest form: a map in the order of first puts. */
export class PlainStore<Row> implements KeyedStore<Row> {
  readonly entries = new Map<string, { row: Row; dueMs: number }>();

  get size(): number {
    return this.entries.size;
  }

  get(key: string): Row | undefined {
    return this.entries.get(key)?.row;
  }

  put(key: string, row: Row, dueMs: number = NEVER): void {
    this.entries.set(key, { row, dueMs });
  }

  delete(key: string): boolean {
    return this.entries.delete(key);
  }

  oldest(): string | undefined {
    return this.entries.keys().next().value;
  }

  /** Takes the due time off the earliest row that is due by then. */
  takeDue(byMs: number): { key: string; row: Row; dueMs: number } | undefined {
    let next: { key: string; row: Row; dueMs: number } | undefined;
    for (const [key, { row, dueMs }] of this.entries) {
      if (dueMs <= byMs && (next === undefined || dueMs < next.dueMs)) next = { key, row, dueMs };
    }
    if (next !== undefined) this.entries.set(next.key, { row: next.row, dueMs: NEVER });
    return next;
  }

  /** What comes back after a restart: each row through its codec. */
  reopened(codec: RowCodec<Row>): PlainStore<Row> {
    const copy = new PlainStore<Row>();
    for (const [key, { row, dueMs }] of this.entries) {
      copy.put(key, codec.decode(Buffer.from(codec.encode(row))), dueMs);
    }
    return copy;
  }
}

interface Opened {
  record(record: Record, emit: (record: Record) => void): Verdict;
  due?(key: string, row: unknown, emit: (record: Record) => void): void;
}

function openSpec(spec: StepSpec, config: Plain, context: StepContext<unknown>): Opened {
  switch (spec.kind) {
    case 'each': {
      const work = spec.open(config, context);
      return {
        record(record, emit) {
          const verdict = work(record);
          if (verdict.kind === 'passed') emit(record);
          return verdict;
        },
      };
    }
    case 'expand':
      return { record: spec.open(config, context) };
    case 'timed':
      return spec.open(config, context);
    case 'operator':
      return assert.fail('the kit runs each, expand and timed steps');
  }
}

export interface BenchOptions {
  readonly tables?: { readonly [name: string]: { readonly [key: string]: unknown } };
}

/** `passed`, `held`, `dropped duplicate`, `dead-lettered CAR520`. */
export function told(verdict: Verdict): string {
  return verdict.reason === '' ? verdict.kind : `${verdict.kind} ${verdict.reason}`;
}

/** One spec, opened for one task. */
export class StepBench {
  readonly clock = new HandClock(START_MS);
  /** All that was emitted since the bench was made; `takeOut` empties it. */
  #out: Record[] = [];
  #counts: StepCounts = newStepCounts();
  #store = new PlainStore<unknown>();
  #opened: Opened;
  #nextOffset = 0;
  readonly #spec: StepSpec;
  readonly #config: Plain;
  readonly #tables: NonNullable<BenchOptions['tables']>;

  constructor(spec: StepSpec, given: Plain = {}, options: BenchOptions = {}) {
    this.#spec = spec;
    this.#config = resolveOptions(spec, given);
    this.#tables = options.tables ?? {};
    this.#opened = openSpec(spec, this.#config, this.#context());
  }

  get counts(): StepCounts {
    return this.#counts;
  }

  get store(): PlainStore<unknown> {
    return this.#store;
  }

  /** What the step counted under a name. */
  counted(name: string): number {
    return this.#counts.counted.get(name) ?? 0;
  }

  /** Seconds after START_MS, as `Fed.at`; fires what is due on the way, each at its own time. */
  advanceTo(atSeconds: number): void {
    const atMs = START_MS + atSeconds * 1000;
    for (;;) {
      const next = this.#store.takeDue(atMs);
      if (next === undefined) break;
      this.clock.moveTo(next.dueMs);
      assert.ok(this.#opened.due, `${this.#spec.type} put a due time but has no due`);
      this.#opened.due(next.key, next.row, this.#emit);
    }
    this.clock.moveTo(atMs);
    this.#check();
  }

  /** The verdict as text, see `told`. */
  feed(fed: Fed): string {
    if (fed.at !== undefined) this.advanceTo(fed.at);
    const offset = fed.offset ?? this.#nextOffset;
    this.#nextOffset = Math.max(this.#nextOffset, offset + 1);
    const seconds = fed.time ?? fed.at;
    const timestamp = seconds === undefined ? this.clock.now() : START_MS + seconds * 1000;
    return this.feedRecord(jsonRecord(fed, offset, timestamp));
  }

  feedAll(rows: readonly Fed[]): string[] {
    return rows.map((row) => this.feed(row));
  }

  /** A step that throws sends nothing on, and the record to the dead letters, as in the engine. */
  feedRecord(record: Record): string {
    const before = this.#out.length;
    this.#counts.in++;
    let verdict: Verdict;
    try {
      verdict = this.#opened.record(record, this.#emit);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      this.#counts.out -= this.#out.length - before;
      this.#out.length = before;
      verdict = { kind: 'dead-lettered', reason: 'CAR506' };
    }
    this.#count(verdict, 1);
    this.#check();
    return told(verdict);
  }

  /** What was emitted since the last call. */
  takeOut(): Record[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** Closes and opens again: all that stays is the rows. */
  restart(): void {
    const codec = 'rows' in this.#spec ? this.#spec.rows : undefined;
    if (codec === undefined) assert.equal(this.#store.size, 0, 'rows without a codec');
    else this.#store = this.#store.reopened(codec);
    this.#counts = newStepCounts();
    if (this.#spec.kind === 'timed') {
      for (const { row } of this.#store.entries.values()) {
        this.#counts.restored += this.#spec.heldBy(row);
      }
      this.#counts.held = this.#counts.restored;
    }
    this.#opened = openSpec(this.#spec, this.#config, this.#context());
    this.#check();
  }

  #emit = (record: Record): void => {
    this.#counts.out++;
    this.#out.push(record);
  };

  #count(verdict: Verdict, by: number): void {
    const { kind, reason } = verdict;
    if (kind === 'passed') this.#counts.passed += by;
    else if (kind === 'held') this.#counts.held += by;
    else if (kind === 'dropped') {
      assert.ok(Object.hasOwn(this.#spec.drops ?? {}, reason), `undeclared reason ${reason}`);
      this.#counts.dropped.set(reason, (this.#counts.dropped.get(reason) ?? 0) + by);
    } else {
      assert.ok(Object.hasOwn(ERROR_TABLE, reason), `unknown code ${reason}`);
      this.#counts.deadLettered.set(reason, (this.#counts.deadLettered.get(reason) ?? 0) + by);
    }
  }

  #check(): void {
    assert.equal(conservationGap(this.#counts), 0, 'the law of conservation');
    if (this.#spec.kind !== 'timed') return;
    let held = 0;
    for (const { row } of this.#store.entries.values()) held += this.#spec.heldBy(row);
    assert.equal(this.#counts.held, held, 'the rows stand for what is held');
  }

  #context(): StepContext<unknown> {
    const tables = this.#tables;
    return {
      stream: 'test',
      step: this.#spec.type,
      useCase: 't',
      partition: 0,
      clock: this.clock,
      store: this.#store,
      table<T>(name: string): TableView<T> {
        const rows = tables[name] ?? assert.fail(`no table ${name}`);
        return {
          size: Object.keys(rows).length,
          get: (key) => (Object.hasOwn(rows, key) ? (rows[key] as T) : undefined),
        };
      },
      revive(record) {
        record.decoder = jsonDecoder;
      },
      count: (name, by = 1) => {
        assert.ok(Object.hasOwn(this.#spec.counts ?? {}, name), `undeclared count ${name}`);
        this.#counts.counted.set(name, (this.#counts.counted.get(name) ?? 0) + by);
      },
      settle: (verdict, by = 1, record) => {
        assert.ok(verdict.kind !== 'dropped' || record !== undefined, 'a drop names its record');
        this.#counts.held -= by;
        this.#count(verdict, by);
      },
    };
  }
}
