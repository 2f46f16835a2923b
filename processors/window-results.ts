/** What an aggregate makes of a record for its windows, and what it tells of a window. */

import type { AggregateCall } from '../core/aggregate-call.ts';
import { stringifyExact } from '../core/exact-json.ts';
import type { Record } from '../core/record.ts';
import type { FieldReader, TimedEmit } from '../core/spec.ts';
import { type Fold, type FoldNotes, foldOf } from './folds.ts';
import type { Window, WindowMaker } from './window-rows.ts';

/** Of what it is grouped by, beside the key. */
interface Part {
  readonly name: string;
  readonly reader: FieldReader;
}

interface Field {
  readonly name: string;
  readonly call: AggregateCall;
  readonly fold: Fold;
}

export interface ResultOptions {
  readonly by: readonly FieldReader[];
  readonly fields: { readonly [name: string]: AggregateCall };
}

/** What is part of a result beside the functions. */
export interface ResultForm {
  readonly hasBounds: boolean;
  /** Whether results say that they are no more. */
  readonly retracts: boolean;
}

/** One for all windows of groups that are keys alone. */
const NO_PARTS: readonly unknown[] = [];

export class WindowResults {
  readonly #parts: readonly Part[];
  readonly #fields: readonly Field[];
  readonly #form: ResultForm;

  constructor({ by, fields }: ResultOptions, form: ResultForm) {
    this.#parts = by
      .filter(({ path }) => path !== 'key')
      .map((reader) => ({ name: reader.path.slice(reader.path.lastIndexOf('.') + 1), reader }));
    this.#fields = Object.entries(fields).map(([name, call]) => {
      return { name, call, fold: foldOf(call) };
    });
    this.#form = form;
  }

  /** Evaluates all that is asked of a record; throws what an expression throws. */
  makerFor(record: Record): RecordMaker {
    const args = this.#fields.map(({ call }) =>
      call.of === null ? true : call.of.evaluate(record),
    );
    return new RecordMaker(this.#fields, this.#parts, record, args);
  }

  update(record: Record, window: Window, emit: TimedEmit): void {
    const eventId = this.#form.hasBounds ? `${record.eventId}@${window.start}` : null;
    const result = emit(record);
    result.value = this.#value(window, false);
    result.timestamp = window.maxMs;
    if (eventId !== null) result.eventId = eventId;
  }

  /** The session is part of another one now (S20). */
  retract(record: Record, window: Window, emit: TimedEmit): void {
    const { eventId } = record;
    const result = emit(record);
    result.value = this.#value(window, true);
    result.timestamp = window.end;
    result.eventId = `${eventId}-@${window.start}`;
  }

  final(window: Window, emit: TimedEmit): void {
    const { key, parts, start, end } = window;
    const group = parts.length === 0 ? key : stringifyExact([key, ...parts]);
    const result = emit.blank();
    result.key = key;
    result.value = this.#value(window, false);
    result.timestamp = window.maxMs;
    result.count = window.records;
    result.eventId = `${group}@${start}/${end}`;
  }

  #value(window: Window, isRetracted: boolean): { [field: string]: unknown } {
    const value: { [field: string]: unknown } = {};
    const { hasBounds, retracts } = this.#form;
    for (let n = 0; n < this.#parts.length; n++) value[this.#parts[n]!.name] = window.parts[n];
    if (hasBounds) {
      value.window_start = window.start;
      value.window_end = window.end;
    }
    if (retracts) value.retracted = isRetracted;
    for (let n = 0; n < this.#fields.length; n++) {
      const { name, fold } = this.#fields[n]!;
      value[name] = fold.result(window.states[n]);
    }
    return value;
  }
}

/** One record, as its windows take it. */
export class RecordMaker implements WindowMaker {
  readonly notes: FoldNotes = { leftOut: 0 };
  readonly #fields: readonly Field[];
  readonly #parts: readonly Part[];
  readonly #record: Record;
  readonly #atMs: number;
  readonly #args: readonly unknown[];

  /** `record`: the one that is being taken; it is read again for its first window. */
  constructor(
    fields: readonly Field[],
    parts: readonly Part[],
    record: Record,
    args: readonly unknown[],
  ) {
    this.#fields = fields;
    this.#parts = parts;
    this.#record = record;
    this.#atMs = record.timestamp;
    this.#args = args;
  }

  empty(start: number, end: number): Window {
    const states = this.#fields.map(({ fold }) => fold.empty);
    // The key of the row was made of the same parts, so that none of them fails here.
    const parts =
      this.#parts.length === 0
        ? NO_PARTS
        : this.#parts.map(({ reader }) => reader.read(this.#record));
    const key = this.#record.key ?? '';
    return { key, parts, start, end, records: 0, maxMs: -1, states, isTold: false };
  }

  with(window: Window): Window {
    const atMs = this.#atMs;
    const { key, parts, start, end, records, isTold } = window;
    // A copy has no room to grow, which lists that are made by `push` keep for good.
    const states = window.states.slice();
    for (let n = 0; n < states.length; n++) {
      const arg = this.#args[n];
      if (arg === null || arg === undefined) continue;
      states[n] = this.#fields[n]!.fold.add(states[n], arg, atMs, this.notes);
    }
    // Written out, in the order of `empty`: a copy by spreading takes several times as long.
    const maxMs = Math.max(window.maxMs, atMs);
    return { key, parts, start, end, records: records + 1, maxMs, states, isTold };
  }

  readonly merged = (earlier: Window, later: Window): Window => ({
    ...earlier,
    end: later.end,
    records: earlier.records + later.records,
    maxMs: Math.max(earlier.maxMs, later.maxMs),
    states: earlier.states.map((state, n) => {
      return this.#fields[n]!.fold.merge(state, later.states[n], this.notes);
    }),
  });
}
