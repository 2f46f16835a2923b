/** What the tables of edits are written in: the topologies before and after, and what is done. */
import assert from 'node:assert/strict';
import { type CarillonError, CarillonErrors } from '../../core/error.ts';
import type { Losing } from '../../runtime/edits/judge.ts';
import { lanesWith } from '../kit/drive.ts';
import { type EditedPipeline, type StreamText, streamText } from '../kit/edited-pipeline.ts';

export const DEDUP = 'dedup: { by: [value.eventId], within: 1h }';
export const COALESCE = 'coalesce: { by: [value.memberId], quiet: 10m, at_most: 1h }';
export const WAIT =
  'name: wait\n        coalesce: { by: [value.memberId], quiet: 10m, at_most: 1h }';
export const MINUTES_10 = 600_000;
export const OTHER = 'events.plan-change-2';

export const of = (...streams: StreamText[]) => lanesWith(streams.map(streamText).join(''));
export const x = (more: Partial<StreamText> = {}) => of({ id: 'x', ...more });

/** A priority, and another one for those of plan "premium". */
export const premium = (as: string) =>
  `{ as: ${as}, unless: [{ when: "value.planTo == 'premium'", as: critical }] }`;

export interface Edit {
  readonly what: string;
  /** The first version; its devices are there. */
  readonly first: string;
  /** `false`: topics are there, nothing has been started. */
  readonly starts?: false;
  run(pipeline: EditedPipeline): Promise<void>;
  /** Sorted. */
  readonly told: readonly string[];
}

/** Stops, lets `between` happen, starts the other version. */
export async function edit(
  pipeline: EditedPipeline,
  text: string,
  losing: Losing = 'refuse',
  between: readonly string[] = [],
): Promise<void> {
  await pipeline.stop();
  if (between.length > 0) await pipeline.post(between);
  await pipeline.start(text, losing);
}

export async function refused(
  pipeline: EditedPipeline,
  text: string,
  codes: readonly string[],
  says = /./,
): Promise<void> {
  await pipeline.stop();
  await assert.rejects(pipeline.start(text), (error) => {
    const all = error instanceof CarillonErrors ? error.diagnostics : [error as CarillonError];
    assert.deepEqual(
      all.map(({ code }) => code),
      codes,
      String(error),
    );
    for (const { what, mend } of all) {
      assert.ok(what.length > 20 && /--dr(ain|op)/.test(mend), mend);
      assert.match(what, says);
    }
    return true;
  });
}
