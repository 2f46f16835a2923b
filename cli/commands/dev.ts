/**
 * `carillon dev`: a topology while it is written. At every save it is checked, its tests are run,
 * and it is tried on sample events: what each step would pass and drop.
 */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { readDeployment } from '../deployment.ts';
import { runSamples, type SampledRun } from '../drive/sampled-run.ts';
import { loadTopology, shownPath } from '../load-topology.ts';
import { filesOf } from '../modules/code-hash.ts';
import { EXIT_ERRORS, EXIT_OK, showError } from '../show-error.ts';
import { testOf } from '../test-files.ts';
import { untilSignal } from '../until-signal.ts';
import { test } from './test.ts';

export interface DevOptions {
  readonly deployment?: string;
  readonly processors?: readonly string[];
  readonly once?: boolean;
  readonly seed: number;
  readonly events: number;
}

/** Looked at, not watched: editors replace files, and file systems tell of that in many ways. */
const LOOK_EVERY_MS = 300;
const MEMBERS = 12;

export async function dev(file: string | undefined, options: DevOptions): Promise<number> {
  const folder = process.cwd();
  const { deployment: named, processors } = options;
  const deployment = readDeployment({ file: named, folder, env: process.env, processors });
  const topology = file === undefined ? deployment.topology : resolve(folder, file);
  const tests = testOf(topology);
  const look = () => {
    const modules = deployment.processors.flatMap((module) => [...filesOf(module)]);
    return [topology, tests, ...deployment.schemas, ...modules].map(changedAt).join();
  };
  const tryOut = () => tried(topology, tests, options);
  if (options.once === true) return (await tryOut()) ? EXIT_OK : EXIT_ERRORS;
  let seen = '';
  let isBusy = false;
  const timer = setInterval(async () => {
    const now = look();
    if (isBusy || now === seen) return;
    seen = now;
    isBusy = true;
    if (process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[H');
    await tryOut();
    const at = new Date(systemClock.now()).toTimeString().slice(0, 8);
    process.stdout.write(`\n${at}  ${shownPath(topology, folder)} is looked at; Ctrl-C ends.\n`);
    isBusy = false;
  }, LOOK_EVERY_MS);
  await untilSignal();
  clearInterval(timer);
  return EXIT_OK;
}

/** True: nothing is wrong. What is wrong is told, and the next save is waited for. */
async function tried(topology: string, tests: string, options: DevOptions): Promise<boolean> {
  const folder = process.cwd();
  const { deployment: file, processors = [], seed, events } = options;
  try {
    const deployment = readDeployment({ file, folder, env: process.env, processors });
    const { plan, schemas } = await loadTopology(deployment, {
      folder,
      env: process.env,
      file: topology,
    });
    const place = { processors, ...(file === undefined ? {} : { deployment: file }) };
    const failed = existsSync(tests) ? await test([tests], place) : EXIT_OK;
    process.stdout.write(
      sampledText(await runSamples(plan, schemas, { seed, events, members: MEMBERS })),
    );
    return failed === EXIT_OK;
  } catch (error) {
    process.stdout.write(showError(error).text);
    return false;
  }
}

function changedAt(path: string): number {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function sampledText({ events, streams, told }: SampledRun): string {
  if (events === 0) return '\nNo samples: no stream reads a topic events.<type>.\n';
  const lines = [`\n${events} sample events, on a clock that is moved\n`];
  for (const { stream, in: fed, steps } of streams) {
    lines.push(`\n  ${stream}  ${fed} in\n`);
    const width = Math.max(...steps.map(({ step }) => step.length));
    for (const { step, passed, dropped } of steps) {
      const reasons = Object.entries(dropped).map(([reason, count]) => `−${count} ${reason}`);
      const line = `    ${step.padEnd(width)}  ${String(passed).padStart(6)}  ${reasons.join('  ')}`;
      lines.push(`${line.trimEnd()}\n`);
    }
  }
  const sinks = Object.entries(told).map(([sink, count]) => `${sink} ${count}`);
  lines.push(`\n  told by ${sinks.length === 0 ? 'no sink' : sinks.join(', ')}\n`);
  return lines.join('');
}
