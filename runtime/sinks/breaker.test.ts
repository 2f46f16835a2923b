import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from './breaker.ts';

const seed = Number(process.env.SEED ?? 4711);
const bad = (afterMs = 0, opens = false) => ({ why: 'busy', afterMs, opens });

/** `.` success, `x` trouble, `X` trouble that opens at once; 10 ms apart. */
function run(text: string, breaker = new Breaker(), fromMs = 0): Breaker {
  [...text].forEach((one, i) => {
    const nowMs = fromMs + i * 10;
    if (one === '.') breaker.success(nowMs);
    else breaker.failure(nowMs, bad(0, one === 'X'), 0);
  });
  return breaker;
}

for (const [answers, open] of [
  ['xxxx', false],
  ['xxxxx', true],
  ['.xxxx', true],
  ['..xxxx', false],
  ['..xxxxxxxx', true],
  ['.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x', false],
  ['xx.xx.xx.xx.xx.xx.xx.xx.xx.xx.xx.xx.xx.xx', false],
  [`${'.'.repeat(40)}${'x'.repeat(31)}`, false],
  [`${'.'.repeat(40)}${'x'.repeat(32)}`, true],
  [`${'.'.repeat(400)}${'x'.repeat(32)}`, true],
  ['X', true],
  ['....X', true],
] as const) {
  const name = answers.length > 50 ? `${answers.length} answers` : answers;
  test(`${name}: ${open ? 'open' : 'closed'}`, () => {
    assert.equal(run(answers).trouble !== null, open);
  });
}

test(`half of all calls refused at random never stops a lane for long (seed ${seed})`, () => {
  const breaker = new Breaker();
  let state = seed;
  let heldMs = 0;
  let nowMs = 0;
  for (let i = 0; i < 20_000; i++) {
    nowMs += 10;
    if (!breaker.allows(nowMs, 0)) {
      heldMs += 10;
      continue;
    }
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    if (state >>> 16 < 32_768) breaker.failure(nowMs, bad(), 0);
    else breaker.success(nowMs);
  }
  assert.ok(heldMs < nowMs * 0.02, `held for ${heldMs} of ${nowMs} ms`);
});

test('answers of more than a minute ago say nothing', () => {
  const breaker = run('xxxx');
  run('x', breaker, 60_040);
  assert.equal(breaker.trouble, null);
  run('xxxx', breaker, 60_050);
  assert.equal(breaker.trouble, 'busy');
});

test('open: nothing goes; then one tries; its success closes, its trouble doubles the pause', () => {
  const breaker = run('xxxxx');
  assert.equal(breaker.openUntilMs, 140, 'half of 200 ms after the fifth');
  assert.equal(breaker.allows(139, 0), false);
  assert.equal(breaker.allows(140, 0), true);
  assert.equal(breaker.allows(140, 1), false);
  for (const [nowMs, until] of [
    [140, 340],
    [340, 740],
    [740, 1_540],
    [1_540, 3_140],
    [3_140, 5_640],
    [5_640, 8_140],
  ] as const) {
    breaker.failure(nowMs, bad(), 0);
    assert.equal(breaker.openUntilMs, until);
  }
  breaker.success(8_140);
  assert.equal(breaker.allows(8_140, 500), true);
  assert.equal(breaker.trouble, null);
  // What was before is no sign of how the service is now.
  run('xxx', breaker, 8_150);
  assert.equal(breaker.trouble, null);
});

test('those under way when it opened neither lengthen the pause nor end one that was asked for', () => {
  const slow = run('xxxxx');
  for (let i = 0; i < 50; i++) slow.failure(50, bad(), 0);
  assert.equal(slow.openUntilMs, 140);
  slow.failure(50, bad(9_000), 0);
  assert.equal(slow.openUntilMs, 9_050);
  const quota = new Breaker();
  quota.failure(0, bad(60_000, true), 0);
  quota.success(10);
  assert.equal(quota.allows(59_999, 0), false);
  assert.equal(quota.allows(60_000, 0), true);
  quota.success(60_001);
  assert.equal(quota.trouble, null);
});

for (const [answers, told] of [
  ['', null],
  ['x', null],
  ['xxxx', null],
  ['....x', '1 of the last 5 tries failed: busy'],
  ['.........x', '1 of the last 10 tries failed: busy'],
  ['..........x', null],
  ['xxxxx', 'busy'],
] as const) {
  test(`health after "${answers}": ${told}`, () => {
    assert.equal(run(answers).told(1_000), told);
  });
}
