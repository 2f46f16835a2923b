import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leasePorts } from './ports.ts';

test('leases never overlap, and lie below the ports of outgoing connections', async () => {
  const all = (await Promise.all([leasePorts(8), leasePorts(8), leasePorts(8)])).flat();
  assert.equal(new Set(all.map(({ port }) => port)).size, 24);
  for (const { port, release } of all) {
    assert.ok(port >= 21_000 && port < 32_768, String(port));
    release();
  }
});
