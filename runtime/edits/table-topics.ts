/**
 * Tables that steps look up in another topic than before. What the former one has is found no more,
 * unless the new one has it too: rows whose keys it lacks are a loss, in devices that are told of
 * nothing, or records that find no row.
 */
import { isEngineTopic } from '../../compiler/engine-tables.ts';
import type { Log } from '../../core/log.ts';
import type { Applied } from './applied.ts';
import type { AppliedLookup } from './lookups.ts';
import { type Loss, of } from './stakes.ts';

interface OtherTopic {
  readonly table: string;
  readonly was: string;
  readonly is: string;
}

/** Without those of what an older version stored, which says nothing of them. */
export function otherTopics(was: Applied | null, is: Applied): readonly OtherTopic[] {
  const former = was?.lookups ?? [];
  const read = new Set(former.map(({ topic }) => topic));
  const moved = new Map<string, OtherTopic>();
  for (const { id, step, table, topic, schema } of is.lookups ?? []) {
    const isHere = (one: AppliedLookup) => one.id === id && one.step === step;
    const old =
      former.find((one) => isHere(one) && one.table === table) ??
      // Another name, and rows of the same kind: unless it is a table that there was before.
      former.find((one) => isHere(one) && one.schema === schema && !read.has(topic)) ??
      former.find((one) => !former.some(isHere) && one.table === table);
    if (old === undefined || old.topic === topic) continue;
    moved.set(`${old.topic} ${topic}`, { table, was: old.topic, is: topic });
  }
  return [...moved.values()];
}

export async function tableLosses(
  log: Pick<Log, 'read' | 'partitionsOf'>,
  was: Applied | null,
  is: Applied,
): Promise<readonly Loss[]> {
  const losses: Loss[] = [];
  for (const other of otherTopics(was, is)) {
    const keys = await keysOf(log, other.was);
    if (keys.size > 0) for (const key of await keysOf(log, other.is)) keys.delete(key);
    if (keys.size === 0) continue;
    const what = `${of(keys.size, 'row')} of ${other.was} would not be found.`;
    losses.push(lossOf(other, keys.size, what));
  }
  return losses;
}

/** Without a log: what the engine fills by itself has all that there is. */
export function possibleTableLosses(was: Applied, is: Applied): readonly Loss[] {
  return otherTopics(was, is)
    .filter((other) => !isEngineTopic(other.is))
    .map((other) => lossOf(other, 0, `the rows of ${other.was} would not be found.`));
}

function lossOf({ table, is }: OtherTopic, count: number, rows: string): Loss {
  const what = `table "${table}" is read from ${is} now: ${rows}`;
  return { code: 'CAR826', of: table, step: 'topic', changelog: '', count, unit: 'rows', what };
}

/** Of the rows that are there. */
async function keysOf(
  log: Pick<Log, 'read' | 'partitionsOf'>,
  topic: string,
): Promise<Set<string>> {
  const keys = new Set<string>();
  if ((await log.partitionsOf(topic)) === undefined) return keys;
  for await (const records of log.read(topic, { from: 'start', follow: false })) {
    for (const { key, valueBytes } of records) {
      if (key === null) continue;
      if (valueBytes === null) keys.delete(key);
      else keys.add(key);
    }
  }
  return keys;
}
