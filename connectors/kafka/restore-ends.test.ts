import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silent } from './client.ts';
import { QUIET_FETCHES, RestoreEnds } from './restore-ends.ts';

const step = () => new Promise((resolve) => setImmediate(resolve));

function endsOf(leader: 'answers' | 'is away') {
  const said: string[] = [];
  const task = {
    unreached: () => [{ topic: 'log', position: 7 }],
    nothingLeft: (topic: string, position: number) => void said.push(`${topic}@${position}`),
  };
  const bounds = async () => {
    said.push('asked');
    if (leader === 'is away') throw new Error('away');
    return [];
  };
  const ends = new RestoreEnds({ bounds }, silent, () => [task]);
  const quiet = async (from: number, to: number) => {
    for (let n = from; n <= to; n++) ends.quiet(n);
    await step();
  };
  return { ends, quiet, said };
}

describe('a restore that gets nothing more', () => {
  test('ends when its leader has answered and nothing came for as long again', async () => {
    const { quiet, said } = endsOf('answers');
    await quiet(1, QUIET_FETCHES - 1);
    assert.deepEqual(said, []);
    await quiet(QUIET_FETCHES, 2 * QUIET_FETCHES - 1);
    assert.deepEqual(said, ['asked']);
    await quiet(2 * QUIET_FETCHES, 2 * QUIET_FETCHES + 5);
    assert.deepEqual(said, ['asked', 'log@7']);
  });

  test('does not end while its leader is away', async () => {
    const { quiet, said } = endsOf('is away');
    await quiet(1, 3 * QUIET_FETCHES);
    assert.deepEqual(said, ['asked']);
  });

  test('begins anew in a new generation', async () => {
    const { ends, quiet, said } = endsOf('answers');
    await quiet(1, QUIET_FETCHES);
    ends.reset();
    await quiet(2 * QUIET_FETCHES, 2 * QUIET_FETCHES);
    assert.deepEqual(said, ['asked']);
  });
});
