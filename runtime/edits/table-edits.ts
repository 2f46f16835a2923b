/**
 * What an edit means for tables that are joined. Rows and position of one stay together, as both
 * are named by its topic; where a group has it anew, it begins anew with both: what it may have of
 * an earlier time has missed the tombstones that were compacted away since.
 */
import type { EditableLog, GroupPosition, PositionReader } from '../../core/log.ts';
import type { Applied, AppliedTable } from './applied.ts';
import type { GroupEdit } from './planned-positions.ts';
import { readRows, writeRows } from './state-rows.ts';

/** Tables that a group joins now, and did not before. Null: nothing is stored of what ran. */
export function begunTables(was: Applied | null, is: Applied): readonly AppliedTable[] {
  if (was === null) return [];
  const former = new Set(was.tables?.map(({ changelog }) => changelog));
  return (is.tables ?? []).filter(({ changelog }) => !former.has(changelog));
}

/** Back to the starts of their topics, where a group stands elsewhere. */
export async function tablePositions(
  positions: PositionReader,
  begun: readonly AppliedTable[],
): Promise<readonly GroupEdit[]> {
  const edits: GroupEdit[] = [];
  for (const { group, topic } of begun) {
    const bounds = (await positions.bounds(topic)) ?? [];
    const set: GroupPosition[] = [];
    for (const { partition, offset } of await positions.committed(group, [topic])) {
      const start = bounds[partition]?.start ?? 0;
      if (offset > start) set.push({ topic, partition, offset: start, metadata: '' });
    }
    if (set.length > 0) edits.push({ group, set });
  }
  return edits;
}

export async function emptyTables(
  log: EditableLog,
  begun: readonly AppliedTable[],
  nowMs: number,
): Promise<void> {
  if (begun.length === 0) return;
  const producer = await log.producer();
  try {
    for (const { changelog } of begun) {
      await writeRows(producer, changelog, await readRows(log, changelog), new Map(), nowMs);
    }
  } finally {
    await producer.close();
  }
}
