import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silent } from './client.ts';
import { type TopicFacts, TopicWatch } from './topic-watch.ts';

/** A look in one word: `-` it is not there, `!` nobody answers, else `<partitions><id>`. */
function factsOf(look: string): TopicFacts | undefined {
  return look === '-' ? undefined : { partitions: Number(look[0]), id: look.slice(1) };
}

describe('a topic that is looked at', () => {
  const table: readonly [what: string, looks: string, told: string][] = [
    ['stays as it is', '4a 4a 4a', ''],
    ['is not there for one look', '4a - 4a', ''],
    ['is deleted: told once', '4a - - - -', 'gone'],
    ['is deleted and made again', '4a - - 4b', 'gone recreated'],
    ['is made again between two looks', '4a 4b 4b', 'recreated'],
    [
      'is made again, seen by its absence alone where ids are not known',
      '4 - - 4',
      'gone recreated',
    ],
    ['is made again unseen, as ids are not known', '4 - 4', ''],
    ['gets partitions', '4a 6a 6a', 'partitions:4:6'],
    ['is made again with others', '4a - - 2b', 'gone recreated partitions:4:2'],
    ['nobody answers', '4a ! ! ! 4a', ''],
    ['was never there', '- - - -', 'gone'],
  ];
  for (const [what, looks, expected] of table) {
    test(what, async () => {
      const rest = looks.split(' ');
      const watch = new TopicWatch(
        {
          async describe(topics) {
            assert.deepEqual(topics, ['t']);
            const look = rest.shift()!;
            if (look === '!') throw new Error('away');
            const facts = factsOf(look);
            return new Map(facts === undefined ? [] : [['t', facts]]);
          },
        },
        silent,
        60_000,
      );
      const told: string[] = [];
      const end = watch.watch(['t'], (change) => {
        const { kind } = change;
        told.push(kind === 'partitions' ? `${kind}:${change.was}:${change.partitions}` : kind);
      });
      while (rest.length > 0) await watch.look();
      assert.equal(told.join(' '), expected);
      end();
      await watch.look();
      watch.close();
    });
  }
});
