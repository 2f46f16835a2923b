import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { readBatch } from '../../core/record-batch.ts';
import { openEmbeddedLog } from './log.ts';

/**
 * Appends to `in` and commits n → output n, changelog n, offset n, and prints a number once it is
 * acked. It runs from this folder, so that its imports are as short as ours.
 */
const CHILD = `
import { systemClock } from '../../core/clock.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { readBatch } from '../../core/record-batch.ts';
import { openEmbeddedLog } from './log.ts';
const log = openEmbeddedLog({ dir: process.argv[1], clock: systemClock, commitMinMs: 1 });
const topic = (name, cleanup = 'delete') => ({ name, partitions: 1, cleanup });
await log.applyTopics([topic('in'), topic('out'), topic('c', 'compact')]);
const batch = (name, text, value = text) => {
  const builder = new BatchBuilder(name, 0);
  builder.append(1, text, Buffer.from(value));
  return builder.finish();
};
const spec = { group: 'g', partitions: 1, inputs: ['in'], tables: [], topologyHash: '',
  stores: [{ store: 's', changelog: 'c' }], transactional: true };
await log.openGroup(spec, { open: (port) => ({
  restore() {}, table() {}, ready() {}, async close() {},
  wake() {
    for (;;) {
      const taken = port.take('in');
      if (taken === undefined) return;
      const { nextOffset } = taken;
      const outputs = readBatch(taken).map((record) => batch('out', record.key));
      const batches = [...outputs, batch('c', 'n', String(nextOffset))];
      const offsets = [{ topic: 'in', offset: nextOffset, metadata: '' }];
      port.unit.commit({ parts: [{ partition: 0, batches, offsets }] });
    }
  },
}) });
const producer = await log.producer();
for (let n = 0; ; n++) {
  const [offset] = await producer.send([batch('in', 'k' + n)]);
  process.stdout.write(offset + '\\n');
}
`;

/**
 * Runs the child until it has acked `acks` more, kills it, and gives the last offset that was
 * acked.
 */
async function killAfter(dir: string, acks: number): Promise<number> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--input-type=module-typescript', '-e', CHILD, dir],
    { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let last = -1;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout! })) {
    last = Number(line);
    if (++seen === acks) child.kill('SIGKILL');
  }
  await ended;
  assert.ok(seen >= acks, `the child ended by itself after ${seen}`);
  return last;
}

test('after kill -9 the file opens again and holds all that was acked, as a whole', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-crash-'));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const acks of [1, 40, 17]) {
    const last = await killAfter(dir, acks);
    // Not refused as in use: the lock has gone with the process.
    const log = openEmbeddedLog({ dir, clock: systemClock });
    const keys = async (topic: string) => {
      const found: string[] = [];
      for await (const records of log.read(topic, { from: 'start', follow: false })) {
        for (const record of records) found.push(record.key!);
      }
      return found;
    };
    const inputs = await keys('in');
    const outputs = await keys('out');
    assert.ok(inputs.length > last, `acked ${last}, found ${inputs.length}`);
    let stored = 0;
    const spec = {
      group: 'g',
      partitions: 1,
      inputs: ['in'],
      tables: [],
      stores: [{ store: 's', changelog: 'c' }],
      transactional: true,
      topologyHash: '',
    };
    const group = await log.openGroup(spec, {
      open: () => ({
        restore(_store, batch) {
          for (const { valueBytes } of readBatch(batch)) stored = Number(valueBytes!.toString());
        },
        table() {},
        ready() {},
        wake() {},
        async close() {},
      }),
    });
    const { lag } = (await group.lag())[0]!;
    // Output, state and offset tell the same story.
    assert.equal(stored, outputs.length);
    assert.equal(inputs.length - lag, outputs.length);
    assert.deepEqual(outputs, inputs.slice(0, outputs.length));
    await group.close();
    log.abandon();
  }
});
