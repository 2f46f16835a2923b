import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timedTest, VirtualTime } from './virtual-time.ts';

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test('nothing fires before its time, and all in its order', async (t) => {
  const time = new VirtualTime(t);
  const fired: string[] = [];
  const from = performance.now();
  const note = (name: string) => fired.push(`${name} ${performance.now() - from}`);
  setTimeout(note, 20, 'b');
  setTimeout(note, 10, 'a').unref();
  clearTimeout(setTimeout(note, 5, 'cleared'));
  void after(10).then(() => setTimeout(note, 5, 'nested'));
  setTimeout(note, 20, 'c');
  await time.advance(9);
  assert.deepEqual(fired, []);
  await time.advance(1);
  assert.deepEqual(fired, ['a 10']);
  await time.advance(100);
  assert.deepEqual(fired, ['a 10', 'nested 15', 'b 20', 'c 20']);
  assert.deepEqual([performance.now() - from, time.waiting], [110, 0]);
});

timedTest()('an hour passes at once', async (time) => {
  const from = performance.now();
  await after(3_500_000);
  assert.equal(performance.now() - from, 3_500_000);
  assert.equal(time.waiting, 0);
});

test('what waits for nothing is an error, and what rejects rejects', async (t) => {
  const time = new VirtualTime(t);
  await assert.rejects(time.while(new Promise(() => {})), /nothing more comes at 1000 ms/);
  const broken = after(7).then(() => Promise.reject(new Error('broken')));
  await assert.rejects(time.while(broken), /broken/);
});

test('a test leaves the timers of the machine behind', () => {
  assert.doesNotMatch(String(setTimeout), /#timers/);
  assert.ok(Number.isFinite(performance.now()));
});

const closed: string[] = [];
const closing: (() => Promise<void> | void)[] = [];
timedTest(closing)('what is opened is closed in the same time, the last one first', async () => {
  closing.push(
    () => void closed.push(`first ${performance.now()}`),
    async () => {
      await after(5);
      closed.push(`second ${performance.now()}`);
    },
  );
});

test('as the test before this one did', () => {
  assert.deepEqual(closed, ['second 1005', 'first 1005']);
});
