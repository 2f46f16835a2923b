import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Missed } from './missed.ts';
import { Troubles } from './troubles.ts';

function listening() {
  const said: string[] = [];
  const say = (level: string) => (facts: object, sentence: string) =>
    void said.push(`${level} ${sentence} ${JSON.stringify(facts)}`);
  const logger = {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
  };
  return { logger, said };
}

test('what was deleted unread is counted by partition, and named with first and last', () => {
  const { logger, said } = listening();
  const troubles = new Troubles(logger);
  const missed = new Missed('g', logger, troubles);
  assert.deepEqual(missed.list(), []);
  missed.add('t', 1, 10, 19);
  missed.add('t', 0, 5, 5);
  missed.add('t', 1, 40, 42);
  assert.deepEqual(missed.list(), [
    { topic: 't', partition: 1, offsets: 13 },
    { topic: 't', partition: 0, offsets: 1 },
  ]);
  const errors = said.filter((line) => line.startsWith('error'));
  assert.equal(errors.length, 3);
  assert.match(errors[2]!, /"topic":"t","partition":1,"first":40,"last":42/);
  assert.deepEqual(
    troubles.list().map(({ code, level, what }) => [code, level, what]),
    [
      [
        'CAR631',
        'warning',
        '13 offsets of t/1 were deleted before "g" had read them, the last 42.',
      ],
      ['CAR631', 'warning', 'Offsets 5 to 5 of t/0 were deleted before "g" had read them.'],
    ],
  );
});

const spans: readonly (readonly [
  it: string,
  said: readonly (readonly [first: number, last: number] | 'made again')[],
  offsets: number,
])[] = [
  [
    'the same span, once more at the start of a task',
    [
      [20, 29],
      [20, 29],
    ],
    10,
  ],
  [
    'a longer one, after retention went on',
    [
      [20, 29],
      [20, 34],
    ],
    15,
  ],
  [
    'one within',
    [
      [20, 29],
      [22, 25],
    ],
    10,
  ],
  [
    'one that begins within',
    [
      [20, 29],
      [25, 39],
    ],
    20,
  ],
  [
    'one that follows',
    [
      [20, 29],
      [30, 31],
    ],
    12,
  ],
  [
    'an older one, from an old offset',
    [
      [20, 29],
      [10, 15],
    ],
    10,
  ],
  ['of a topic that was made again', [[20, 29], 'made again', [0, 4]], 15],
];

for (const [it, said, offsets] of spans) {
  test(`what was deleted unread is counted once: ${it}`, () => {
    const { logger, said: lines } = listening();
    const missed = new Missed('g', logger, new Troubles(logger));
    for (const one of said) {
      if (one === 'made again') missed.madeAgain('t');
      else missed.add('t', 1, ...one);
    }
    missed.madeAgain('another');
    assert.deepEqual(missed.list(), [{ topic: 't', partition: 1, offsets }]);
    const errors = lines
      .filter((line) => line.startsWith('error'))
      .map((line) => {
        const { first, last } = JSON.parse(/\{.*/.exec(line)![0]);
        return last - first + 1;
      });
    assert.equal(
      errors.reduce((sum, n) => sum + n, 0),
      offsets,
      'and said so',
    );
  });
}

test('a trouble is said once at its level, stands, and is lifted', () => {
  const { logger, said } = listening();
  const troubles = new Troubles(logger);
  const error = { code: 'CAR642', level: 'error', what: 'gone', at: 't' } as const;
  troubles.raise('k', error);
  troubles.raise('k', error);
  troubles.raise('w', { ...error, level: 'warning' });
  assert.deepEqual(
    said.map((line) => line.split(' ')[0]),
    ['error', 'warn'],
  );
  troubles.raise('k', { ...error, what: 'worse' });
  assert.equal(said.length, 3);
  troubles.lift('k');
  troubles.lift('k');
  assert.deepEqual(
    troubles.list().map((one) => one.level),
    ['warning'],
  );
  assert.equal(said.length, 4);
});
