import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steps } from '../processors/index.ts';
import { edited, tell } from '../test/mistakes/base.ts';
import { stepOfOthers } from './others-words.ts';

const NAMES = [
  'groupBy',
  'group_by',
  'windowedBy',
  'mapValues',
  'selectKey',
  'filterNot',
  'branch',
];

for (const name of NAMES) {
  test(`- ${name} is told with what it is here, once`, () => {
    const step = '- sample: { keep: 99, of: 100 }';
    const [row] = edited([[name, step, `- ${name}: {}`]]);
    const told = tell(row!.text).diagnostics;
    assert.deepEqual(
      told.map(({ code }) => code),
      ['CAR204'],
    );
    assert.equal(told[0]!.mend, stepOfOthers(name));
    assert.match(told[0]!.mend, /^Write /);
  });
}

test('no step of our own is called a word of others', () => {
  for (const name of steps.keys()) assert.equal(stepOfOthers(name), undefined, name);
});

test('what nobody has is not known', () => {
  for (const name of ['x', '', 'constructor', '__proto__']) {
    assert.equal(stepOfOthers(name), undefined);
  }
});
