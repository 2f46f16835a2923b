/**
 * Makes an RxJS operator over slices of each kind of step. The engine owns the loop, the selection,
 * the keys and the counting; a step is a function from a record to a verdict. One `next` a slice,
 * no scheduler: the path stays synchronous.
 */
import { Observable, type OperatorFunction } from 'rxjs';
import { Record } from '../../core/record.ts';
import { Slice } from '../../core/slice.ts';
import type { EachSpec, Emit, ExpandSpec, FieldReader, OperatorSpec } from '../../core/spec.ts';
import { PASSED, type Verdict } from '../../core/verdict.ts';
import { IdentityKeys } from '../state/identity-keys.ts';
import { contextOf, type Step, type StepHost, type StepsOf } from './step.ts';

export type SliceOperator = OperatorFunction<Slice, Slice>;

/** A throw out of `next` would be reported later and elsewhere; it ends the task instead. */
export function overSlices(
  work: (slice: Slice, send: (slice: Slice) => void) => void,
): SliceOperator {
  return (source) =>
    new Observable<Slice>((subscriber) => {
      const send = (slice: Slice) => subscriber.next(slice);
      return source.subscribe({
        next(slice) {
          try {
            work(slice, send);
          } catch (error) {
            subscriber.error(error);
          }
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
}

export function keysOf(step: Step, keyedBy: string | undefined): IdentityKeys | null {
  if (keyedBy === undefined) return null;
  return new IdentityKeys(step.plan.config[keyedBy] as readonly FieldReader[]);
}

/**
 * Makes the keys of a slice. When one cannot be made, all are tried again, record by record: only
 * the one at fault is dead-lettered, and leaves the selection.
 */
export function makeKeys(
  keys: IdentityKeys | null,
  step: Step,
  slice: Slice,
  record: Record,
): void {
  if (keys === null || slice.selected === 0) return;
  try {
    keys.fill(slice, record);
  } catch {
    keepThoseWithKeys(keys, step, slice, record);
    keys.fill(slice, record);
  }
  if (step.rows !== null) keys.warm(step.rows);
}

function keepThoseWithKeys(keys: IdentityKeys, step: Step, slice: Slice, record: Record): void {
  const { selection } = slice;
  const all = selection.slice(0, slice.selected);
  const kept: number[] = [];
  slice.selected = 1;
  for (const i of all) {
    selection[0] = i;
    try {
      keys.fill(slice, record);
      kept.push(i);
    } catch (error) {
      record.i = i;
      step.node.counts.in++;
      step.node.failed(record, error);
    }
  }
  selection.set(kept);
  slice.selected = kept.length;
}

// biome-ignore-start lint/suspicious/noExplicitAny: a catalog holds specs of all option types.
export function eachOperator(
  of: StepsOf,
  step: Step,
  spec: EachSpec<any, any>,
  host: StepHost,
): SliceOperator {
  const work = spec.open(step.plan.config as never, contextOf(of, step, host) as never);
  const keys = keysOf(step, spec.keyedBy);
  const { node } = step;
  const { counts } = node;
  return overSlices((slice, send) => {
    const record = new Record(slice, 0);
    makeKeys(keys, step, slice, record);
    const { selection, selected } = slice;
    let kept = 0;
    for (let j = 0; j < selected; j++) {
      const i = selection[j]!;
      record.i = i;
      let verdict: Verdict;
      try {
        verdict = work(record, keys === null ? null : keys.at(j));
      } catch (error) {
        node.failed(record, error);
        continue;
      }
      if (verdict === PASSED) selection[kept++] = i;
      else node.settle(verdict, record);
    }
    slice.selected = kept;
    counts.in += selected;
    counts.passed += kept;
    counts.out += kept;
    send(slice);
  });
}

/**
 * What a record emits is sent on only when its step has returned: a step that throws half-way sends
 * nothing. `out` is used again for every slice, and grows when one record makes more than it takes.
 * `readAfter`: the field columns that steps and writer behind this one read.
 */
export function expandOperator(
  of: StepsOf,
  step: Step,
  spec: ExpandSpec<any, any>,
  host: StepHost,
  fields: number,
  readAfter: readonly number[],
): SliceOperator {
  const work = spec.open(step.plan.config as never, contextOf(of, step, host) as never);
  const keys = keysOf(step, spec.keyedBy);
  const { node } = step;
  const { counts } = node;
  const { config } = step.plan;
  const joined = spec.joins === undefined ? null : host.devices(config[spec.joins.table] as string);
  const by = spec.joins === undefined ? null : (config[spec.joins.by] as FieldReader);
  let out = new Slice(fields, EMITTED_FIRST, readAfter);
  const emitted = new Record(out, 0);
  const emit: Emit = (record) => {
    if (out.n === out.capacity) out = enlarged(out, fields, readAfter);
    emitted.slice = out;
    emitted.i = out.append(record.slice, record.i);
    return emitted;
  };
  return overSlices((slice, send) => {
    const record = new Record(slice, 0);
    makeKeys(keys, step, slice, record);
    const { selection, selected } = slice;
    joined?.warm(slice, by!.column);
    out.clear();
    out.derive(slice);
    const flush = () => {
      counts.out += out.selected;
      send(out);
      out.clear();
      out.derive(slice);
    };
    for (let j = 0; j < selected; j++) {
      record.i = selection[j]!;
      if (out.n > EMITTED_FLUSH) flush();
      const mark = out.n;
      try {
        node.settle(work(record, emit, keys === null ? null : keys.at(j)), record);
      } catch (error) {
        out.cut(mark);
        node.failed(record, error);
      }
    }
    counts.in += selected;
    flush();
  });
}

// biome-ignore-end lint/suspicious/noExplicitAny: as above.

const EMITTED_FIRST = 2_048;
/** Over so many a slice is sent on before the next record: what one makes nearly always fits. */
const EMITTED_FLUSH = 1_536;

function enlarged(from: Slice, fields: number, readAfter: readonly number[]): Slice {
  const to = new Slice(fields, from.capacity * 2, readAfter);
  to.derive(from);
  for (let i = 0; i < from.n; i++) to.append(from, i);
  return to;
}

/**
 * A custom operator, counted from outside: what it lets through has passed, what it leaves out of
 * the selection was dropped as `not_emitted`. It may send a slice on once, changed or not.
 */
export function customOperator(
  of: StepsOf,
  step: Step,
  // biome-ignore lint/suspicious/noExplicitAny: a catalog holds specs of all option types.
  spec: OperatorSpec<any>,
  host: StepHost,
): SliceOperator {
  const inner = spec.open(step.plan.config as never, contextOf(of, step, host) as never);
  const { node } = step;
  return (source) =>
    new Observable<Slice>((subscriber) => {
      let pending: Set<number> | null = null;
      const entering = new Observable<Slice>((inside) =>
        source.subscribe({
          next(slice) {
            node.counts.in += slice.selected;
            pending = new Set(slice.selection.subarray(0, slice.selected));
            inside.next(slice);
            const record = new Record(slice, 0);
            for (const i of pending) {
              record.i = i;
              node.drop('not_emitted', record);
            }
            pending = null;
          },
          error: (error) => inside.error(error),
          complete: () => inside.complete(),
        }),
      );
      return entering.pipe(inner).subscribe({
        next(slice) {
          node.counts.out += slice.selected;
          for (let j = 0; j < slice.selected; j++) {
            if (pending?.delete(slice.selection[j]!) === true) node.counts.passed++;
          }
          subscriber.next(slice);
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
}
