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
  const { deployment: file, processors, workers = 1 } = args;
  const losing = losingOf(args);
  const folder = process.cwd();
  const worker = workerNumber();
  const read = () => {
    const all = readDeployment({ file, folder, env: process.env, processors });
    return worker === undefined ? all : deploymentOfWorker(all, worker);
  };
  const deployment = read();
  checkWorkers(workers, deployment);
  const say = logLines();
  if (workers > 1 && worker === undefined) return await runWorkers(workers, say);
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

/** This process listens, and its workers do the rest. */
async function runWorkers(count: number, say: LogLine): Promise<number> {
  const workers = new Workers(say);
  workers.start(count);
  const signal = untilSignal().then((end) => {
    say('The workers stop.', { signal: end });
    workers.stop();
  });
  void signal;
  const code = await workers.ended;
  say('The workers have stopped.', {});
  return code;
}

/** Ctrl-C reaches workers too: the process that started them says when they stop. */
function signalsOf(worker: number | undefined): readonly NodeJS.Signals[] {
  if (worker === undefined) return ['SIGINT', 'SIGTERM'];
  process.on('SIGINT', () => {});
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

/** On Kafka each process takes an edit by itself: whoever sends them SIGHUP decides when. */
async function untilEnd(
  pipeline: ReloadingPipeline,
): Promise<NodeJS.Signals | { readonly error: unknown }> {
  const signal = untilSignal(signalsOf(workerNumber()));
  const hangUps = new HangUps();
  try {
    for (;;) {
      const failed = pipeline.running.ended.catch((error: unknown) => ({ error }));
      const next = await Promise.race([signal, failed, hangUps.next()]);
      if (next !== 'SIGHUP') return next;
      await pipeline.reload();
    }
  } catch (error) {
    return { error };
  } finally {
    hangUps.close();
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
