/** A table of edits of a topology, each with events before, between and after, on two logs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { EditedPipeline, streamText } from '../../test/kit/edited-pipeline.ts';
import { lanesWith } from '../../test/kit/drive.ts';

const DEDUP = 'dedup: { by: [value.eventId], within: 1h }';
test('x', async () => {
  const p = new EditedPipeline(new MemoryLog());
  const text = lanesWith(streamText({ id: 'x', steps: [DEDUP] }));
  await p.prepare(text);
  await p.devices(['m-1']);
  await p.start(text);
  await p.post(['e1', 'e2']);
  await p.stop();
  await p.post(['e3']);
  await p.start(text.replace('as: normal', 'as: high'));
  await p.post(['e4', 'e1']);
  console.log(await p.told(), p.said);
  assert.equal(p.dropped('x', 'dedup', 'duplicate'), 1);
  await p.end();
});
