/** A gateway that has its port alone says itself, to whoever comes, that it stops. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, Client } from '../test/kit/gateway-bench.ts';

test('while it drains a handshake is answered 503, and told to come back', async () => {
  const bench = await Bench.open();
  for (const device of ['tv-1', 'tv-2']) await bench.own(device);
  const slow = await bench.connect('tv-1');
  // It does not hear that it is closed: the drain waits for it.
  slow.socket.pause();
  const draining = bench.gateway.close();
  const headers = { authorization: `Bearer ${await bench.token('tv-2')}` };
  const late = new Client(`${bench.gateway.url.replace('http', 'ws')}/v1/stream`, [], headers);
  await late.until(() => late.refused !== undefined || late.closed !== undefined);
  assert.equal(late.refused?.status, 503);
  slow.socket.terminate();
  await draining;
  await bench.close();
});
