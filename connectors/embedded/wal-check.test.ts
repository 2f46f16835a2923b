import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { systemClock } from '../../core/clock.ts';
import { DATABASE_FILE, diskFullError } from './database.ts';
import { openEmbeddedLog } from './log.ts';
import { LOSE_FILE } from './wal-check.ts';
import { WalIndex } from './wal-index.ts';

const WAL = `${DATABASE_FILE}-wal`;
const FRAME_BYTES = 4096 + 24;
const ROUNDS = 12;

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-wal-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** What a process that has committed 12 records and died leaves behind. */
async function left(t: TestContext, restartAt = -1): Promise<string> {
  const dir = folder(t);
  const log = openEmbeddedLog({ dir, clock: systemClock, commitMinMs: 0 });
  await log.applyTopics([{ name: 't', partitions: 1, cleanup: 'delete' }]);
  const producer = await log.producer();
  for (let n = 0; n < ROUNDS; n++) {
    const builder = new BatchBuilder('t', 0);
    builder.append(1, `k${n}`, Buffer.alloc(n === 0 ? 60_000 : 200, `${n * 7919}`));
    await producer.send([builder.finish()]);
    if (n === restartAt) log.connection.exec('PRAGMA wal_checkpoint(RESTART)');
  }
  const copy = folder(t);
  for (const name of [DATABASE_FILE, WAL]) copyFileSync(join(dir, name), join(copy, name));
  await log.close();
  return copy;
}

/** How many records are there. */
async function count(dir: string): Promise<number> {
  const log = openEmbeddedLog({ dir, clock: systemClock });
  try {
    let records = 0;
    for await (const some of log.read('t', { from: 'start', follow: false })) {
      records += some.length;
    }
    return records;
  } finally {
    await log.close();
  }
}

function flip(dir: string, at: number): void {
  const bytes = readFileSync(join(dir, WAL));
  bytes[at]! ^= 0x10;
  writeFileSync(join(dir, WAL), bytes);
}

test('what a dead process leaves is taken up: whole, and with a torn end', async (t) => {
  assert.equal(await count(await left(t)), ROUNDS);
  // Behind the newest frames lie those of an earlier round of the file.
  assert.equal(await count(await left(t, 7)), ROUNDS);
  const torn = await left(t);
  truncateSync(join(torn, WAL), statSync(join(torn, WAL)).size - 100);
  assert.equal(await count(torn), ROUNDS - 1);
});

const damages: readonly (readonly [string, (dir: string) => void, RegExp])[] = [
  ['a byte of a page', (dir) => flip(dir, 32 + 9 * FRAME_BYTES + 2_000), /damaged at frame 10/],
  ['a byte of a salt', (dir) => flip(dir, 32 + 9 * FRAME_BYTES + 9), /damaged at frame 10/],
  ['a byte of the header', (dir) => flip(dir, 17), /the beginning of carillon\.db-wal/],
  ['an empty file beside a WAL', (dir) => truncateSync(join(dir, DATABASE_FILE), 0), /is empty/],
  ['no file beside a WAL', (dir) => rmSync(join(dir, DATABASE_FILE)), /is empty or gone/],
];
for (const [what, damage, message] of damages) {
  test(`${what}: refused, nothing is touched, and it says what to do`, async (t) => {
    const dir = await left(t);
    damage(dir);
    const before = readFileSync(join(dir, WAL));
    await assert.rejects(count(dir), { code: 'CAR603', message });
    await assert.rejects(count(dir), { code: 'CAR603', message });
    assert.deepEqual(readFileSync(join(dir, WAL)), before);
  });
}

test('who accepts the loss goes on with what can be read, once', async (t) => {
  const dir = await left(t);
  const frames = (statSync(join(dir, WAL)).size - 32) / FRAME_BYTES;
  flip(dir, 32 + (frames - 8) * FRAME_BYTES + 100);
  writeFileSync(join(dir, LOSE_FILE), '');
  const records = await count(dir);
  assert.ok(records > 0 && records < ROUNDS, `${records} records`);
  assert.equal(existsSync(join(dir, LOSE_FILE)), false);
});

test('a clean end leaves nothing in the WAL', async (t) => {
  const dir = folder(t);
  const log = openEmbeddedLog({ dir, clock: systemClock });
  await log.applyTopics([{ name: 't', partitions: 1, cleanup: 'delete' }]);
  await log.close();
  assert.equal(existsSync(join(dir, WAL)) ? statSync(join(dir, WAL)).size : 0, 0);
  assert.equal(await count(dir), 0);
});

test('a COMMIT writes few pages, whatever number of partitions it touches, and counts them', async (t) => {
  const dir = folder(t);
  const log = openEmbeddedLog({ dir, clock: systemClock });
  t.after(() => log.close());
  await log.applyTopics([
    { name: 't', partitions: 24, cleanup: 'delete' },
    { name: 'c', partitions: 24, cleanup: 'compact' },
  ]);
  const producer = await log.producer();
  const batches = ['t', 'c'].flatMap((topic) =>
    Array.from({ length: 24 }, (_, p) => {
      const builder = new BatchBuilder(topic, p);
      builder.append(1, 'k', Buffer.alloc(20));
      return builder.finish();
    }),
  );
  await producer.send(batches);
  const before = log.counts.bytesWritten;
  const index = new WalIndex(join(dir, DATABASE_FILE));
  index.written();
  const framesBefore = index.frames;
  await producer.send(batches);
  assert.equal(log.counts.bytesWritten - before, index.written());
  assert.ok(index.frames > framesBefore && index.frames - framesBefore <= 6, `${index.frames}`);
  const wal = readFileSync(join(dir, WAL));
  const pages = new Set<number>();
  for (let n = 0; n < index.frames; n++) pages.add(wal.readUInt32BE(32 + n * FRAME_BYTES));
  assert.equal(index.pageBytes(0, index.frames), pages.size * 4096);
  index.close();
});

test('CAR613: a full disk is told from other trouble', () => {
  const dir = tmpdir();
  for (const cause of [{ errcode: 13 }, { code: 'ENOSPC' }]) {
    assert.equal(diskFullError(dir, cause)?.code, 'CAR613');
  }
  for (const cause of [
    { errcode: 10 },
    { errcode: 11 },
    { code: 'EACCES' },
    new Error('no'),
    null,
  ]) {
    assert.equal(diskFullError(dir, cause), undefined);
  }
});
