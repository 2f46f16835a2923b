/**
 * SIGHUP to the process that started the workers: what stands in the files now is looked at, and
 * if it can be run each worker in turn is started anew with it. Deployment config, topology,
 * certificates and keys are read again by each.
 */
import type { LogLine } from '../../gateway/problem.ts';
import { type Losing, refuseLosses } from '../../runtime/edits/judge.ts';
import type { Deployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { storedEdit } from '../stored-edit.ts';
import type { HangUps } from './hang-ups.ts';
import type { Workers } from './workers.ts';

/** Throws what `check` finds, and, where nothing may be lost, what `plan` says would be. */
export async function canBeRun(next: Deployment, folder: string, losing: Losing): Promise<void> {
  const loaded = await loadTopology(next, { folder, env: process.env });
  if (losing === 'refuse') refuseLosses(await storedEdit(next, loaded));
}

/** Until the workers have ended. One hang-up after the other. */
export async function rollAtHangUps(
  workers: Pick<Workers, 'roll'>,
  hangUps: Pick<HangUps, 'next'>,
  say: LogLine,
  check: () => Promise<void>,
): Promise<void> {
  for (;;) {
    await hangUps.next();
    try {
      await check();
    } catch (error) {
      say('SIGHUP: what stands in the files is not taken; the workers run as before.', { error });
      continue;
    }
    say('SIGHUP: the workers are started anew, one after the other.', {});
    await workers.roll();
    say('SIGHUP: done.', {});
  }
}
