/**
 * A process dies between any two writes of an edit: each edit is begun again after its n-th write,
 * for every n there is, and comes to the end that it comes to without dying.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { openEmbeddedLog } from '../../connectors/embedded/log.ts';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { systemClock } from '../../core/clock.ts';
import type { EditableLog } from '../../core/log.ts';
import {
  COALESCE,
  DEDUP,
  MINUTES_10,
  OTHER,
  of,
  premium,
  WAIT,
  x,
} from '../../test/contract/edit-case.ts';
import { closePipelines, EditedPipeline } from '../../test/kit/edited-pipeline.ts';
import { CRASH, failing } from '../../test/kit/failing-log.ts';
import { appliedOf } from './applied.ts';
import { type Comparison, compareFiles, compareWithStored, readApplied } from './comparison.ts';
import type { Losing } from './judge.ts';
import { countRows, readRows } from './state-rows.ts';

const BOTH = [DEDUP, COALESCE];
const OTHER_BY = COALESCE.replace('[value.memberId]', '[value.eventId]');
const WRITES_MAX = 60;

const EDITS: readonly (readonly [what: string, was: string, is: string, losing: Losing])[] = [
  ['another priority', x({ steps: BOTH }), x({ steps: BOTH, priority: '{ as: high }' }), 'refuse'],
  ['an exception', x({ steps: BOTH }), x({ steps: BOTH, priority: premium('low') }), 'refuse'],
  [
    'both become one',
    x({ steps: BOTH, priority: premium('low') }),
    x({ steps: BOTH, priority: '{ as: low }' }),
    'refuse',
  ],
  [
    'a second stream',
    x({ steps: BOTH }),
    of({ id: 'x', steps: BOTH }, { id: 'y', start: 'earliest', steps: [DEDUP] }),
    'refuse',
  ],
  ['a step that is new', x({ steps: [DEDUP] }), x({ steps: BOTH }), 'refuse'],
  ['a step taken out, drained', x({ steps: BOTH }), x({ steps: [DEDUP] }), 'drain'],
  ['a step taken out, dropped', x({ steps: BOTH }), x({ steps: [DEDUP] }), 'drop'],
  ['a step renamed, drained', x({ steps: BOTH }), x({ steps: [DEDUP, WAIT] }), 'drain'],
  ['another identity, drained', x({ steps: BOTH }), x({ steps: [DEDUP, OTHER_BY] }), 'drain'],
  ['another identity, dropped', x({ steps: BOTH }), x({ steps: [DEDUP, OTHER_BY] }), 'drop'],
  ['another topic, drained', x({ steps: BOTH }), x({ steps: BOTH, topic: OTHER }), 'drain'],
  [
    'a stream taken out, dropped',
    of({ id: 'x', steps: BOTH }, { id: 'y', steps: BOTH }),
    x({ steps: BOTH }),
    'drop',
  ],
];

interface End {
  readonly told: readonly string[];
  readonly dropped: number;
  readonly hash: string | undefined;
  /** Rows of the changelogs that the new version has. */
  readonly rows: number;
}

/** Dies after so many writes of the edit, unless it has fewer. Null: it has. */
async function run(
  log: EditableLog,
  [, was, is, losing]: (typeof EDITS)[number],
  diesAfter: number,
): Promise<{ readonly end: End; readonly died: boolean }> {
  const dying = failing(log);
  const pipeline = new EditedPipeline(dying.log);
  // All topics are there, so that what is left of either version can be looked at.
  await pipeline.prepare(is);
  await pipeline.prepare(was);
  await pipeline.devices(['m-1', 'm-2']);
  await pipeline.start(was);
  await pipeline.post(['e1', 'e2']);
  await pipeline.post(['e3'], { member: 'm-2', more: { planTo: 'premium' } });
  await pipeline.stop();
  await pipeline.post(['e4'], { member: 'm-2' });
  dying.failAfter = diesAfter;
  let died = false;
  try {
    await pipeline.start(is, losing);
  } catch (error) {
    assert.match(String(error), new RegExp(CRASH));
    died = true;
  }
  const left = dying.failAfter;
  dying.failAfter = Number.POSITIVE_INFINITY;
  if (died) await pipeline.start(is, losing);
  await pipeline.post(['e5', 'e1']);
  await pipeline.advance(MINUTES_10);
  await pipeline.advance(6 * MINUTES_10);
  await pipeline.stop();
  const told = (await pipeline.told()).sort();
  const steps = ['source', 'dedup', 'coalesce'];
  const dropped = ['x', 'y']
    .flatMap((id) => steps.map((step) => pipeline.dropped(id, step, 'step_removed')))
    .reduce((sum, n) => sum + n, 0);
  const applied = await readApplied(log, 't');
  let rows = 0;
  for (const { instances } of applied?.streams ?? []) {
    for (const { stores } of instances) {
      for (const { changelog } of stores) rows += countRows(await readRows(log, changelog));
    }
  }
  await pipeline.end();
  return { end: { told, dropped, hash: applied?.hash, rows }, died: died || left < 0 };
}

const folder = mkdtempSync(join(tmpdir(), 'carillon-killed-'));
afterEach(closePipelines);
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const sqlite = () => openEmbeddedLog({ dir: join(folder, String(++files)), clock: systemClock });

for (const edit of EDITS) {
  test(`killed between its writes: ${edit[0]}`, { timeout: 60_000 }, async () => {
    const { end } = await run(new MemoryLog(), edit, Number.POSITIVE_INFINITY);
    let n = 0;
    for (; n < WRITES_MAX; n++) {
      const killed = await run(new MemoryLog(), edit, n);
      assert.deepEqual(killed.end, end, `after ${n} writes`);
      if (!killed.died) break;
    }
    assert.ok(n > 0 && n < WRITES_MAX, `${n} writes`);
  });
}

test('the same on SQLite, after its second write', { timeout: 60_000 }, async () => {
  const edit = EDITS[0]!;
  const { end } = await run(sqlite(), edit, Number.POSITIVE_INFINITY);
  for (const n of [1, 2]) assert.deepEqual((await run(sqlite(), edit, n)).end, end);
});

test('killed while it drops, and the former version goes on: told, or counted', async () => {
  const wait = (by: string) => `coalesce: { by: [${by}], quiet: 10m, at_most: 1h }`;
  const was = x({ steps: [wait('value.eventId')] });
  const is = x({ steps: [wait('value.memberId, value.eventId')] });
  let died = true;
  const dropped = new Set<number>();
  for (let n = 0; died; n++) {
    const dying = failing(new MemoryLog());
    const pipeline = new EditedPipeline(dying.log);
    await pipeline.prepare(was);
    await pipeline.devices(['m-1', 'm-2']);
    await pipeline.start(was);
    await pipeline.post(['e1', 'e2']);
    await pipeline.post(['e3'], { member: 'm-2' });
    await pipeline.stop();
    dying.failAfter = n;
    died = await pipeline.start(is, 'drop').then(
      () => false,
      () => true,
    );
    dying.failAfter = Number.POSITIVE_INFINITY;
    if (died) {
      await pipeline.start(was);
      await pipeline.advance(MINUTES_10);
      await pipeline.stop();
      const told = await pipeline.told();
      const gone = pipeline.dropped('x', 'coalesce', 'step_removed');
      assert.equal(new Set(told).size, told.length);
      assert.equal(told.length + gone, 3, `after ${n} writes: ${told.join(', ')}; ${gone} counted`);
      dropped.add(gone);
    }
    await pipeline.end();
  }
  assert.ok(dropped.has(0) && dropped.has(3), [...dropped].join(', '));
});

for (const [what, was, is] of EDITS) {
  test(`two files beside one another are judged as what is stored is: ${what}`, async () => {
    const log = new MemoryLog();
    const pipeline = new EditedPipeline(log);
    const plan = await pipeline.prepare(is);
    const former = await pipeline.prepare(was);
    await pipeline.devices(['m-1', 'm-2']);
    await pipeline.start(was);
    await pipeline.post(['e1']);
    await pipeline.post(['e2'], { member: 'm-2', more: { planTo: 'premium' } });
    await pipeline.stop();
    await pipeline.post(['e3']);
    const now = appliedOf(plan, is);
    const stored = await compareWithStored(log, plan, now, pipeline.clock.now());
    const files = compareFiles(appliedOf(former, was), now);
    const codes = ({ stakes }: Comparison) =>
      stakes.losses.map(({ code, of, step }) => `${code} ${of}/${step}`);
    assert.deepEqual([...new Set(codes(files))].sort(), [...new Set(codes(stored))].sort());
    await pipeline.end();
  });
}
