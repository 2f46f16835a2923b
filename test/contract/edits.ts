/**
 * What an edit of a topology does, whatever log lies below: each row is events before, between and
 * after, and what devices are told of them, in all.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EditableLog } from '../../core/log.ts';
import { EditedPipeline } from '../kit/edited-pipeline.ts';
import { AGGREGATE_EDITS } from './aggregate-edits.ts';
import { CLOCK_EDITS } from './clock-edits.ts';
import type { Edit } from './edit-case.ts';
import { GRAPH_EDITS } from './graph-edits.ts';
import { PRIORITY_EDITS } from './priority-edits.ts';
import { REKEY_EDITS } from './rekey-edits.ts';
import { SINK_EDITS } from './sink-edits.ts';
import { START_EDITS } from './start-edits.ts';
import { STEP_EDITS } from './step-edits.ts';

export const EDITS: readonly Edit[] = [
  ...PRIORITY_EDITS,
  ...START_EDITS,
  ...STEP_EDITS,
  ...REKEY_EDITS,
  ...GRAPH_EDITS,
  ...AGGREGATE_EDITS,
  ...SINK_EDITS,
  ...CLOCK_EDITS,
];

/** `edits`: some of them, where a log takes its time. */
export function editCases(
  name: string,
  open: () => Promise<EditableLog>,
  edits: readonly Edit[] = EDITS,
  prefixOf: () => string | undefined = () => undefined,
): void {
  for (const { what, first, starts, run, told } of edits) {
    test(`${name}: ${what}`, { timeout: 120_000 }, async () => {
      const pipeline = new EditedPipeline(await open(), { prefix: prefixOf() });
      try {
        await pipeline.prepare(first);
        await pipeline.devices(['m-1', 'm-2']);
        if (starts !== false) await pipeline.start(first);
        await run(pipeline);
        await pipeline.stop();
        assert.deepEqual((await pipeline.told()).sort(), [...told].sort());
        await pipeline.end();
      } finally {
        await pipeline.close();
      }
    });
  }
}
