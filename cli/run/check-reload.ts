/** Whether an edit can be taken by the process that runs. */
import { CarillonError } from '../../core/error.ts';
import { refuseLosses } from '../../runtime/edits/judge.ts';
import type { Deployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { storedEditIfNew } from '../stored-edit.ts';
import type { Running } from './running.ts';

/**
 * False: it is what runs. Throws what `check` finds, what `plan` says would be lost, and CAR973 for
 * modules of one's own: a process loads their code once.
 */
export async function isReloadable(
  next: Deployment,
  { plan: is }: Pick<Running, 'plan'>,
  folder: string,
): Promise<boolean> {
  const loaded = await loadTopology(next, { folder, env: process.env });
  if (loaded.plan.hash === is.hash) return false;
  if (next.processors.length > 0) {
    throw new CarillonError('CAR973', 'it has steps or sinks of its own, whose code is loaded.', {
      where: { at: 'processors' },
    });
  }
  const edit = await storedEditIfNew(next, loaded);
  if (edit !== undefined) refuseLosses(edit);
  return true;
}
