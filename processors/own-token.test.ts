import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepBench } from '../test/kit/steps.ts';
import { ownToken } from './own-token.ts';

const said = (
  action: 'TAKEN' | 'GIVEN_UP',
  deviceId: string,
  occurredAt = 100,
  registeredAt = occurredAt,
) => ({ tokenHash: 'h', token: 't', deviceId, action, registeredAt, occurredAt });

const tables: readonly [string, readonly (readonly [object, string, ...string[]])[]][] = [
  [
    'a token of one device',
    [
      [said('TAKEN', 'a'), 'passed'],
      [said('TAKEN', 'a'), 'passed'],
    ],
  ],
  [
    'the last device that registered it has it',
    [
      [said('TAKEN', 'a'), 'passed'],
      [said('TAKEN', 'b', 200), 'passed', 'a loses t before 201'],
      [said('TAKEN', 'c', 300), 'passed', 'b loses t before 301'],
    ],
  ],
  [
    'and again the first one',
    [
      [said('TAKEN', 'a'), 'passed'],
      [said('TAKEN', 'b', 200), 'passed', 'a loses t before 201'],
      [said('TAKEN', 'a', 300), 'passed', 'b loses t before 301'],
    ],
  ],
  [
    'in the same millisecond the later in the log has it',
    [
      [said('TAKEN', 'a'), 'passed'],
      [said('TAKEN', 'b'), 'passed', 'a loses t before 101'],
    ],
  ],
  [
    'a device whose clock is ahead loses it too',
    [
      [said('TAKEN', 'a', 100, 9_000), 'passed'],
      [said('TAKEN', 'b', 200), 'passed', 'a loses t before 9001'],
    ],
  ],
  [
    'what was given up is free',
    [
      [said('TAKEN', 'a'), 'passed'],
      [said('GIVEN_UP', 'a'), 'passed'],
      [said('TAKEN', 'b', 200), 'passed'],
    ],
  ],
  [
    'only its holder gives it up',
    [
      [said('GIVEN_UP', 'a'), 'dropped not_held'],
      [said('TAKEN', 'a'), 'passed'],
      [said('TAKEN', 'b', 200), 'passed', 'a loses t before 201'],
      [said('GIVEN_UP', 'a', 300), 'dropped not_held'],
      [said('TAKEN', 'c', 400), 'passed', 'b loses t before 401'],
    ],
  ],
];
for (const [what, rows] of tables) {
  for (const restarts of [false, true]) {
    test(`${what}${restarts ? ', with restarts' : ''}`, () => {
      const bench = new StepBench(ownToken);
      for (const [value, verdict, ...expected] of rows) {
        assert.equal(bench.feed({ key: 'h', value }), verdict);
        const told = bench.takeOut().map(({ key, value: died }) => {
          assert.equal(key, died.deviceId);
          assert.equal(died.action, 'TOKEN_DIED');
          return `${died.deviceId} loses ${died.deadToken} before ${died.deadBefore}`;
        });
        assert.deepEqual(told, expected);
        if (restarts) bench.restart();
      }
    });
  }
}
