import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FoundTopic } from '../core/found-topic.ts';
import type { TopicSpec } from '../core/log.ts';
import { topicDifferences } from './topic-differences.ts';

const DAY_MS = 86_400_000;
const spec = (more: Partial<TopicSpec> = {}): TopicSpec => ({
  name: 'events.a',
  partitions: 4,
  cleanup: 'delete',
  ...more,
});
const found = (more: Partial<FoundTopic> = {}): FoundTopic => ({
  partitions: 4,
  cleanup: 'delete',
  replicas: 3,
  ...more,
});
const alter = (setting: string) =>
  `kafka-configs.sh --bootstrap-server k1:9092,k2:9092 --alter --entity-type topics --entity-name events.a --add-config '${setting}'`;

const rows: readonly [
  what: string,
  needs: Partial<TopicSpec>,
  has: Partial<FoundTopic>,
  replicas: number | undefined,
  told: readonly (readonly [code: string, what: string, mend?: string])[],
][] = [
  ['as it is needed', {}, {}, 3, []],
  ['more replicas than are asked for', {}, { replicas: 4 }, 3, []],
  ['no number of replicas is asked for', {}, { replicas: 1 }, undefined, []],
  ['a log that has no replicas', {}, { replicas: undefined as never }, 3, []],
  [
    'fewer replicas',
    {},
    { replicas: 1 },
    3,
    [['CAR656', 'topic "events.a" has 1 replicas, the deployment asks for 3.']],
  ],
  [
    'more partitions',
    {},
    { partitions: 8 },
    3,
    [['CAR641', 'topic "events.a" has 8 partitions, the topology needs 4.']],
  ],
  [
    'another cleanup',
    { cleanup: 'compact' },
    {},
    3,
    [
      [
        'CAR655',
        'topic "events.a" has the cleanup policy delete, the topology needs compact.',
        alter('cleanup.policy=compact'),
      ],
    ],
  ],
  ['both, in another order', { cleanup: 'compact,delete' }, { cleanup: 'delete,compact' }, 3, []],
  [
    'one of both',
    { cleanup: 'compact,delete' },
    { cleanup: 'compact' },
    3,
    [
      [
        'CAR655',
        'topic "events.a" has the cleanup policy compact, the topology needs compact,delete.',
        alter('cleanup.policy=[compact,delete]'),
      ],
    ],
  ],
  [
    'kept for less long',
    { retentionMs: 7 * DAY_MS },
    { retentionMs: DAY_MS },
    3,
    [
      [
        'CAR655',
        'topic "events.a" keeps 1d, the topology needs 7d.',
        alter('retention.ms=604800000'),
      ],
    ],
  ],
  ['kept for longer', { retentionMs: DAY_MS }, { retentionMs: 7 * DAY_MS }, 3, []],
  ['kept for ever', { retentionMs: DAY_MS }, { retentionMs: Number.POSITIVE_INFINITY }, 3, []],
  ['nothing is said of how long it is kept', {}, { retentionMs: 1 }, 3, []],
  ['the log does not tell', { retentionMs: DAY_MS }, {}, 3, []],
  [
    'what was superseded is forgotten too soon',
    { cleanup: 'compact' },
    { cleanup: 'compact', compactionLagMs: 0 },
    3,
    [
      [
        'CAR655',
        'topic "events.a" may forget after 0ms what was superseded, the topology needs 1d.',
        alter('min.compaction.lag.ms=86400000'),
      ],
    ],
  ],
  ['a topic that is not compacted has no lag', {}, { compactionLagMs: 0 }, 3, []],
  [
    'all at once',
    { retentionMs: 7 * DAY_MS },
    { partitions: 1, replicas: 1, cleanup: 'compact', retentionMs: DAY_MS },
    3,
    [
      ['CAR641', ''],
      ['CAR656', ''],
      ['CAR655', ''],
      ['CAR655', ''],
    ],
  ],
];
for (const [what, needs, has, replicas, told] of rows) {
  test(`${what}: ${told.length === 0 ? 'no difference' : told.map(([code]) => code).join(', ')}`, () => {
    const wanted = { spec: spec(needs), replicas, brokers: ['k1:9092', 'k2:9092'] };
    const differences = topicDifferences(wanted, found(has));
    assert.deepEqual(
      differences.map(({ code }) => code),
      told.map(([code]) => code),
    );
    for (const [n, [, words, mend]] of told.entries()) {
      if (words !== '') assert.equal(differences[n]!.what, words);
      if (mend !== undefined) assert.equal(differences[n]!.mend, mend);
    }
  });
}
