/**
 * `auth.module` of a pipeline that runs: who has its tokens is let in, and a fault lets in nobody.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { House } from './embedded-run.ts';

const TOPOLOGY = join(import.meta.dirname, 'topologies/sockets.yaml');
const MODULE = `
import type { Authenticate } from 'carillon';
export default (async (token) => {
  if (token === 'broken') throw new Error('no such table');
  if (token !== 'opaque-1') return undefined;
  return { subject: 'tv-1', expiresAt: Date.now() + 60_000 };
}) satisfies Authenticate;
`;

test('a device with a token of its own form, beside those with JWTs', async () => {
  const house = new House({ topology: TOPOLOGY, auth: { module: './my-auth.ts' } });
  writeFileSync(join(house.folder, 'my-auth.ts'), MODULE);
  try {
    await house.start();
    await house.register('tv-1', 'm-1', 'websocket');
    const jwt = await house.token('device', 'tv-1');
    for (const [token, status] of [
      ['opaque-1', 200],
      [jwt, 200],
      ['opaque-2', 401],
      ['broken', 503],
    ] as const) {
      const headers = { authorization: `Bearer ${token}` };
      const got = await fetch(`${house.url}/v1/devices/tv-1/notifications`, { headers });
      assert.equal(got.status, status, token === jwt ? 'a JWT' : token);
    }
  } finally {
    await house.close();
  }
});
