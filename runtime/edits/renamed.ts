/** Another name of a topology is no edit of it: nothing is carried along. */
import { CarillonError } from '../../core/error.ts';
import { type Applied, appliedTopic } from './applied.ts';
import { readApplied, type StoredLog } from './comparison.ts';

/** Throws CAR817 when what has run on this log under another name has streams of the same ids. */
export async function refuseRenamed(log: StoredLog, is: Applied): Promise<void> {
  const own = appliedTopic(is.topology).name;
  const ending = appliedTopic('').name;
  for (const topic of await log.positions.topics()) {
    if (topic === own || !topic.endsWith(ending)) continue;
    const other = await readApplied(log, topic.slice(0, -ending.length));
    if (other !== null) refuseOther(other, is);
  }
}

/** The same for two versions beside one another; of one name they are an edit. */
export function refuseOther(was: Applied, is: Applied): void {
  if (was.topology === is.topology) return;
  const ids = is.streams
    .filter(({ id, topic }) => was.streams.some((s) => s.id === id && s.topic === topic))
    .map(({ id }) => id);
  if (ids.length === 0) return;
  const what =
    `This log has run topology "${was.topology}", which has streams of the same ids (${ids.join(', ')}): ` +
    `"${is.topology}" would begin anew beside it.`;
  throw new CarillonError('CAR817', what, { where: { at: 'topology' } });
}
