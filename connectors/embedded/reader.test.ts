import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import { DATABASE_FILE } from './database.ts';
import { openEmbeddedLog } from './log.ts';
import { openEmbeddedReader } from './reader.ts';
import { openSchemaIds } from './schema-ids.ts';

const root = mkdtempSync(join(tmpdir(), 'carillon-reader-'));
after(() => rmSync(root, { recursive: true }));

const batch = (partition: number, ...keys: readonly string[]) => {
  const builder = new BatchBuilder('t', partition);
  keys.forEach((key, i) => {
    builder.append(1_000 + i, key, Buffer.from('v'));
  });
  return builder.finish();
};

test('reads beside the process that writes, follows it, and takes no lock', async () => {
  const dir = join(root, 'live');
  assert.equal(openEmbeddedReader(dir), undefined);
  const log = openEmbeddedLog({ dir, clock: new HandClock(2_000) });
  await log.applyTopics([{ name: 't', partitions: 2, cleanup: 'delete' }]);
  const id = await openSchemaIds(log).register('t-value', '"string"');
  const producer = await log.producer();
  await producer.send([batch(0, 'a', 'b'), batch(1, 'c')]);

  const reader = openEmbeddedReader(dir)!;
  assert.deepEqual(reader.topics(), [{ name: 't', partitions: 2, cleanup: 'delete' }]);
  assert.equal(await reader.schema(id), '"string"');
  assert.equal(await reader.schema(99), null);
  const keys: (string | null)[] = [];
  for await (const records of reader.read('t', { from: 'start', follow: false })) {
    keys.push(...records.map(({ key }) => key));
  }
  assert.deepEqual(keys.sort(), ['a', 'b', 'c']);

  const stop = new AbortController();
  const following = (async () => {
    const later: string[] = [];
    for await (const records of reader.read('t', {
      from: 'end',
      follow: true,
      signal: stop.signal,
    })) {
      later.push(...records.map((record) => `${record.key}@${record.offset}`));
      if (later.length === 2) stop.abort();
    }
    return later;
  })();
  await producer.send([batch(1, 'd', 'e')]);
  assert.deepEqual(await following, ['d@1', 'e@2']);
  reader.close();
  await log.close();
});

test('reads when nobody writes any more; an unknown topic is CAR605', async () => {
  const reader = openEmbeddedReader(join(root, 'live'))!;
  let count = 0;
  for await (const records of reader.read('t', { from: 1_001, follow: false })) {
    count += records.length;
  }
  assert.equal(count, 2);
  await assert.rejects(
    async () => {
      for await (const _ of reader.read('none', { from: 'start', follow: false }));
    },
    { code: 'CAR605' },
  );
  reader.close();
});

test('a file that is no log is CAR603', () => {
  const dir = mkdtempSync(join(root, 'other-'));
  writeFileSync(
    join(dir, DATABASE_FILE),
    'not a database, but long enough to be looked at'.repeat(20),
  );
  assert.throws(() => openEmbeddedReader(dir), { code: 'CAR603' });
});
