/** `carillon run`: the pipeline of the deployment, until Ctrl-C. */
import { pino } from 'pino';
import { CarillonError } from '../../core/error.ts';
import type { LogLine } from '../../gateway/problem.ts';
import type { Losing } from '../../runtime/edits/judge.ts';
import { type Deployment, readDeployment } from '../deployment.ts';
import { isReloadable } from '../run/check-reload.ts';
import { formerOf } from '../run/former-topology.ts';
import { HangUps } from '../run/hang-ups.ts';
import { ReloadingPipeline } from '../run/reloading.ts';
import { canBeRun, rollAtHangUps } from '../run/rolling.ts';
import type { Running, RunOptions } from '../run/running.ts';
import { checkWorkers, deploymentOfWorker, Workers, workerNumber } from '../run/workers.ts';
import { EXIT_ERRORS, EXIT_OK, showError } from '../show-error.ts';
import { untilSignal } from '../until-signal.ts';

export interface RunArguments {
  readonly deployment?: string;
  readonly processors?: readonly string[];
  readonly role?: readonly string[];
  readonly workers?: number;
  readonly drain?: boolean;
  readonly drop?: boolean;
  readonly force?: boolean;
}

/** Errors as facts: their code and words, never a stack with what it may hold. */
export function logLines(write = pino({ base: baseOf(workerNumber()) })): LogLine {
  return (sentence, facts, level) => {
    const { error, ...rest } = facts ?? {};
    const said = error instanceof Error ? error.message : error;
    const told = error === undefined ? rest : { ...rest, error: said };
    write[level ?? (error === undefined ? 'info' : 'warn')](told, sentence);
  };
}

const baseOf = (worker: number | undefined) => (worker === undefined ? null : { worker });

function losingOf({ drain = false, drop = false }: RunArguments): Losing {
  if (drain && drop) {
    const what = '--drain and --drop: what an edit leaves behind is either told or dropped.';
    throw new CarillonError('CAR900', what, { where: { at: '--drop' } });
  }
  if (drop) return 'drop';
  return drain ? 'drain' : 'refuse';
}

export async function run(args: RunArguments): Promise<number> {
  const { deployment: file, processors } = args;
  const losing = losingOf(args);
  const folder = process.cwd();
  const worker = workerNumber();
  const read = () => {
    const all = readDeployment({ file, folder, env: process.env, processors });
    return worker === undefined ? all : deploymentOfWorker(all, worker);
  };
  const deployment = read();
  const { workers = deployment.workers } = args;
  checkWorkers(workers, deployment);
  const say = logLines();
  if (workers > 1 && worker === undefined) {
    return await runWorkers(workers, say, () => canBeRun(read(), folder, losing));
  }
  const started = performance.now();
  const pipeline: ReloadingPipeline = new ReloadingPipeline(deployment, {
    say,
    open: async (of) => {
      const running = await opened(of, args, {
        folder,
        say,
        losing,
        edits: () => pipeline.refusal,
      });
      say('The pipeline runs.', {
        topology: running.plan.topology,
        hash: running.plan.hash,
        url: running.url,
        health: running.healthUrl,
        startedMs: Math.round(performance.now() - started),
      });
      return running;
    },
    read,
    check: (next, running) => isReloadable(next, running, folder),
    former: (of) => formerOf(of, pipeline.running),
  });
  await pipeline.start();
  answerParent(() => pipeline.running);
  const end = await untilEnd(pipeline);
  if (typeof end === 'object') {
    process.stderr.write(showError(end.error, { trace: process.env.CARILLON_TRACE === '1' }).text);
    return EXIT_ERRORS;
  }
  say('The pipeline stops.', { signal: end });
  await pipeline.running.close();
  if (process.connected) process.disconnect();
  say('The pipeline has stopped.', {});
  return EXIT_OK;
}

/** This process listens, and its workers do the rest; at SIGHUP they are started anew, in turn. */
async function runWorkers(
  count: number,
  say: LogLine,
  check: () => Promise<void>,
): Promise<number> {
  const workers = new Workers(say);
  workers.start(count);
  void untilSignal().then((end) => {
    say('The workers stop.', { signal: end });
    workers.stop();
  });
  const hangUps = new HangUps();
  void rollAtHangUps(workers, hangUps, say, check);
  const code = await workers.ended;
  hangUps.close();
  say('The workers have stopped.', {});
  return code;
}

/** Ctrl-C and a hang-up reach workers too: who started them says when they stop. */
function signalsOf(worker: number | undefined): readonly NodeJS.Signals[] {
  if (worker === undefined) return ['SIGINT', 'SIGTERM'];
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});
  return ['SIGTERM'];
}

async function opened(
  deployment: Deployment,
  { role = ['all'], force = false }: RunArguments,
  options: RunOptions,
): Promise<Running> {
  if (deployment.log.kind === 'embedded') {
    const { runEmbedded } = await import('../run/embedded.ts');
    return await runEmbedded(deployment, options);
  }
  const { runDistributed } = await import('../run/distributed.ts');
  return await runDistributed(deployment, role, { ...options, force });
}

/**
 * On Kafka each process takes an edit by itself: whoever sends them SIGHUP decides when; of
 * workers, who has started them.
 */
async function untilEnd(
  pipeline: ReloadingPipeline,
): Promise<NodeJS.Signals | { readonly error: unknown }> {
  const signal = untilSignal(signalsOf(workerNumber()));
  const hangUps = workerNumber() === undefined ? new HangUps() : undefined;
  try {
    for (;;) {
      const failed = pipeline.running.ended.catch((error: unknown) => ({ error }));
      const next = await Promise.race([signal, failed, ...(hangUps ? [hangUps.next()] : [])]);
      if (next !== 'SIGHUP') return next;
      await pipeline.reload();
    }
  } catch (error) {
    return { error };
  } finally {
    hangUps?.close();
  }
}

/**
 * Whoever started this process with a channel may ask how it is (a live view over many processes).
 */
function answerParent(now: () => Running): void {
  if (process.send === undefined) return;
  process.on('message', async (message: { readonly ask?: string }) => {
    if (message.ask !== 'flow') return;
    const running = now();
    const flow = await running.snapshot();
    process.send?.({ flow, connections: running.connections(), url: running.url });
  });
  process.send({ runs: true });
}
