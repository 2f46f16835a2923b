/** What the parts of a task share, for tests of single nodes: what they write and tell is kept. */

import assert from 'node:assert/strict';
import { HandClock } from '../../core/clock.ts';
import { RENO_CLASSES } from '../../core/device-classes.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import { Collector } from '../../runtime/collector.ts';
import { DeviceNumbers } from '../../runtime/streams/device-numbers.ts';
import type { TaskParts } from '../../runtime/streams/task-parts.ts';
import { type Driven, START_MS } from './drive.ts';

export interface WrittenRecord {
  /** Topic and partition. */
  readonly place: string;
  readonly key: string | null;
  readonly timestamp: number;
  /** Decoded by its writer schema; the bytes in hexadecimal where they are of none. */
  readonly value: unknown;
  readonly headers: string;
}

export function partsOf({ schemas }: Pick<Driven, 'schemas'>, partitions = 1) {
  const told: string[] = [];
  const fail = (): never => assert.fail('there are no tables');
  const parts: TaskParts = {
    partition: 0,
    priorities: RENO_PRIORITIES,
    deviceClasses: RENO_CLASSES,
    clock: new HandClock(START_MS),
    schemas,
    collector: new Collector(partitions),
    partitions,
    numbers: new DeviceNumbers('numbers'),
    table: fail,
    devices: fail,
    deadLetter: ({ offset }, { code, why, stream, step }) =>
      told.push(`${code} ${stream}/${step} @${offset} ${why}`),
    onDrop: ({ offset }, stream, step, reason, by) =>
      told.push(`${stream}/${step} ${reason} @${offset} ×${by}`),
    fail: (error) => assert.fail(error as Error),
  };
  const decoded = (bytes: Buffer | null): unknown => {
    if (bytes === null) return null;
    try {
      return { ...(schemas.decodeByWriter(bytes, 0, bytes.length) as object) };
    } catch {
      return bytes.toString('hex');
    }
  };
  const written = (): WrittenRecord[] =>
    parts.collector.takeBatches().flatMap(({ topic, partition, bytes }) =>
      readBatch(wholeBatch(topic, partition, bytes, 0)).map((record) => ({
        place: `${topic}/${partition}`,
        key: record.key,
        timestamp: record.timestamp,
        value: decoded(record.valueBytes),
        headers: (record.headers ?? []).map(({ key, value }) => `${key}=${value}`).join(),
      })),
    );
  return { parts, told, written };
}
