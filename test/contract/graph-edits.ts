/**
 * Streams that come to read other streams, or to stand alone again: state goes along with the id.
 */
import assert from 'node:assert/strict';
import { lanesWith } from '../kit/drive.ts';
import { EVENTS } from '../kit/edited-pipeline.ts';
import { COALESCE, DEDUP, type Edit, edit, MINUTES_10, OTHER, refused, x } from './edit-case.ts';

interface GraphText {
  /** Of the stream that reads the events. */
  readonly steps?: readonly string[];
  /** Of the stream that tells; undefined: there is none, and all goes to a topic. */
  readonly told?: readonly string[];
  readonly priority?: string;
  readonly topic?: string;
  readonly branch?: string;
}

const FIELDS = 'schema: PlanChange, time: value.changedAt, id: value.eventId';
const listOf = (steps: readonly string[]) => steps.map((step) => `      - ${step}\n`).join('');

/** `in` reads the events, `x` goes on with them and tells. */
const graph = ({ steps = [], told, priority = 'normal', topic = EVENTS, branch }: GraphText) => {
  const stepsOf = (of: readonly string[]) => (of.length === 0 ? '' : `    steps:\n${listOf(of)}`);
  const head = `  in:
    id: in
    priority: { as: ${priority} }
    from: { topic: ${topic}, ${FIELDS} }
${stepsOf(steps)}`;
  const shared = branch === undefined ? '' : `    branch:\n      - { when: ${branch}, as: some }\n`;
  const tail = `  x:
    id: x
    from: { streams: [in${branch === undefined ? '' : '.some'}] }
${stepsOf([...(told ?? []), 'fan_out: { table: devices, by: value.memberId }'])}    to: { lane: notifications }
`;
  const kept = '    to: { topic: plans.kept, schema: PlanChange }\n';
  return lanesWith(told === undefined ? head + kept : head + shared + tail);
};

export const GRAPH_EDITS: readonly Edit[] = [
  {
    what: 'a stream goes on with another: what it knows stays, and it waits for what is unread',
    first: x({ steps: [DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      await p.stop();
      await p.post(['e2']);
      await refused(p, graph({ told: [DEDUP] }), ['CAR815']);
      await edit(p, graph({ told: [DEDUP] }), 'drain');
      await p.post(['e1', 'e2', 'e3']);
      assert.equal(p.dropped('x', 'dedup', 'duplicate'), 2);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
  {
    what: 'a stream that reads others holds, and they change: it goes on',
    first: graph({ told: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, graph({ steps: [DEDUP], told: [COALESCE], branch: 'value.streamsMax > 0' }));
      assert.equal(p.held('x', 'coalesce'), 1);
      await p.advance(MINUTES_10);
    },
    told: ['x normal e1'],
  },
  {
    what: 'both go to another priority: the position of the one, and what the other holds',
    first: graph({ told: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await p.stop();
      await p.post(['e2'], { member: 'm-2' });
      await p.start(graph({ told: [COALESCE], priority: 'high' }));
      assert.equal(p.held('x', 'coalesce'), 2);
      await p.advance(MINUTES_10);
    },
    told: ['x high e1', 'x high e2'],
  },
  {
    what: 'a stream that reads others removed: refused with what it holds, drained',
    first: graph({ told: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await refused(p, graph({}), ['CAR811']);
      await edit(p, graph({}), 'drain');
      await p.post(['e2']);
    },
    told: ['x normal e1'],
  },
  {
    what: 'another topic of the stream that is read: refused with what is unread, drained',
    first: graph({ told: [DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      await p.stop();
      await p.post(['e2']);
      await refused(p, graph({ told: [DEDUP], topic: OTHER }), ['CAR815']);
      await edit(p, graph({ told: [DEDUP], topic: OTHER }), 'drain');
      await p.post(['e3'], { topic: OTHER });
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
];
