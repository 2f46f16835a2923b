/**
 * Steps in a row as the engine opens them, and what came out of them: for the tests of what it does
 * around a step. Values are JSON; `value.k` is the key of a row, `value.n` names a record.
 */

import assert from 'node:assert/strict';
import { Subject } from 'rxjs';
import { readerOf } from '../../compiler/field-path.ts';
import { HandClock } from '../../core/clock.ts';
import { RENO_CLASSES } from '../../core/device-classes.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { Record } from '../../core/record.ts';
import { Slice } from '../../core/slice.ts';
import type { Option, StepSpec } from '../../core/spec.ts';
import { conservationGap } from '../../core/verdict.ts';
import { Steps } from '../../runtime/streams/steps.ts';
import { START_MS } from './drive.ts';
import { decodeJson } from './slices.ts';

/** What every spec of a test has. */
export const base = { summary: '', example: '' };
export const BY = { by: {} as Option<readonly unknown[]> };
/** Its name in what a test expects. */
export const nameOf = ({ value }: Record) => String(value.n);

/** For a step of one's own: enough for a machine that has much else to do. */
const STEP_MS_MAX = 200;

function stepsOf(specs: readonly StepSpec[], clock: HandClock, told: string[]): Steps {
  const plans = specs.map((spec) => ({
    name: spec.type,
    spec,
    config: { by: [readerOf('value.k', ['k'])] },
    store: spec.kind !== 'operator' && spec.rows !== undefined ? `t.${spec.type}` : null,
  }));
  const of = { stream: 's', useCase: 'u', steps: plans };
  const fail = (): never => assert.fail('there are no tables');
  return new Steps(
    of,
    {
      partition: 3,
      priorities: RENO_PRIORITIES,
      deviceClasses: RENO_CLASSES,
      clock,
      stepMsMax: STEP_MS_MAX,
      table: fail,
      devices: fail,
      deadLetter: ({ offset }, { code, why, stream, step }) =>
        told.push(`${code} ${stream}/${step} @${offset} ${why}`),
      onDrop: ({ topic, partition, offset }, stream, step, reason, by) =>
        told.push(`${stream}/${step} ${reason} ${topic}/${partition}@${offset} ×${by}`),
    },
    {
      relocate: (slice) => {
        slice.decode = decodeJson;
      },
    },
    0,
  );
}

/** Opens steps in a row, and tells what came out: one list of names a slice. */
export function opened(...specs: readonly StepSpec[]) {
  const clock = new HandClock(START_MS);
  const told: string[] = [];
  const sent: string[][] = [];
  const steps = stepsOf(specs, clock, told);
  const input = new Subject<Slice>();
  let ended = '';
  const places: string[] = [];
  let see: (slice: Slice) => void = () => {};
  input.pipe(steps.operator).subscribe({
    next(slice) {
      see(slice);
      places.push(`${slice.topic}/${slice.partition} ${slice.clockMs - START_MS}`);
      const names: string[] = [];
      for (let j = 0; j < slice.selected; j++) {
        names.push(nameOf(new Record(slice, slice.selection[j]!)));
      }
      sent.push(names);
    },
    error: (error) => {
      ended = `error ${error.message}`;
    },
    complete: () => {
      ended = 'complete';
    },
  });
  return {
    clock,
    told,
    steps,
    input,
    places,
    get ended() {
      return ended;
    },
    onSlice(of: (slice: Slice) => void) {
      see = of;
    },
    feed(slice: Slice, atMs = 0) {
      clock.moveTo(START_MS + atMs);
      slice.clockMs = clock.now();
      input.next(slice);
      return sent.splice(0);
    },
    tick(atMs: number) {
      const tick = new Slice(0, 1);
      tick.topic = 'tick';
      tick.partition = 9;
      return this.feed(tick, atMs);
    },
    /** `in passed dropped dead held out`, and that nothing is missing. */
    counts(n = 0) {
      const { counts } = steps.steps[n]!.node;
      assert.equal(steps.steps[n]!.gap(), 0);
      assert.equal(conservationGap(counts), 0);
      const sum = (of: ReadonlyMap<string, number>) => [...of.values()].reduce((a, b) => a + b, 0);
      const { passed, dropped: drops, deadLettered: dead, held, out } = counts;
      return [counts.in, passed, sum(drops), sum(dead), held, out];
    },
  };
}
