/**
 * What a task begins with: a checkpoint of this host where one fits, and the changelogs behind it.
 */
import type { GroupSpec } from '../../core/log.ts';
import type { ChangelogNow, Checkpoints } from './checkpoint.ts';
import type { TaskParts } from './task.ts';
import type { TaskStart } from './task-start.ts';

type Kept = Pick<TaskParts, 'start' | 'checkpoint' | 'keep'>;

export async function begunWith(
  checkpoints: Checkpoints | undefined,
  spec: GroupSpec,
  partition: number,
  start: TaskStart,
): Promise<Kept> {
  if (checkpoints === undefined || spec.stores.length === 0 || !spec.transactional) {
    return { start };
  }
  const of = { ...spec, partition };
  const keep: Kept['keep'] = (covered, rows) => checkpoints.write(of, covered, rows);
  const now = new Map<string, ChangelogNow>();
  for (const { changelog } of spec.stores) {
    const { offset: low, end } = start.offsets.get(changelog)!;
    const id = start.marks.idOf(changelog);
    now.set(changelog, { id, low, end, noted: start.noted?.get(changelog) });
  }
  const checkpoint = await checkpoints.find(of, now);
  if (checkpoint === undefined) return { start, keep };
  const offsets = new Map(start.offsets);
  for (const [changelog, offset] of checkpoint.offsets) {
    offsets.set(changelog, { offset, end: start.offsets.get(changelog)!.end });
  }
  return { start: { ...start, offsets }, checkpoint, keep };
}
