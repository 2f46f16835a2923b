import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PullPage } from '../schemas/frames.ts';
import { PollStream } from './poll-stream.ts';

const START: PullPage = { epoch: 1, notifications: [], skipped: [], cursor: 'c0', more: false };
const frame = (sequence: number) =>
  JSON.stringify({ type: 'notification', id: `n-${sequence}`, sequence, cursor: `c${sequence}` });
const told = ({ notifications, cursor }: PullPage) =>
  `${notifications.map(({ sequence }) => sequence)} ${cursor}`;

function opened(): PollStream {
  const stream = new PollStream(60_000, START);
  stream.send(JSON.stringify({ type: 'welcome', epoch: 1, cursor: 'c0' }));
  return stream;
}

test('what a newer poll finds is for it, not for the older, which may be of nobody any more', async () => {
  const stream = opened();
  const older = stream.poll(60_000, 10);
  stream.send(frame(1));
  const newer = stream.poll(60_000, 10);
  assert.deepEqual([told(await older), told(await newer)], [' c0', '1 c1']);
  stream.destroy();
});

test('a poll that is hung up ends it, unless a newer one is there', async () => {
  const stream = opened();
  const older = stream.poll(60_000, 10);
  const newer = stream.poll(60_000, 10);
  stream.hangUp(older);
  assert.equal(stream.readyState, stream.OPEN);
  stream.hangUp(newer);
  assert.notEqual(stream.readyState, stream.OPEN);
  assert.equal(told(await newer), ' c0');
});

test('its queue counts in bytes, and is empty when it was taken', async () => {
  const stream = opened();
  let taken = 0;
  for (const sequence of [1, 2, 3]) stream.send(frame(sequence));
  assert.equal(stream.bufferedAmount, 3 * frame(1).length);
  stream.ping(undefined, false, () => taken++);
  assert.equal(told(await stream.poll(60_000, 2)), '1,2 c2');
  assert.deepEqual([stream.bufferedAmount, taken], [frame(3).length, 0]);
  assert.equal(told(await stream.poll(60_000, 2)), '3 c3');
  assert.deepEqual([stream.bufferedAmount, taken], [0, 1]);
  stream.destroy();
});

/** When the gateway wants the device back, in ms: what Retry-After says, in seconds. */
for (const [afterMs, seconds] of [
  [0, 1],
  [1_000, 1],
  [1_001, 2],
  [4_000, 4],
] as const) {
  test(`a gateway that stops wants it back in ${afterMs} ms: Retry-After ${seconds}`, async () => {
    const stream = opened();
    const waits = stream.poll(60_000, 10);
    stream.send(JSON.stringify({ type: 'going-away', afterMs }));
    stream.close(3001);
    await assert.rejects(waits, { code: 'CAR716', retryAfterSeconds: seconds });
  });
}
