/**
 * Makes an RxJS operator over slices of each kind of step. The engine owns the loop, the selection,
 * the keys and the counting; a step is a function from a record to a verdict. One `next` a slice,
 * no scheduler: the path stays synchronous.
 */
import { Observable, type OperatorFunction } from 'rxjs';
import { Record } from '../../core/record.ts';
import { Slice } from '../../core/slice.ts';
import type { EachSpec, Emit, ExpandSpec, FieldReader } from '../../core/spec.ts';
import { PASSED, type Verdict } from '../../core/verdict.ts';
import type { StepFault } from '../node.ts';
import { IdentityKeys } from '../state/identity-keys.ts';
import { contextOf, type Step, type StepHost, type StepsOf } from './step.ts';
import type { Turn } from './turn.ts';

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
  turn: Turn,
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
    const at = { next: 0 };
    const judge = () => {
      do {
        if (at.next >= selected) return;
        const j = at.next++;
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
      } while (!turn.isSpent);
    };
    turn.run(at, selected, judge, (fault) => node.failed(record, fault));
    slice.selected = kept;
    counts.in += selected;
    counts.passed += kept;
    counts.out += kept;
    send(slice);
  });
}

/**
 * A step of ours that sends on one record for each that it passes: it gives the record itself
 * another value, last of all that it does.
 */
export function inPlaceOperator(
  of: StepsOf,
  step: Step,
  spec: ExpandSpec<any, any>,
  host: StepHost,
  turn: Turn,
): SliceOperator {
  const itself: Emit = (record) => record;
  const each: EachSpec<any, any> = {
    ...spec,
    kind: 'each',
    open(config, context) {
      const work = spec.open(config, context);
      return (record, key) => work(record, itself, key);
    },
  };
  return eachOperator(of, step, each, host, turn);
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
  turn: Turn,
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
    const at = { next: 0 };
    let mark = 0;
    const judge = () => {
      do {
        if (at.next >= selected || out.n > EMITTED_FLUSH) return;
        const j = at.next++;
        record.i = selection[j]!;
        mark = out.n;
        try {
          node.settle(work(record, emit, keys === null ? null : keys.at(j)), record);
        } catch (error) {
          out.cut(mark);
          node.failed(record, error);
        }
      } while (!turn.isSpent);
    };
    const failed = (fault: StepFault) => {
      out.cut(mark);
      node.failed(record, fault);
    };
    turn.run(at, selected, judge, failed, () => {
      if (out.n > EMITTED_FLUSH) flush();
    });
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
