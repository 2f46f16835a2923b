/** What an aggregate makes of a record for its windows, and what it tells of a window. */

import type { AggregateCall } from '../core/aggregate-call.ts';
import { stringifyExact } from '../core/exact-json.ts';
import type { Record } from '../core/record.ts';
import type { FieldReader, TimedEmit } from '../core/spec.ts';
import { type Fold, type FoldNotes, foldOf } from './folds.ts';
import type { Window, WindowMaker } from './window-rows.ts';

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

export class WindowResults {
  readonly #parts: readonly { readonly name: string; readonly reader: FieldReader }[];
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
    const parts = this.#parts.map(({ reader }) => reader.read(record));
    return new RecordMaker(this.#fields, record, parts, args);
  }

  update(record: Record, window: Window, emit: TimedEmit): void {
    const { eventId } = record;
    const result = emit(record);
    result.value = this.#value(window, false);
    result.timestamp = window.maxMs;
    if (this.#form.hasBounds) result.eventId = `${eventId}@${window.start}`;
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
    for (const [n, { name }] of this.#parts.entries()) value[name] = window.parts[n];
    if (hasBounds) {
      value.window_start = window.start;
      value.window_end = window.end;
    }
    if (retracts) value.retracted = isRetracted;
    for (const [n, { name, fold }] of this.#fields.entries()) {
      value[name] = fold.result(window.states[n]);
    }
    return value;
  }
}

/** One record, as its windows take it. */
export class RecordMaker implements WindowMaker {
  readonly notes: FoldNotes = { leftOut: 0 };
  readonly #fields: readonly Field[];
  readonly #key: string;
  readonly #atMs: number;
  readonly #parts: readonly unknown[];
  readonly #args: readonly unknown[];

  constructor(
    fields: readonly Field[],
    record: Record,
    parts: readonly unknown[],
    args: readonly unknown[],
  ) {
    this.#fields = fields;
    this.#key = record.key ?? '';
    this.#atMs = record.timestamp;
    this.#parts = parts;
    this.#args = args;
  }

  empty(start: number, end: number): Window {
    const states = this.#fields.map(({ fold }) => fold.empty);
    const key = this.#key;
    const parts = this.#parts;
    return { key, parts, start, end, records: 0, maxMs: -1, states, isTold: false };
  }

  with(window: Window): Window {
    const atMs = this.#atMs;
    const states = window.states.map((state, n) => {
      const arg = this.#args[n];
      if (arg === null || arg === undefined) return state;
      return this.#fields[n]!.fold.add(state, arg, atMs, this.notes);
    });
    const maxMs = Math.max(window.maxMs, atMs);
    return { ...window, records: window.records + 1, maxMs, states };
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
