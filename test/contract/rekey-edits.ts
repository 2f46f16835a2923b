/**
 * Steps that change the key: put in, taken out, renamed, with records on their way to the steps
 * behind them.
 */
import assert from 'node:assert/strict';
import type { EditedPipeline } from '../kit/edited-pipeline.ts';
import {
  COALESCE,
  DEDUP,
  type Edit,
  edit,
  MINUTES_10,
  of,
  premium,
  refused,
  x,
} from './edit-case.ts';

const REKEY = 'rekey: { by: value.memberId }';
const NAMED = 'name: by-member\n        rekey: { by: value.memberId }';
const AGAIN = ['b', 'c', 'd'].map((name) => `name: ${name}\n        rekey: { by: value.memberId }`);
const BY_PLAN = "rekey: { by: value.memberId + '' }";

/** Only what is before the rekey runs, and stops: the events lie in the repartition topic. */
async function onTheirWay(
  pipeline: EditedPipeline,
  text: string,
  ids: readonly string[],
  priority = 'normal',
): Promise<void> {
  await pipeline.stop();
  await pipeline.start(text, 'refuse', { only: `${priority}/x` });
  await pipeline.post(ids);
  await pipeline.stop();
}

export const REKEY_EDITS: readonly Edit[] = [
  {
    what: 'killed between the hops: each is told, once',
    first: x({ steps: [REKEY] }),
    async run(p) {
      await p.post(['e1']);
      await onTheirWay(p, x({ steps: [REKEY] }), ['e2', 'e3']);
      assert.deepEqual(await p.told(), ['x normal e1']);
      await p.start(x({ steps: [REKEY] }));
      await p.post(['e4']);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3', 'x normal e4'],
  },
  {
    what: 'a rekey put in: what is read is not read again, and nothing is left out',
    first: x({ steps: [DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x({ steps: [DEDUP, REKEY] }), 'refuse', ['e2']);
      await p.post(['e3', 'e1']);
      assert.equal(p.dropped('x', 'dedup', 'duplicate'), 1);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
  {
    what: 'a rekey taken out with records on their way: refused; drained, all are told once',
    first: x({ steps: [REKEY] }),
    async run(p) {
      await p.post(['e1']);
      await onTheirWay(p, x({ steps: [REKEY] }), ['e2', 'e3']);
      await refused(p, x(), ['CAR825']);
      await edit(p, x(), 'drain');
      await p.post(['e4']);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3', 'x normal e4'],
  },
  {
    what: 'a rekey taken out with nothing on its way, and put in again: no record twice',
    first: x({ steps: [REKEY] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x(), 'refuse', ['e2']);
      await edit(p, x({ steps: [REKEY] }), 'refuse', ['e3']);
      await p.post(['e4']);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3', 'x normal e4'],
  },
  {
    what: 'a rekey renamed with records on their way: refused; drained, it goes on',
    first: x({ steps: [REKEY] }),
    async run(p) {
      await onTheirWay(p, x({ steps: [REKEY] }), ['e1', 'e2']);
      await refused(p, x({ steps: [NAMED] }), ['CAR825']);
      await edit(p, x({ steps: [NAMED] }), 'drain');
      await p.post(['e3']);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
  {
    what: 'a rekey taken out with records on their way, --drop: counted',
    first: x({ steps: [REKEY] }),
    async run(p) {
      await onTheirWay(p, x({ steps: [REKEY] }), ['e1', 'e2']);
      await edit(p, x(), 'drop', ['e3']);
      assert.equal(p.dropped('x/rekey', 'source', 'step_removed'), 2);
    },
    told: ['x normal e3'],
  },
  {
    what: 'a stream removed: what it holds before the rekey comes through it, too',
    first: of({ id: 'a' }, { id: 'x', steps: [COALESCE, REKEY] }),
    async run(p) {
      await p.post(['e1']);
      await refused(p, of({ id: 'a' }), ['CAR811']);
      await edit(p, of({ id: 'a' }), 'drain');
      await p.post(['e2']);
    },
    told: ['a normal e1', 'a normal e2', 'x normal e1'],
  },
  {
    what: 'a stream of five parts removed: what it holds in the first comes through all',
    first: of({ id: 'a' }, { id: 'x', steps: [COALESCE, REKEY, ...AGAIN] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, of({ id: 'a' }), 'drain');
    },
    told: ['a normal e1', 'x normal e1'],
  },
  {
    what: 'a timed step and the rekey behind it taken out at once: drained through both',
    first: x({ steps: [COALESCE, REKEY] }),
    async run(p) {
      await p.post(['e1']);
      await refused(p, x(), ['CAR810']);
      await edit(p, x(), 'drain');
      await p.post(['e2']);
    },
    told: ['x normal e1', 'x normal e2'],
  },
  {
    what: 'a rekey before a timed step: what it holds is by the former key, so it is told first',
    first: x({ steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await refused(p, x({ steps: [REKEY, COALESCE] }), ['CAR810']);
      await edit(p, x({ steps: [REKEY, COALESCE] }), 'drain', ['e2']);
      assert.equal(p.held('x', 'coalesce'), 1);
      await p.advance(MINUTES_10);
    },
    told: ['x normal e1', 'x normal e2'],
  },
  {
    what: 'another key: what a step behind it knows is of the former one',
    first: x({ steps: [REKEY, DEDUP], by: 'key' }),
    async run(p) {
      await p.post(['e1']);
      await refused(p, x({ steps: [BY_PLAN, DEDUP], by: 'key' }), ['CAR812']);
      await edit(p, x({ steps: [BY_PLAN, DEDUP], by: 'key' }), 'drain');
      await p.post(['e1']);
    },
    told: ['x normal e1', 'x normal e1'],
  },
  {
    what: 'another priority with records on their way: they are told there, as the others',
    first: x({ steps: [REKEY] }),
    async run(p) {
      await onTheirWay(p, x({ steps: [REKEY] }), ['e1', 'e2']);
      await p.start(x({ steps: [REKEY], priority: '{ as: high }' }));
      await p.post(['e3']);
    },
    told: ['x high e1', 'x high e2', 'x high e3'],
  },
  {
    what: 'a priority that the stream has no longer: what is on its way is told by the other',
    first: x({ steps: [REKEY], priority: premium('normal') }),
    async run(p) {
      const text = x({ steps: [REKEY], priority: premium('normal') });
      await p.stop();
      await p.start(text, 'refuse', { only: 'critical/x' });
      await p.post(['e1'], { more: { planTo: 'premium' } });
      await onTheirWay(p, text, ['e2']);
      await p.start(x({ steps: [REKEY] }));
      await p.post(['e3'], { more: { planTo: 'premium' } });
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
];
