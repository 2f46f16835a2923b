import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSelf, type Self } from './assigner.ts';
import { taskStrategy } from './wire-strategy.ts';

const selfOf = (hash: string, startedAt: number, owned: readonly number[] = []): Self => {
  return { hash, partitions: 3, startedAt, owned, ownedAt: startedAt };
};

test('whole tasks are shared: every topic of a member has the same partitions', () => {
  const strategy = taskStrategy(['in', 'log'], () => selfOf('h', 1));
  assert.equal(strategy.name, 'carillon-tasks', 'as members on kafkajs call it');
  assert.deepEqual(strategy.subscription().topics, ['in', 'log']);
  const member = (memberId: string, topics: readonly string[], self: Self) => {
    return { memberId, topics, userData: encodeSelf(self) };
  };
  const shared = strategy.assign([
    member('a', ['in', 'log'], selfOf('h', 1, [2])),
    member('b', ['in', 'log', 'more'], selfOf('h', 2)),
    member('c', ['old'], selfOf('before', 0)),
  ]);
  const told = [...shared].map(([id, { partitions }]) => [id, Object.fromEntries(partitions)]);
  assert.deepEqual(Object.fromEntries(told), {
    a: { in: [0, 2], log: [0, 2] },
    b: { in: [1], log: [1], more: [1] },
    c: {},
  });
});
