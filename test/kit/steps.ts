/**
 * Runs one step spec on the engine's own operators and stores, for the part tests of processors:
 * options as in a file, a clock in the hand, records made from plain values, and a restart that
 * takes all state through the changelog. After every call the law of conservation is asserted, and
 * every reason, count and code must be declared.
 */

import assert from 'node:assert/strict';
import { Subject } from 'rxjs';
import { readerOf } from '../../compiler/field-path.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import type { MemberDevices } from '../../core/device.ts';
import { type DeviceClasses, RENO_CLASSES } from '../../core/device-classes.ts';
import { DeviceLines } from '../../core/device-lines.ts';
import { parseDuration } from '../../core/duration.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import type { Header } from '../../core/headers.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { Record } from '../../core/record.ts';
import { BatchCursor, wholeBatch } from '../../core/record-batch.ts';
import { Slice } from '../../core/slice.ts';
import type { Expression, FieldReader, Option, StepSpec } from '../../core/spec.ts';
import { type DevicesView, NEVER, type TableView } from '../../core/store.ts';
import { parseTimeOfDay } from '../../core/time-zone.ts';
import type { StepCounts, Verdict } from '../../core/verdict.ts';
import { appendCopy } from '../../runtime/state/append-copy.ts';
import type { StepHost } from '../../runtime/streams/step.ts';
import { Steps } from '../../runtime/streams/steps.ts';

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
const decodeJson = (slice: Slice, i: number): unknown =>
  JSON.parse(slice.bytes.toString('utf8', slice.valueStart[i]! + 5, slice.valueEnd[i]!));

const WIRE_HEADER = Buffer.from([0, 0, 0, 0, 7]);

/** A slice of that one record, as a source leaves it. */
function sliceOf(fed: Fed, offset: number, timestampMs: number): Slice {
  const topic = fed.topic ?? TOPIC;
  const partition = fed.partition ?? 0;
  const hasValue = fed.value !== undefined && fed.value !== null;
  const value = hasValue
    ? Buffer.concat([WIRE_HEADER, Buffer.from(JSON.stringify(fed.value), 'utf8')])
    : null;
  const builder = new BatchBuilder(topic, partition);
  builder.append(timestampMs, fed.key ?? null, value, fed.headers ?? null);
  const cursor = new BatchCursor();
  cursor.open(wholeBatch(topic, partition, builder.finish().bytes, offset));
  const slice = new Slice(0, 1);
  cursor.read(slice);
  slice.decode = decodeJson;
  const record = new Record(slice, 0);
  record.eventId = fed.eventId ?? `${topic}/${partition}/${offset}`;
  record.count = fed.count ?? 1;
  fed.prepare?.(record);
  return slice;
}

/** `value.a.b`, `key`, `timestamp`, as the compiler reads them. */
export function fieldReader(path: string): FieldReader {
  const [root, ...fields] = path.split('.');
  assert.ok(root === 'value' || root === 'key' || root === 'timestamp', `no such path: ${path}`);
  return readerOf(path, fields);
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
    case 'time_of_day':
      return parseTimeOfDay(plain as string) ?? assert.fail(`${name}: ${plain} is no time of day`);
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
    case 'durations':
      return Object.fromEntries(
        Object.entries(plain as Plain).map(([part, of]) => [part, parseDuration(of as string)]),
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

type DeviceRows = { readonly [key: string]: MemberDevices };
type BenchTables = { readonly [name: string]: { readonly [key: string]: unknown } };

export interface BenchOptions {
  readonly tables?: BenchTables;
  readonly classes?: DeviceClasses;
}

/** `passed`, `held`, `dropped duplicate`, `dead-lettered CAR520`. */
export function told(verdict: Verdict): string {
  return verdict.reason === '' ? verdict.kind : `${verdict.kind} ${verdict.reason}`;
}

/** One spec, opened for one task. */
export class StepBench {
  readonly clock = new HandClock(START_MS);
  readonly #spec: StepSpec;
  readonly #config: Plain;
  readonly #tables: BenchTables;
  readonly #classes: DeviceClasses;
  /** All that was emitted since the bench was made; `takeOut` empties it. */
  #out: Record[] = [];
  #steps!: Steps;
  #slices!: Subject<Slice>;
  readonly #changelog = new BatchBuilder('changelog', 0);
  readonly #committed: Buffer[] = [];
  #verdict: Verdict | null = null;
  #nextOffset = 0;

  constructor(spec: StepSpec, given: Plain = {}, options: BenchOptions = {}) {
    this.#classes = options.classes ?? RENO_CLASSES;
    this.#spec = this.#listened(spec);
    this.#config = resolveOptions(spec, given);
    this.#tables = options.tables ?? {};
    this.#open();
  }

  get counts(): StepCounts {
    return this.#step.node.counts;
  }

  get store(): { readonly size: number } {
    return this.#step.store ?? assert.fail('the step has no store');
  }

  /** What the step counted under a name. */
  counted(name: string): number {
    return this.counts.counted.get(name) ?? 0;
  }

  /** Seconds after START_MS, as `Fed.at`; fires what is due on the way, each at its own time. */
  advanceTo(atSeconds: number): void {
    const atMs = START_MS + atSeconds * 1000;
    for (;;) {
      const next = this.#steps.nextDueMs();
      if (next === NEVER || next > atMs) break;
      this.clock.moveTo(next);
      this.#tick();
    }
    this.clock.moveTo(atMs);
    this.#check();
  }

  /** The verdict as text, see `told`. */
  feed(fed: Fed): string {
    return this.#feed(fed, (slice) => this.#slices.next(slice));
  }

  /** A record of the step's other stream. */
  feedOther(fed: Fed): string {
    return this.#feed(fed, this.#steps.others.get(0)!);
  }

  #feed(fed: Fed, give: (slice: Slice) => void): string {
    if (fed.at !== undefined) this.advanceTo(fed.at);
    const offset = fed.offset ?? this.#nextOffset;
    this.#nextOffset = Math.max(this.#nextOffset, offset + 1);
    const seconds = fed.time ?? fed.at;
    const timestamp = seconds === undefined ? this.clock.now() : START_MS + seconds * 1000;
    const slice = sliceOf(fed, offset, timestamp);
    slice.clockMs = this.clock.now();
    // A step that throws sends nothing on, and the record to the dead letters.
    this.#verdict = null;
    give(slice);
    this.#check();
    return told(this.#verdict ?? { kind: 'dead-lettered', reason: 'CAR506' });
  }

  feedAll(rows: readonly Fed[]): string[] {
    return rows.map((row) => this.feed(row));
  }

  /** What was emitted since the last call. */
  takeOut(): Record[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** Closes and opens again: all that stays is what was committed. */
  restart(): void {
    this.commit();
    this.#open();
    this.#check();
  }

  /** Writes the changed rows to the changelog. */
  commit(): void {
    const { store } = this.#step;
    if (store === null || store.changedCount === 0) return;
    store.writeChanged(this.#changelog, this.clock.now());
    this.#committed.push(Buffer.from(this.#changelog.finish().bytes));
  }

  get #step() {
    return this.#steps.steps[0]!;
  }

  #open(): void {
    const { type } = this.#spec;
    const declared = this.#spec.kind === 'operator' ? undefined : this.#spec.rows;
    const plan = {
      name: type,
      spec: this.#spec,
      config: this.#config,
      store: declared === undefined ? null : `t.${type}`,
    };
    const of = { stream: 'test', useCase: 't', steps: [plan] };
    const relocate = (slice: Slice) => {
      slice.decode = decodeJson;
    };
    this.#steps = new Steps(of, this.#host(), { relocate }, 0);
    this.#slices = new Subject();
    this.#slices.pipe(this.#steps.operator).subscribe({
      next: (slice) => this.#keep(slice),
      error: (error) => {
        throw error;
      },
    });
    for (const bytes of this.#committed) {
      this.#step.store?.restore(wholeBatch('changelog', 0, bytes, 0));
    }
    this.#steps.restored();
  }

  /** The spec with an ear on its verdicts. */
  #listened(spec: StepSpec): StepSpec {
    const hear = <A extends unknown[]>(work: (...args: A) => Verdict) => {
      return (...args: A): Verdict => {
        this.#verdict = null;
        const verdict = work(...args);
        this.#verdict = verdict;
        return verdict;
      };
    };
    switch (spec.kind) {
      case 'each': {
        const open: typeof spec.open = (config, context) => hear(spec.open(config, context));
        return { ...spec, open };
      }
      case 'expand': {
        const open: typeof spec.open = (config, context) => hear(spec.open(config, context));
        return { ...spec, open };
      }
      case 'timed': {
        const open: typeof spec.open = (config, context) => {
          const work = spec.open(config, context);
          const { other } = work;
          const heard = other === undefined ? {} : { other: hear(other.bind(work)) };
          return { ...work, record: hear(work.record.bind(work)), ...heard };
        };
        return { ...spec, open };
      }
      case 'operator':
        return assert.fail('the kit runs each, expand and timed steps');
    }
  }

  #tick(): void {
    const tick = new Slice(0, 1);
    tick.clockMs = this.clock.now();
    tick.topic = TOPIC;
    this.#slices.next(tick);
  }

  /** The engine uses its slices again: what is kept is a copy. */
  #keep(slice: Slice): void {
    for (let j = 0; j < slice.selected; j++) {
      const own = new Slice(0, 1);
      own.resetOwn(slice.topic, slice.partition);
      this.#out.push(new Record(own, appendCopy(slice, slice.selection[j]!, own)));
    }
  }

  #check(): void {
    const { counts } = this;
    assert.equal(this.#step.gap(), 0, 'the law of conservation');
    for (const reason of counts.dropped.keys()) {
      assert.ok(Object.hasOwn(this.#spec.drops ?? {}, reason), `undeclared reason ${reason}`);
    }
    for (const name of counts.counted.keys()) {
      assert.ok(Object.hasOwn(this.#spec.counts ?? {}, name), `undeclared count ${name}`);
    }
    for (const code of counts.deadLettered.keys()) {
      assert.ok(Object.hasOwn(ERROR_TABLE, code), `unknown code ${code}`);
    }
  }

  #host(): StepHost {
    const rowsOf = (name: string) => this.#tables[name] ?? assert.fail(`no table ${name}`);
    return {
      partition: 0,
      priorities: RENO_PRIORITIES,
      deviceClasses: this.#classes,
      clock: this.clock,
      table<T>(name: string): TableView<T> {
        const rows = rowsOf(name);
        return {
          size: Object.keys(rows).length,
          keys: () => Object.keys(rows),
          get: (key) => (Object.hasOwn(rows, key) ? (rows[key] as T) : undefined),
        };
      },
      devices: (name) => devicesOf(rowsOf(name) as DeviceRows, this.#classes),
      deadLetter: () => {},
    };
  }
}

function devicesOf(rows: DeviceRows, classes: DeviceClasses): DevicesView {
  const lines = new DeviceLines(classes);
  const places = Object.entries(rows).map(([member, { devices }]) => {
    const first = lines.size;
    for (const device of devices) lines.add(device);
    return { member, first, end: lines.size };
  });
  let found = { first: 0, end: 0 };
  return {
    lines,
    warm() {},
    size: places.length,
    find(bytes, start, end) {
      const member = bytes.toString('utf8', start, end);
      found = places.find((place) => place.member === member) ?? { first: 0, end: 0 };
      return found.end > found.first;
    },
    get first() {
      return found.first;
    },
    get end() {
      return found.end;
    },
  };
}
