/** Edits and events by chance; `SEED=123` runs that one, and its seed is in a failure's name. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openEmbeddedLog } from '../../connectors/embedded/log.ts';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { systemClock } from '../../core/clock.ts';
import { randomEdits } from '../../test/contract/random-edits.ts';

const SEEDS =
  process.env.SEED === undefined
    ? Array.from({ length: 12 }, (_, n) => n + 1)
    : [Number(process.env.SEED)];
const ACTIONS = 24;
const seen = new Map<string, number>();

for (const seed of SEEDS) {
  test(`seed ${seed}: each event is told once, or counted`, { timeout: 60_000 }, async () => {
    const run = { seed, actions: ACTIONS, partitions: 1 + (seed % 3) };
    const done = await randomEdits(new MemoryLog(), run);
    for (const [what, n] of done) seen.set(what, (seen.get(what) ?? 0) + n);
  });
}

test('the same on SQLite', { timeout: 60_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-random-'));
  try {
    const log = openEmbeddedLog({ dir, clock: systemClock });
    await randomEdits(log, { seed: SEEDS[0]!, actions: ACTIONS, partitions: 2 });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('the seeds see every way of starting', { skip: SEEDS.length < 10 }, () => {
  for (const what of ['refuse', 'refused', 'drain', 'drop', 'crash']) {
    assert.ok((seen.get(what) ?? 0) > 1, `${what}: ${seen.get(what)}`);
  }
});
