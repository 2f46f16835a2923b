/** What two contenders have told of a query, and whether it is the same. */

import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import type { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { runCarillon } from './carillon.ts';
import type { Load } from './load.ts';
import { outputTopic, planOf, type Query } from './queries.ts';

export interface Told {
  readonly key: string;
  readonly atMs: number;
  /** With the header of its schema. */
  readonly value: Buffer;
}

export function toldByCarillon(query: Query, load: Load): Told[] {
  const topic = outputTopic(query);
  const told: Told[] = [];
  runCarillon(planOf(query), load, topic, ({ bytes }) => {
    for (const { key, timestamp, valueBytes } of readBatch(wholeBatch(topic, 0, bytes, 0))) {
      told.push({ key: key ?? '', atMs: timestamp, value: Buffer.from(valueBytes ?? []) });
    }
  });
  return told;
}

/**
 * Says the first difference; undefined: there is none. Times are compared where an answer is a
 * record of its own; of windows each has its own rule for them.
 */
export function difference(
  query: Query,
  schemas: Pick<AvroSchemas, 'decodeByWriter'>,
  ours: Iterable<Told>,
  peers: Iterable<Told>,
): string | undefined {
  const [a, b] = [answers(query, schemas, ours), answers(query, schemas, peers)];
  if (a.length === 0) return `${query.name}: nothing was told`;
  for (let n = 0; n < Math.max(a.length, b.length); n++) {
    if (a[n] !== b[n]) {
      return `${query.name}: ${a.length} and ${b.length} answers; no. ${n + 1} is ${a[n]} beside ${b[n]}`;
    }
  }
  return undefined;
}

function answers(
  { compared }: Query,
  schemas: Pick<AvroSchemas, 'decodeByWriter'>,
  told: Iterable<Told>,
): readonly string[] {
  const text = ({ key, atMs, value }: Told) => {
    const of = JSON.stringify(schemas.decodeByWriter(value, 0, value.length));
    return compared === 'in_order' ? `${key} ${atMs} ${of}` : `${key} ${of}`;
  };
  if (compared === 'in_order') return Array.from(told, text);
  if (compared === 'each') return Array.from(told, text).sort();
  const last = new Map<string, string>();
  for (const one of told) last.set(one.key, text(one));
  return [...last.values()].sort();
}
