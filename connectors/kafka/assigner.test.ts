import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import kafkajs from 'kafkajs';
import {
  assignTasks,
  decodeSelf,
  encodeSelf,
  type Member,
  newestHash,
  taskAssigner,
} from './assigner.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

function member(id: string, owned: readonly number[] = [], over: Partial<Member> = {}): Member {
  return { id, hash: 'h', partitions: 4, startedAt: 1, owned, ownedAt: 1, ...over };
}

/** `a:0,1 b:2,3` */
function told(assignment: ReadonlyMap<string, readonly number[]>): string {
  return [...assignment].map(([id, tasks]) => `${id}:${tasks.join(',')}`).join(' ');
}

describe('who gets which task', () => {
  const table: readonly [what: string, members: readonly Member[], expected: string][] = [
    ['one member gets all', [member('a')], 'a:0,1,2,3'],
    ['two share evenly', [member('a'), member('b')], 'a:0,1 b:2,3'],
    ['three: they differ by one at most', [member('a'), member('b'), member('c')], 'a:0,1 b:2 c:3'],
    [
      'more members than tasks: some get none',
      ['a', 'b', 'c', 'd', 'e'].map((id) => member(id)),
      'a:0 b:1 c:2 d:3 e:',
    ],
    [
      'a newcomer takes only what balance asks for',
      [member('a', [0, 1, 2, 3]), member('b')],
      'a:0,1 b:2,3',
    ],
    ['what is balanced stays', [member('a', [1, 3]), member('b', [0, 2])], 'a:1,3 b:0,2'],
    [
      'the remainder stays with the one who has it',
      [member('a', [0]), member('b', [1]), member('c', [2, 3])],
      'a:0 b:1 c:2,3',
    ],
    [
      "a lost member's tasks are spread, the rest stays",
      [member('a', [0]), member('b', [2])],
      'a:0,1 b:2,3',
    ],
    [
      'of two who claim a task the later is right',
      [member('a', [0, 1], { ownedAt: 5 }), member('b', [1, 2], { ownedAt: 9 })],
      'a:0,3 b:1,2',
    ],
    [
      'claims that cannot be are passed over',
      [member('a', [7, -1, 2.5, 2]), member('b', [0])],
      'a:1,2 b:0,3',
    ],
    [
      'members of an older topology get none (D13)',
      [member('a', [0, 1, 2, 3], { hash: 'old' }), member('b', [], { startedAt: 2 })],
      'a: b:0,1,2,3',
    ],
    [
      'an old member that starts again does not turn a roll-out back',
      [
        member('a', [], { hash: 'old', startedAt: 1 }),
        member('b', [], { hash: 'old', startedAt: 9 }),
        member('c', [], { hash: 'new', startedAt: 5 }),
      ],
      'a: b: c:0,1,2,3',
    ],
    [
      'the newest topology says how many tasks there are',
      [
        member('a', [0, 1], { hash: 'old' }),
        member('b', [], { startedAt: 2, partitions: 6 }),
        member('c', [], { startedAt: 2, partitions: 6 }),
      ],
      'a: b:0,1,2 c:3,4,5',
    ],
  ];
  for (const [what, members, expected] of table) {
    test(what, () => assert.equal(told(assignTasks(members)), expected));
  }

  test('the order of the members does not matter', () => {
    const members = [member('a', [3]), member('b', [0, 1]), member('c')];
    const once = assignTasks(members);
    const turned = assignTasks(members.toReversed());
    for (const { id } of members) assert.deepEqual(turned.get(id), once.get(id));
  });

  test('every task has one owner, members differ by one at most, and a second time nothing moves', () => {
    for (let partitions = 1; partitions <= 24; partitions++) {
      for (let count = 1; count <= 7; count++) {
        const members = Array.from({ length: count }, (_, i) =>
          member(`m${i}`, i % 2 === 0 ? [i, i + 3] : [], { partitions }),
        );
        const first = assignTasks(members);
        const all = [...first.values()].flat().sort((a, b) => a - b);
        assert.deepEqual(
          all,
          Array.from({ length: partitions }, (_, p) => p),
        );
        const sizes = [...first.values()].map((tasks) => tasks.length);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
        const again = assignTasks(members.map((m) => ({ ...m, owned: first.get(m.id)! })));
        assert.equal(told(again), told(first));
      }
    }
  });

  test('equally old topologies: all members agree on one', () => {
    const members = [member('a', [], { hash: 'x' }), member('b', [], { hash: 'y' })];
    assert.equal(newestHash(members), 'y');
    assert.equal(newestHash(members.toReversed()), 'y');
  });
});

describe('the assigner in kafkajs', () => {
  // kafkajs hands a cluster and a logger in; neither is used.
  const config = {} as Parameters<ReturnType<typeof taskAssigner>>[0];
  const self = { hash: 'h', partitions: 2, startedAt: 1, owned: [1], ownedAt: 2 };

  test('a task is the same partition of all topics, each member its own topics', async () => {
    const assigner = taskAssigner(() => self)(config);
    const joins = (topics: string[]) => assigner.protocol({ topics }).metadata;
    const assigned = await assigner.assign({
      members: [
        { memberId: 'a', memberMetadata: joins(['in', 'table', 'changelog']) },
        {
          memberId: 'b',
          memberMetadata: taskAssigner(() => ({ ...self, owned: [0] }))(config).protocol({
            topics: ['in', 'table', 'changelog', 'more'],
          }).metadata,
        },
      ],
      topics: ['in'],
    });
    const decoded = assigned.map(({ memberId, memberAssignment }) => [
      memberId,
      MemberAssignment.decode(memberAssignment)!.assignment,
    ]);
    assert.deepEqual(decoded, [
      ['a', { in: [1], table: [1], changelog: [1] }],
      ['b', { in: [0], table: [0], changelog: [0], more: [0] }],
    ]);
  });

  test('what a member says of itself comes back; other data get no tasks', () => {
    assert.deepEqual(decodeSelf(encodeSelf(self)), self);
    const metadata = taskAssigner(() => self)(config).protocol({ topics: ['in'] }).metadata;
    assert.deepEqual(decodeSelf(MemberMetadata.decode(metadata)!.userData), self);
    for (const bytes of [Buffer.alloc(0), Buffer.from('{}'), Buffer.from([0, 1, 2])]) {
      assert.equal(decodeSelf(bytes).partitions, 0);
    }
  });
});
