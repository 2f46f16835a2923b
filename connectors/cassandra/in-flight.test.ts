import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InFlight } from './in-flight.ts';

test('never more at once than allowed, all in the end, in order, failures too', async () => {
  const inFlight = new InFlight(3);
  const open: (() => void)[] = [];
  const started: number[] = [];
  let atOnce = 0;
  let most = 0;
  const all = Array.from({ length: 10 }, (_, n) =>
    inFlight.run(async () => {
      started.push(n);
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise<void>((resolve) => open.push(resolve));
      atOnce -= 1;
      if (n === 4) throw new Error('four');
      return n;
    }),
  );
  const settled = Promise.allSettled(all);
  let done = 0;
  while (done < 10) {
    const next = open.shift();
    if (next !== undefined) {
      next();
      done += 1;
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const results = await settled;
  assert.equal(most, 3);
  assert.deepEqual(started, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(results.filter((one) => one.status === 'fulfilled').length, 9);
  assert.equal(results[4]!.status, 'rejected');
});
