/** Steps and streams that are taken out, renamed, or mean something else. */
import assert from 'node:assert/strict';
import { planChange } from '../kit/drive.ts';
import type { EditedPipeline } from '../kit/edited-pipeline.ts';
import {
  COALESCE,
  DEDUP,
  type Edit,
  edit,
  MINUTES_10,
  OTHER,
  of,
  premium,
  refused,
  WAIT,
  x,
} from './edit-case.ts';

const NOT_FREE = `filter: { where: "value.planTo != 'free'" }`;
const OTHER_WAIT = 'coalesce: { by: [value.eventId], quiet: 10m, at_most: 1h }';

const THROTTLE = 'throttle: { by: [value.memberId], max: 1, per: 10m, on_excess: delay }';
/** All day. */
const QUIET = 'quiet_hours: { from: "00:00", to: "00:00" }';
const named = (step: string) => `name: wait\n        ${step}`;
/** The first of what a digest has gathered stands for all of it. */
const FIRST_OF = `map: { fields: { eventId: 'value.events[0].eventId', memberId: key, planFrom: 'null', planTo: '"x"', streamsMax: value.count, changedAt: timestamp } }`;
const gathered = x({
  steps: ['digest: { by: [value.memberId], within: 10m }', FIRST_OF],
}).replaceAll('to: { lane: notifications }', 'to: { lane: notifications, schema: PlanChange }');

async function toldOf(p: EditedPipeline, prefix: string): Promise<string[]> {
  const events = (await p.told()).map((line) => line.slice(line.lastIndexOf(' ') + 1));
  return events.filter((event) => event.startsWith(prefix));
}

export const STEP_EDITS: readonly Edit[] = [
  {
    what: 'a timed step taken out, refused; with the old file all is as it was',
    first: x({ steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await refused(p, x(), ['CAR810']);
      await p.start(x({ steps: [COALESCE] }));
      assert.equal(p.held('x', 'coalesce'), 1);
      await p.advance(MINUTES_10);
    },
    told: ['x normal e1'],
  },
  {
    what: 'a timed step taken out, --drain: what it held goes through what follows',
    first: x({ steps: [COALESCE, DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x({ steps: [DEDUP] }), 'drain', ['e2']);
      await p.post(['e1', 'e3']);
      assert.equal(p.dropped('x', 'dedup', 'duplicate'), 1);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
  {
    what: 'a timed step taken out, --drop: counted',
    first: x({ steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await p.post(['e2'], { member: 'm-2' });
      await edit(p, x(), 'drop', ['e3']);
      assert.equal(p.dropped('x', 'coalesce', 'step_removed'), 2);
      await edit(p, x({ steps: [COALESCE] }));
      assert.equal(p.held('x', 'coalesce'), 0, 'what was dropped does not come back');
    },
    told: ['x normal e3'],
  },
  {
    what: 'a timed step renamed: refused; drained, the new one begins empty',
    first: x({ steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await refused(p, x({ steps: [WAIT] }), ['CAR810']);
      await edit(p, x({ steps: [WAIT] }), 'drain', ['e2']);
      assert.equal(p.held('x', 'wait'), 1);
      await p.advance(MINUTES_10);
    },
    told: ['x normal e1', 'x normal e2'],
  },
  {
    what: 'a timed step that holds nothing goes without a word of loss',
    first: x({ steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await p.advance(MINUTES_10);
      await edit(p, x(), 'refuse', ['e2']);
    },
    told: ['x normal e1', 'x normal e2'],
  },
  {
    what: 'a throttle taken out: what it only remembers is not held',
    first: x({ steps: [THROTTLE] }),
    async run(p) {
      await p.post(['e1', 'e2', 'e3']);
      await refused(p, x(), ['CAR810'], /holds 2 events/);
      await edit(p, x(), 'drop', ['e4']);
      assert.equal(p.dropped('x', 'throttle', 'step_removed'), 2);
      await edit(p, x({ steps: [THROTTLE] }), 'refuse', ['e5']);
      await edit(p, x());
    },
    told: ['x normal e1', 'x normal e4', 'x normal e5'],
  },
  {
    what: 'a throttle taken out, --drain: whatever waits goes on at once',
    first: x({ steps: [THROTTLE] }),
    async run(p) {
      await p.post(['e1', 'e2', 'e3']);
      await p.post(['f1', 'f2'], { member: 'm-2' });
      await edit(p, x(), 'drain', ['e4']);
      assert.deepEqual(await toldOf(p, 'e'), ['e1', 'e2', 'e3', 'e4'], 'in their order');
    },
    told: ['e1', 'e2', 'e3', 'e4', 'f1', 'f2'].map((event) => `x normal ${event}`),
  },
  {
    what: 'quiet hours taken out, --drain: what they hold goes on before their end',
    first: x({ steps: [QUIET] }),
    async run(p) {
      await p.post(['e1', 'e2']);
      await refused(p, x(), ['CAR810'], /holds 2 events/);
      await edit(p, x(), 'drain', ['e3']);
      assert.deepEqual(await toldOf(p, 'e'), ['e1', 'e2', 'e3'], 'in their order');
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
  {
    what: 'a digest taken out, --drain: what it has gathered is told',
    first: gathered,
    async run(p) {
      await p.post(['e1', 'e2']);
      await p.post(['f1'], { member: 'm-2' });
      await refused(p, x(), ['CAR810'], /holds 3 events/);
      await edit(p, x(), 'drain', ['e3']);
      assert.equal(p.dropped('x', 'digest', 'digested'), 1);
    },
    told: ['x normal e1', 'x normal e3', 'x normal f1'],
  },
  {
    what: 'another step under the name of one that holds: refused; drained, it begins empty',
    first: x({ steps: [named(THROTTLE)] }),
    async run(p) {
      await p.post(['e1', 'e2']);
      await refused(p, x({ steps: [WAIT] }), ['CAR812'], /: 1 event of step "wait" is kept/);
      await edit(p, x({ steps: [WAIT] }), 'drain', ['e3']);
      assert.equal(p.held('x', 'wait'), 1);
      await edit(p, x({ steps: [WAIT] }));
      await p.advance(MINUTES_10);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
  {
    what: 'another step under the name of one that holds, --drop: counted, and it begins empty',
    first: x({ steps: [named(THROTTLE)] }),
    async run(p) {
      await p.post(['e1', 'e2']);
      await edit(p, x({ steps: [WAIT] }), 'drop');
      assert.equal(p.dropped('x', 'wait', 'step_removed'), 1);
      await p.post(['e3']);
      await edit(p, x({ steps: [named(QUIET)] }), 'drop');
      assert.equal(p.dropped('x', 'wait', 'step_removed'), 2);
      await p.post(['e4']);
      await p.advance(86_400_000);
    },
    told: ['x normal e1', 'x normal e4'],
  },
  {
    what: 'one of two timed steps: the other keeps what it holds',
    first: x({ steps: [COALESCE, WAIT] }),
    async run(p) {
      await p.post(['e1']);
      await p.advance(MINUTES_10);
      assert.equal(p.held('x', 'wait'), 1);
      await p.post(['e2'], { member: 'm-2' });
      await edit(p, x({ steps: [WAIT] }), 'drain');
      assert.equal(p.held('x', 'wait'), 2);
      await p.advance(MINUTES_10);
    },
    told: ['x normal e1', 'x normal e2'],
  },
  {
    what: 'a stream removed that holds events: refused, drained',
    first: of({ id: 'a' }, { id: 'x', steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await refused(p, of({ id: 'a' }), ['CAR811']);
      await edit(p, of({ id: 'a' }), 'drain');
      await p.post(['e2']);
    },
    told: ['a normal e1', 'a normal e2', 'x normal e1'],
  },
  {
    what: 'a stream removed with its priority, and with events that it has not read',
    first: of({ id: 'a' }, { id: 'x', priority: '{ as: low }', steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1'], { member: 'm-2' });
      await p.stop();
      await p.post(['e2']);
      await refused(p, of({ id: 'a' }), ['CAR811', 'CAR811']);
      await p.start(of({ id: 'a' }), 'drain');
    },
    told: ['a normal e1', 'a normal e2', 'x low e1', 'x low e2'],
  },
  {
    what: 'a stream removed, --drop: held and unread are counted',
    first: of({ id: 'a' }, { id: 'x', steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await p.stop();
      await p.post(['e2', 'e3']);
      await p.start(of({ id: 'a' }), 'drop');
      assert.equal(p.dropped('x', 'coalesce', 'step_removed'), 1);
      assert.equal(p.dropped('x', 'source', 'step_removed'), 2);
    },
    told: ['a normal e1', 'a normal e2', 'a normal e3'],
  },
  {
    what: 'a stream removed and put back: a new one, which tells nothing of before',
    first: of({ id: 'a' }, { id: 'x', steps: [DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, of({ id: 'a' }));
      await p.post(['e2']);
      await edit(p, of({ id: 'a' }, { id: 'x', steps: [DEDUP] }));
      await p.post(['e1', 'e3']);
    },
    told: [
      ...['a normal e1', 'a normal e1', 'a normal e2', 'a normal e3'],
      ...['x normal e1', 'x normal e1', 'x normal e3'],
    ],
  },
  {
    what: 'another identity of a timed step: refused, drained, and begins empty',
    first: x({ steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await refused(p, x({ steps: [OTHER_WAIT] }), ['CAR812']);
      await edit(p, x({ steps: [OTHER_WAIT] }), 'drain', ['e2', 'e3']);
      assert.equal(p.held('x', 'coalesce'), 2);
      await p.advance(MINUTES_10);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
  {
    what: 'another identity of dedup: refused; its rows go, named',
    first: x({ steps: [DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      const other = x({ steps: ['dedup: { by: [value.memberId, value.planTo], within: 1h }'] });
      await refused(p, other, ['CAR812']);
      await edit(p, other, 'drop', ['e2', 'e3']);
      assert.ok(p.said.some((line) => line.includes('x/dedup') && line.includes('eventId')));
      assert.equal(p.dropped('x', 'dedup', 'duplicate'), 1);
    },
    told: ['x normal e1', 'x normal e2'],
  },
  {
    what: 'another span of dedup: its rows mean the same, and stay',
    first: x({ steps: [DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x({ steps: ['dedup: { by: [value.eventId], within: 2h }'] }), 'refuse', ['e1']);
      assert.equal(p.dropped('x', 'dedup', 'duplicate'), 1);
    },
    told: ['x normal e1'],
  },
  {
    what: 'another key of the stream: its state is of the old one',
    first: x({ steps: [DEDUP], by: 'key' }),
    async run(p) {
      await p.post(['e1']);
      const other = x({ steps: [DEDUP], by: 'key', key: 'value.eventId' });
      await refused(p, other, ['CAR812']);
    },
    told: ['x normal e1'],
  },
  {
    what: 'steps put in, in front and behind: all state stays',
    first: x({ steps: [DEDUP, COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      const filter = `filter: { where: "value.planTo != 'none'" }`;
      await edit(
        p,
        x({
          steps: [filter, DEDUP, filter.replace('filter', 'name: f2\n        filter'), COALESCE],
        }),
      );
      await p.post(['e1']);
      assert.equal(p.held('x', 'coalesce'), 1);
      await p.advance(MINUTES_10);
      assert.equal(p.dropped('x', 'dedup', 'duplicate'), 1);
    },
    told: ['x normal e1'],
  },
  {
    what: 'a step goes ahead of one that holds: what waits has never passed it; drained, it has',
    first: x({ steps: [COALESCE, NOT_FREE] }),
    async run(p) {
      await p.post(['e1'], { more: { planTo: 'free' } });
      await p.post(['e2'], { member: 'm-2' });
      const other = x({ steps: [NOT_FREE, COALESCE] });
      await refused(p, other, ['CAR812']);
      await edit(p, other, 'drain', ['e3']);
      await p.advance(MINUTES_10);
    },
    told: ['x normal e2', 'x normal e3'],
  },
  {
    what: 'another form of what comes to a step that holds: refused, dropped',
    first: x({ steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      const same = Object.keys(planChange('e1', 'm-1')).map((name) => `${name}: value.${name}`);
      const other = x({ steps: [`map: { fields: { ${same.join(', ')} } }`, COALESCE] });
      await refused(p, other, ['CAR812']);
      await edit(p, other, 'drop', ['e2']);
      assert.equal(p.held('x', 'coalesce'), 1);
      await p.advance(MINUTES_10);
    },
    told: ['x normal e2'],
  },
  {
    what: 'another topic, the former one read to its end: state stays, nothing of before',
    first: of({ id: 'b', topic: OTHER }, { id: 'x', steps: [DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      await p.post(['e2'], { topic: OTHER });
      await edit(p, of({ id: 'b', topic: OTHER }, { id: 'x', topic: OTHER, steps: [DEDUP] }));
      await p.post(['e1', 'e3'], { topic: OTHER });
    },
    told: ['b normal e1', 'b normal e2', 'b normal e3', 'x normal e1', 'x normal e3'],
  },
  {
    what: 'another topic, events of the former one unread: refused, drained',
    first: of({ id: 'b', topic: OTHER }, { id: 'x' }),
    async run(p) {
      await p.stop();
      await p.post(['e1']);
      const other = of({ id: 'b', topic: OTHER }, { id: 'x', topic: OTHER });
      await refused(p, other, ['CAR815']);
      await p.start(other, 'drain');
      await p.post(['e2'], { topic: OTHER });
    },
    told: ['b normal e2', 'x normal e1', 'x normal e2'],
  },
  {
    what: 'a drain for one stream leaves no instance of another one behind',
    first: of({ id: 'a' }, { id: 'x', priority: premium('normal') }),
    async run(p) {
      await p.stop();
      await p.post(['e1'], { more: { planTo: 'premium' } });
      await edit(p, of({ id: 'x' }), 'drain');
    },
    told: ['a normal e1', 'x critical e1'],
  },
];
