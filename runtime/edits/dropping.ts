/**
 * Held events that `--drop` is about to drop from a store that goes on under its name. Their rows
 * go before the new topology stands, so a process that dies in between would leave nobody who
 * counts them: they are noted first, beside the stored topology, and whoever starts next counts
 * what has gone.
 */
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { EditableLog, Log } from '../../core/log.ts';
import { type AppliedStore, appliedTopic } from './applied.ts';
import { countHeld, readRows } from './state-rows.ts';

export interface Dropping {
  readonly stream: string;
  readonly step: string;
  readonly changelog: string;
  readonly before?: AppliedStore['before'];
  readonly count: number;
}

const keyOf = (topology: string) => `${topology}/dropping`;

/** Empty: nothing is noted. */
export async function readDropping(
  log: Pick<Log, 'read' | 'partitionsOf'>,
  topology: string,
): Promise<readonly Dropping[]> {
  const { name } = appliedTopic(topology);
  if ((await log.partitionsOf(name)) === undefined) return [];
  let noted: readonly Dropping[] = [];
  for await (const records of log.read(name, { from: 'start', follow: false })) {
    for (const { key, valueBytes } of records) {
      if (key !== keyOf(topology)) continue;
      noted = valueBytes === null ? [] : (JSON.parse(valueBytes.toString('utf8')) as Dropping[]);
    }
  }
  return noted;
}

/** Empty: it is done, and nobody counts it any more. */
export async function noteDropping(
  log: EditableLog,
  topology: string,
  dropping: readonly Dropping[],
  nowMs: number,
): Promise<void> {
  const builder = new BatchBuilder(appliedTopic(topology).name, 0);
  const value = dropping.length === 0 ? null : Buffer.from(JSON.stringify(dropping), 'utf8');
  builder.append(nowMs, keyOf(topology), value);
  const producer = await log.producer();
  try {
    await producer.send([builder.finish()]);
  } finally {
    await producer.close();
  }
}

/** Of what was noted, that which has gone. */
export async function goneOf(
  log: Pick<Log, 'read' | 'partitionsOf'>,
  noted: readonly Dropping[],
): Promise<readonly Dropping[]> {
  const gone: Dropping[] = [];
  for (const one of noted) {
    const count = one.count - countHeld(await readRows(log, one.changelog), one.before);
    if (count > 0) gone.push({ ...one, count });
  }
  return gone;
}
