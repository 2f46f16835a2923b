/** Streams that are new, and where they begin. */
import { type Edit, edit, MINUTES_10, of, x } from './edit-case.ts';

export const START_EDITS: readonly Edit[] = [
  {
    what: 'a new stream at an old topic: nothing of before, everything after',
    first: of({ id: 'a' }),
    async run(p) {
      await p.post(['e1', 'e2']);
      await edit(p, of({ id: 'a' }, { id: 'x' }, { id: 'y', priority: '{ as: low }' }));
      await p.post(['e3']);
    },
    told: ['a normal e1', 'a normal e2', 'a normal e3', 'x normal e3', 'y low e3'],
  },
  {
    what: 'a new stream that missed nothing while it was stopped: applied once, it goes on',
    first: of({ id: 'a' }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, of({ id: 'a' }, { id: 'x', priority: '{ as: low }' }));
      await edit(p, of({ id: 'a' }, { id: 'x', priority: '{ as: low }' }), 'refuse', ['e2']);
      await p.post(['e3']);
    },
    told: ['a normal e1', 'a normal e2', 'a normal e3', 'x low e2', 'x low e3'],
  },
  {
    what: 'start: earliest, beside a stream that is at the end',
    first: of({ id: 'a' }),
    async run(p) {
      await p.post(['e1', 'e2']);
      const later = { id: 'x', start: 'earliest' };
      await edit(p, of({ id: 'a' }, later, { ...later, id: 'y', priority: '{ as: low }' }));
      await p.post(['e3']);
      await edit(p, of({ id: 'a' }, later, { ...later, id: 'y', priority: '{ as: low }' }));
      await p.post(['e4']);
    },
    told: ['a', 'x', 'y'].flatMap((id) =>
      ['e1', 'e2', 'e3', 'e4'].map((event) => `${id} ${id === 'y' ? 'low' : 'normal'} ${event}`),
    ),
  },
  {
    what: 'start: a duration: what came since then',
    first: of({ id: 'a' }),
    async run(p) {
      await p.post(['e1']);
      await p.advance(2 * MINUTES_10);
      await p.post(['e2']);
      await p.advance(MINUTES_10 / 2);
      await edit(p, of({ id: 'a' }, { id: 'x', start: '10m' }, { id: 'y', start: '1h' }));
      await p.post(['e3']);
    },
    told: [
      ...['a normal e1', 'a normal e2', 'a normal e3', 'x normal e2', 'x normal e3'],
      ...['y normal e1', 'y normal e2', 'y normal e3'],
    ],
  },
  {
    what: 'the very first start at a topic that has events: by default none of before',
    first: x(),
    starts: false,
    async run(p) {
      await p.post(['e1']);
      await p.start(x());
      await p.post(['e2']);
    },
    told: ['x normal e2'],
  },
  {
    what: 'the very first start with start: earliest',
    first: x({ start: 'earliest' }),
    starts: false,
    async run(p) {
      await p.post(['e1']);
      await p.start(x({ start: 'earliest' }));
      await p.post(['e2']);
    },
    told: ['x normal e1', 'x normal e2'],
  },
  {
    what: 'start is for the first time only: changed later, it decides nothing',
    first: x(),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x({ start: 'earliest' }), 'refuse', ['e2']);
    },
    told: ['x normal e1', 'x normal e2'],
  },
];
