/** Sinks that are taken out, renamed, or new beside lanes that hold something. */
import assert from 'node:assert/strict';
import { lanesWith } from '../kit/drive.ts';
import { streamText } from '../kit/edited-pipeline.ts';
import type { Edit } from './edit-case.ts';

const STREAM = streamText({ id: 'x' });
const sink = (name: string) =>
  `  ${name}: { from: { lane: notifications, transport: all }, to: { type: inbox, ttl: 7d } }\n`;
const of = (...sinks: string[]) => lanesWith(STREAM, `sinks:\n${sinks.map(sink).join('')}`);
const RUN = { sinks: true };

export const SINK_EDITS: readonly Edit[] = [
  {
    what: 'a sink renamed goes on where it was',
    first: of('a'),
    starts: false,
    async run(p) {
      await p.start(of('a'), 'refuse', RUN);
      await p.post(['e1']);
      await p.stop();
      await p.start(of('a'));
      await p.post(['e2']);
      await p.stop();
      await p.start(of('b'), 'refuse', RUN);
      await p.post(['e3']);
      assert.deepEqual(p.delivered, ['a e1', 'b e2', 'b e3']);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
  {
    what: 'a sink taken out delivers first what it has not delivered yet',
    first: of('a', 'b'),
    async run(p) {
      await p.post(['e1', 'e2']);
      await p.stop();
      await p.start(of('a'));
      assert.deepEqual(p.delivered, ['b e1', 'b e2']);
      await p.post(['e3']);
      await p.stop();
      await p.start(of('a'), 'refuse', RUN);
      assert.deepEqual(p.delivered.slice(2), ['a e1', 'a e2', 'a e3']);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
  {
    what: 'a sink taken out, --drop: what it has not delivered is counted',
    first: of('a', 'b'),
    async run(p) {
      await p.post(['e1', 'e2']);
      await p.stop();
      await p.start(of('a'), 'drop');
      assert.deepEqual(p.delivered, []);
      assert.equal(p.dropped('b', 'lane', 'step_removed'), 2);
    },
    told: ['x normal e1', 'x normal e2'],
  },
  {
    what: 'a new inbox has what its lanes hold',
    first: of('a'),
    async run(p) {
      await p.post(['e1']);
      await p.stop();
      await p.start(of('a', 'b'), 'refuse', RUN);
      assert.deepEqual(p.delivered.sort(), ['a e1', 'b e1']);
    },
    told: ['x normal e1'],
  },
  {
    what: 'the last stream of a priority goes: its lanes are delivered all the same',
    first: of('a'),
    async run(p) {
      await p.post(['e1']);
      await p.stop();
      const other = of('a').replace('as: normal', 'as: low');
      await p.start(other, 'refuse', RUN);
      await p.post(['e2']);
      assert.deepEqual(p.delivered, ['a e1', 'a e2']);
    },
    told: ['x low e2', 'x normal e1'],
  },
  {
    what: 'a priority taken out of the lane: what lies in it is delivered first',
    first: of('a'),
    async run(p) {
      await p.post(['e1']);
      await p.stop();
      const other = of('a')
        .replace('as: normal', 'as: low')
        .replace('    key: value.deviceId', '    key: value.deviceId\n    priorities: [low]');
      await p.start(other, 'refuse', RUN);
      await p.post(['e2']);
      assert.deepEqual(p.delivered, ['a e1', 'a e2']);
    },
    told: ['x low e2', 'x normal e1'],
  },
];
