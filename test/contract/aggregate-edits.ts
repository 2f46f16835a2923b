/** Steps that make one value of many, with windows that are open when the topology is edited. */
import assert from 'node:assert/strict';
import { type Edit, edit, refused, x } from './edit-case.ts';

const FIELDS = ['eventId', 'planFrom', 'planTo', 'streamsMax', 'changedAt'];

/** The last change of a window, made an event again. */
function lastOf(windows: string, emit = 'final'): readonly string[] {
  const fields = FIELDS.map((name) => `${name}: last(value.${name})`).join(', ');
  const given = [...FIELDS, 'memberId'].map((name) => `${name}: value.${name}`).join(', ');
  return [
    `aggregate: { by: [value.memberId], ${windows}, emit: ${emit}, fields: { ${fields} } }`,
    `map: { fields: { ${given} } }`,
  ];
}

const HOUR = 'tumbling: { size: 1h }';
const DAY_MS = 86_400_000;

export const AGGREGATE_EDITS: readonly Edit[] = [
  {
    what: 'an aggregate with open windows taken out: refused, and all is as it was',
    first: x({ steps: lastOf(HOUR) }),
    async run(p) {
      await p.post(['e1', 'e2']);
      await refused(p, x(), ['CAR810']);
      await p.start(x({ steps: lastOf(HOUR) }));
      await p.post(['e3']);
      await edit(p, x(), 'drain');
    },
    told: ['x normal e3'],
  },
  {
    what: 'an aggregate taken out, --drain: open windows are told, each once',
    first: x({ steps: lastOf('session: { gap: 1h }') }),
    async run(p) {
      await p.post(['e1', 'e2']);
      await p.post(['e3'], { member: 'm-2' });
      await edit(p, x(), 'drain', ['e4']);
    },
    told: ['x normal e2', 'x normal e3', 'x normal e4'],
  },
  {
    what: 'an aggregate taken out, --drop: counted, and it begins empty when it comes back',
    first: x({ steps: lastOf(HOUR) }),
    async run(p) {
      await p.post(['e1', 'e2']);
      await p.post(['e3'], { member: 'm-2' });
      await edit(p, x(), 'drop');
      assert.equal(p.dropped('x', 'aggregate', 'step_removed'), 2);
      await edit(p, x({ steps: lastOf(HOUR) }));
      await p.post(['e4'], { more: { changedAt: DAY_MS } });
      await edit(p, x(), 'drain');
    },
    told: ['x normal e4'],
  },
  {
    what: 'an aggregate of other windows: refused; drained, and begun anew',
    first: x({ steps: lastOf(HOUR) }),
    async run(p) {
      await p.post(['e1']);
      await refused(p, x({ steps: lastOf('tumbling: { size: 2h }') }), ['CAR812']);
      await edit(p, x({ steps: lastOf('tumbling: { size: 2h }') }), 'drain');
      await p.post(['e2']);
      await edit(p, x(), 'drain');
    },
    told: ['x normal e1', 'x normal e2'],
  },
  {
    what: 'an aggregate with another grace: its windows stay, and are open for so long',
    first: x({ steps: lastOf(HOUR) }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x({ steps: lastOf(`${HOUR}, grace: 1h`) }));
      const changedAt = p.clock.now();
      await p.advance(5_400_000);
      await p.post(['e2']);
      await p.post(['e3'], { more: { changedAt } });
      await edit(p, x(), 'drain');
    },
    told: ['x normal e2', 'x normal e3'],
  },
  {
    what: 'an aggregate that tells updates has told all that it knows, and goes without a word',
    first: x({ steps: lastOf(HOUR, 'updates') }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x(), 'refuse', ['e2']);
    },
    told: ['x normal e1', 'x normal e2'],
  },
];
