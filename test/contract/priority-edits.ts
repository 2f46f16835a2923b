/** Edits that bring a stream to another priority, or share its events out anew. */
import assert from 'node:assert/strict';
import { COALESCE, DEDUP, type Edit, edit, MINUTES_10, of, premium, x } from './edit-case.ts';

const PREMIUM = { more: { planTo: 'premium' } };

export const PRIORITY_EDITS: readonly Edit[] = [
  {
    what: 'the same version again: nothing twice, nothing said',
    first: x({ steps: [DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x({ steps: [DEDUP] }), 'refuse', ['e2']);
      await p.post(['e1', 'e3']);
      assert.deepEqual(p.said, []);
    },
    told: ['x normal e1', 'x normal e2', 'x normal e3'],
  },
  {
    what: 'another priority: goes on where it was, dedup goes along',
    first: x({ steps: [DEDUP] }),
    async run(p) {
      await p.post(['e1', 'e2']);
      await edit(p, x({ steps: [DEDUP], priority: '{ as: high }' }), 'refuse', ['e3']);
      await p.post(['e4', 'e1', 'e2']);
      assert.equal(p.dropped('x', 'dedup', 'duplicate'), 2);
    },
    told: ['x high e3', 'x high e4', 'x normal e1', 'x normal e2'],
  },
  {
    what: 'there and back again: the state of the second time, not of the first',
    first: x({ steps: [DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x({ steps: [DEDUP], priority: '{ as: low }' }), 'refuse', ['e2']);
      await edit(p, x({ steps: [DEDUP] }), 'refuse', ['e3']);
      await p.post(['e1', 'e2', 'e3', 'e4']);
      assert.equal(p.dropped('x', 'dedup', 'duplicate'), 3);
    },
    told: ['x low e2', 'x normal e1', 'x normal e3', 'x normal e4'],
  },
  {
    what: 'another priority without dedup: no event twice, none left out',
    first: x(),
    async run(p) {
      await p.post(['e1', 'e2']);
      await edit(p, x({ priority: '{ as: critical }' }), 'refuse', ['e3']);
      await p.post(['e4']);
    },
    told: ['x critical e3', 'x critical e4', 'x normal e1', 'x normal e2'],
  },
  {
    what: 'another priority while events are held: they go along, and come at their time',
    first: x({ steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x({ steps: [COALESCE], priority: '{ as: high }' }), 'refuse', ['e2']);
      assert.equal(p.held('x', 'coalesce'), 1);
      await p.advance(MINUTES_10);
      assert.equal(p.held('x', 'coalesce'), 0);
      assert.equal(p.dropped('x', 'coalesce', 'superseded'), 1);
    },
    told: ['x high e2'],
  },
  {
    what: 'another priority while an event is held that no other follows: it is of the new one',
    first: x({ steps: [COALESCE] }),
    async run(p) {
      await p.post(['e1'], { member: 'm-2' });
      await p.advance(MINUTES_10);
      await p.post(['e2'], { member: 'm-2' });
      await edit(p, x({ steps: [COALESCE], priority: '{ as: high }' }));
      await p.advance(MINUTES_10);
      await p.post(['e3'], { member: 'm-2' });
      await p.advance(MINUTES_10);
    },
    told: ['x high e2', 'x high e3', 'x normal e1'],
  },
  {
    what: 'to where others read the same topic, which are further: each goes on where it was',
    first: of({ id: 'a', priority: '{ as: high }' }, { id: 'x' }),
    async run(p) {
      await p.post(['e1']);
      await p.stop();
      await p.post(['e2']);
      // Only the other one goes on for a while.
      await p.runOnly('high');
      await edit(
        p,
        of({ id: 'a', priority: '{ as: high }' }, { id: 'x', priority: '{ as: high }' }),
      );
      await edit(
        p,
        of({ id: 'a', priority: '{ as: high }' }, { id: 'x', priority: '{ as: high }' }),
      );
      await p.post(['e3']);
    },
    told: [...['a high e1', 'a high e2', 'a high e3', 'x high e2', 'x high e3', 'x normal e1']],
  },
  {
    what: 'a name is no identity: renamed, the stream goes on',
    first: x({ name: 'old-name', steps: [DEDUP] }),
    async run(p) {
      await p.post(['e1']);
      await edit(p, x({ name: 'new-name', steps: [DEDUP] }), 'refuse', ['e2']);
      await p.post(['e1']);
      assert.equal(p.dropped('new-name', 'dedup', 'duplicate'), 1);
    },
    told: ['x normal e1', 'x normal e2'],
  },
  {
    what: 'an exception added: what was told is not told again by it',
    first: x({ steps: [DEDUP], priority: '{ as: high }' }),
    async run(p) {
      await p.post(['e1'], PREMIUM);
      await p.stop();
      await p.post(['e2'], PREMIUM);
      await p.start(x({ steps: [DEDUP], priority: premium('high') }));
      await p.post(['e1', 'e3'], PREMIUM);
      await p.post(['e4']);
      assert.equal(p.dropped('x', 'dedup', 'duplicate'), 1);
    },
    told: ['x critical e2', 'x critical e3', 'x high e1', 'x high e4'],
  },
  {
    what: 'an exception taken out: its state is the other one’s now, what it held is let go',
    first: x({ steps: [DEDUP, COALESCE], priority: premium('high') }),
    async run(p) {
      await p.post(['e1'], PREMIUM);
      await p.post(['e2'], { member: 'm-2' });
      await edit(p, x({ steps: [DEDUP, COALESCE], priority: '{ as: high }' }), 'refuse', ['e3']);
      await p.post(['e1', 'e4'], PREMIUM);
      assert.equal(p.dropped('x', 'dedup', 'duplicate'), 1);
      await p.advance(MINUTES_10);
    },
    told: ['x critical e1', 'x high e2', 'x high e4'],
  },
  {
    what: 'the default of a rule with exceptions: only that one moves',
    first: x({ steps: [DEDUP], priority: premium('high') }),
    async run(p) {
      await p.post(['e1'], PREMIUM);
      await p.post(['e2']);
      await edit(p, x({ steps: [DEDUP], priority: premium('low') }), 'refuse', ['e3']);
      await p.post(['e1', 'e5'], PREMIUM);
      await p.post(['e2', 'e4']);
    },
    told: ['x critical e1', 'x critical e5', 'x high e2', 'x low e3', 'x low e4'],
  },
  {
    what: 'default and exception change places',
    first: x({ steps: [DEDUP], priority: premium('high') }),
    async run(p) {
      await p.post(['e1'], PREMIUM);
      await p.post(['e2']);
      const rule = `{ as: critical, unless: [{ when: "value.planTo == 'premium'", as: high }] }`;
      await edit(p, x({ steps: [DEDUP], priority: rule }), 'refuse', ['e3']);
      await p.post(['e1', 'e5'], PREMIUM);
      await p.post(['e2', 'e4']);
    },
    told: ['x critical e1', 'x critical e3', 'x critical e4', 'x high e2', 'x high e5'],
  },
];
