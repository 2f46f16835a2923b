/** `carillon run`: the pipeline of the deployment, until Ctrl-C. */
import { pino } from 'pino';
import { CarillonError } from '../../core/error.ts';
import type { LogLine } from '../../gateway/problem.ts';
import type { Losing } from '../../runtime/edits/apply.ts';
import { readDeployment } from '../deployment.ts';
import type { Running } from '../run/running.ts';
import { EXIT_ERRORS, EXIT_OK, showError } from '../show-error.ts';
import { untilSignal } from '../until-signal.ts';

export interface RunArguments {
  readonly deployment?: string;
  readonly processors?: readonly string[];
  readonly role?: readonly string[];
  readonly drain?: boolean;
  readonly drop?: boolean;
  readonly force?: boolean;
}

/** Errors as facts: their code and words, never a stack with what it may hold. */
export function logLines(write = pino({ base: null })): LogLine {
  return (sentence, facts, level) => {
    const { error, ...rest } = facts ?? {};
    const said = error instanceof Error ? error.message : error;
    const told = error === undefined ? rest : { ...rest, error: said };
    write[level ?? (error === undefined ? 'info' : 'warn')](told, sentence);
  };
}

function losingOf({ drain = false, drop = false }: RunArguments): Losing {
  if (drain && drop) {
    const what = '--drain and --drop: what an edit leaves behind is either told or dropped.';
    throw new CarillonError('CAR900', what, { where: { at: '--drop' } });
  }
  if (drop) return 'drop';
  return drain ? 'drain' : 'refuse';
}

export async function run(args: RunArguments): Promise<number> {
  const { deployment: file, processors, role, force = false } = args;
  const losing = losingOf(args);
  const folder = process.cwd();
  const deployment = readDeployment({ file, folder, env: process.env, processors });
  const say = logLines();
  const started = performance.now();
  let running: Running;
  if (deployment.log.kind === 'embedded') {
    const { runEmbedded } = await import('../run/embedded.ts');
    running = await runEmbedded(deployment, { folder, say, losing });
  } else {
    const { runDistributed } = await import('../run/distributed.ts');
    running = await runDistributed(deployment, role ?? ['all'], { folder, say, losing, force });
  }
  say('The pipeline runs.', {
    topology: running.plan.topology,
    hash: running.plan.hash,
    url: running.url,
    health: running.healthUrl,
    startedMs: Math.round(performance.now() - started),
  });
  answerParent(running);
  const end = await Promise.race([
    untilSignal(),
    running.ended.catch((error: unknown) => ({ error })),
  ]);
  if (typeof end === 'object') {
    process.stderr.write(showError(end.error, { trace: process.env.CARILLON_TRACE === '1' }).text);
    return EXIT_ERRORS;
  }
  say('The pipeline stops.', { signal: end });
  await running.close();
  if (process.connected) process.disconnect();
  say('The pipeline has stopped.', {});
  return EXIT_OK;
}

/**
 * Whoever started this process with a channel may ask how it is (a live view over many processes).
 */
function answerParent(running: Running): void {
  if (process.send === undefined) return;
  process.on('message', async (message: { readonly ask?: string }) => {
    if (message.ask !== 'flow') return;
    const flow = await running.snapshot();
    process.send?.({ flow, connections: running.connections(), url: running.url });
  });
  process.send({ runs: true });
}
