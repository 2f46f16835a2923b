import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from '../test/kit/gateway-bench.ts';
import { connectionsFor, openFilesMax } from './open-files.ts';

const rows: readonly [number | undefined, number, number][] = [
  [undefined, 20_000, 20_000],
  [1_048_576, 20_000, 20_000],
  [20_512, 20_000, 20_000],
  [20_511, 20_000, 19_999],
  [1_024, 20_000, 512],
  [256, 20_000, 64],
  [256, 10, 10],
];
for (const [files, wanted, expected] of rows) {
  test(`${files} files: ${expected} of ${wanted} connections`, () => {
    assert.equal(connectionsFor(files, wanted), expected);
  });
}

test('the system says how many', () => {
  const files = openFilesMax();
  assert.ok(files === undefined || files > 0);
});

test('CAR732: said at the start, kept, and told by health when all are taken', async () => {
  const internal = { host: '127.0.0.1', port: 0 };
  const bench = await Bench.open({ internal, openFilesMax: 200, limits: { connectionsMax: 65 } });
  try {
    assert.deepEqual(bench.said, ['There are few files for connections.']);
    const ready = async () => {
      const answer = await fetch(`${bench.gateway.internalUrl}/health/ready`);
      return ((await answer.json()) as { parts: { files: string } }).parts.files;
    };
    assert.equal(await ready(), 'ready');
    const clients = [];
    for (let i = 0; i < 64; i++) {
      await bench.own(`tv-${i}`);
      clients.push(await bench.connect(`tv-${i}`));
    }
    assert.match(await ready(), /^CAR732: 200 open files are room for 64 connections/);
    const over = bench.client(`?access_token=${await bench.token('tv-0')}`);
    await over.until(() => over.refused !== undefined);
    assert.equal(over.refused?.status, 503);
  } finally {
    await bench.close();
  }
});
