import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OUTCOME_LEVELS } from '../../compiler/plan.ts';
import { delivered } from '../../core/outcome.ts';
import { SinkWorld } from '../../test/kit/sink-world.ts';
import { isWritten } from './outcome-level.ts';

const SAMPLED = '00000064-0000-4000-8000-000000000000';
const OTHER = '00000065-0000-4000-8000-000000000000';

for (const [outcome, id, levels] of [
  ['delivered', OTHER, 'all told'],
  ['delivered', SAMPLED, 'all told sampled'],
  ['acknowledged', OTHER, 'all told'],
  ['handed_on', SAMPLED, 'all told sampled'],
  ['stored', OTHER, 'all'],
  ['stored', SAMPLED, 'all sampled'],
  ['retried', OTHER, 'all told failures sampled'],
  ['rejected', OTHER, 'all told failures sampled'],
  ['expired', OTHER, 'all told failures sampled'],
  ['moved', OTHER, 'all told failures sampled'],
  ['offline', OTHER, 'all told failures sampled'],
  ['abandoned', OTHER, 'all told failures sampled'],
  ['postponed', OTHER, 'all told failures sampled'],
  ['delivered', 'no uuid', 'all told'],
] as const) {
  test(`${outcome} of ${id.slice(0, 8)} is written at: ${levels}`, () => {
    assert.equal(OUTCOME_LEVELS.filter((level) => isWritten(level, outcome, id)).join(' '), levels);
  });
}

test('a use case that is gone is told as most are', () => {
  assert.equal(isWritten(undefined, 'delivered', OTHER), true);
  assert.equal(isWritten(undefined, 'stored', OTHER), false);
});

for (const [level, keeps, expected] of [
  ['told', false, ['a delivered']],
  ['failures', false, []],
  ['told', true, []],
  ['all', true, ['a stored']],
] as const) {
  test(`a ${keeps ? 'kept' : 'pushed'} notification at level ${level}: ${expected}`, async () => {
    const w = await SinkWorld.open({ outcomes: level, keeps });
    await w.own('a', 1);
    w.answer = () => delivered();
    await w.send({ deviceId: 'a', id: OTHER });
    await w.settle();
    assert.deepEqual(await w.outcomes(), expected);
    assert.equal(w.lane.outcomes.get('delivered'), 1, 'counted in any case');
  });
}
