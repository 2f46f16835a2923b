/**
 * An embedded log in a folder of its own, and tasks that tell what happens to them: for its tests.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  type EmbeddedLog,
  type EmbeddedLogOptions,
  openEmbeddedLog,
} from '../../connectors/embedded/log.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import type { CommitUnit, EncodedBatch, GroupSpec, LogBatch, TaskPort } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';

export const T0 = 1_767_225_600_000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export function open(t: TestContext, over: Partial<EmbeddedLogOptions> = {}) {
  const dir = over.dir ?? mkdtempSync(join(tmpdir(), 'carillon-embedded-'));
  const clock = new HandClock(T0);
  const log = openEmbeddedLog({ dir, clock, ...over });
  t.after(async () => {
    await log.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { dir, clock, log };
}

export function batch(topic: string, rows: readonly (readonly [string | null, string | null])[]) {
  const builder = new BatchBuilder(topic, 0);
  for (const [key, value] of rows) {
    builder.append(T0, key, value === null ? null : Buffer.from(value));
  }
  return builder.finish();
}

export async function send(log: EmbeddedLog, ...batches: EncodedBatch[]) {
  return (await log.producer()).send(batches);
}

export async function all(log: EmbeddedLog, topic: string): Promise<string[]> {
  const seen: string[] = [];
  for await (const records of log.read(topic, { from: 'start', follow: false })) {
    for (const record of records) seen.push(`${record.offset}:${record.key}=${text(record)}`);
  }
  return seen;
}

export const text = (record: Record) => record.valueBytes?.toString('utf8') ?? null;

export const topic = (
  name: string,
  cleanup: 'delete' | 'compact' | 'compact,delete' = 'delete',
) => ({
  name,
  partitions: 1,
  cleanup,
});

export function spec(over: Partial<GroupSpec> = {}): GroupSpec {
  const stores = [{ store: 's', changelog: 'c' }];
  return {
    group: 'g',
    partitions: 1,
    inputs: ['in'],
    tables: [],
    stores,
    transactional: true,
    topologyHash: '',
    ...over,
  };
}

/** A task that tells of what happens to it, and takes what there is unless it is told not to. */
export function recorder(onTaken?: (port: TaskPort, batch: LogBatch) => void, input = 'in') {
  const told: string[] = [];
  const ports: TaskPort[] = [];
  const take = (port: TaskPort) => {
    for (;;) {
      const batch = port.take(input);
      if (batch === undefined) return;
      told.push(`take ${batch.from}-${batch.nextOffset}`);
      onTaken?.(port, batch);
    }
  };
  const control = { isPulling: true };
  const open = (port: TaskPort) => {
    ports.push(port);
    return {
      restore(_: string, batch: LogBatch) {
        for (const record of readBatch(batch)) told.push(`restore ${record.key}=${text(record)}`);
      },
      table() {},
      ready: () => void told.push('ready'),
      wake() {
        if (control.isPulling) take(port);
      },
      close: async (why: string) => void told.push(`close ${why}`),
    };
  };
  return { host: { open }, told, ports, control, take };
}

export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs++) {
    assert.ok(waitedMs < 10_000, `not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export const unit = (offset: number, ...batches: EncodedBatch[]): CommitUnit => ({
  parts: [{ partition: 0, batches, offsets: [{ topic: 'in', offset, metadata: '' }] }],
});
