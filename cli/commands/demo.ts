/**
 * `carillon demo`, which `npm start` runs: the embedded pipeline with sample producers, sample
 * devices and local stand-ins of FCM and APNs, and a live view of the flow.
 */

import { randomUUID } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../../compiler/plan.ts';
import { makeFolder } from '../../connectors/make-folder.ts';
import { systemClock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import { mintToken } from '../../gateway/auth.ts';
import { startDashboard } from '../demo/dashboard.ts';
import type { LiveSnapshot } from '../demo/flow-snapshot.ts';
import { startSampleWorld } from '../demo/sample-world.ts';
import { type SampledTypes, sampledTypes } from '../demo/sampled-types.ts';
import type { ScreenLink } from '../demo/screen.ts';
import { type StandIns, startStandIns } from '../demo/stand-ins.ts';
import { readDeployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import type { Running } from '../run/running.ts';
import { unwritable } from '../secrets.ts';
import { EXIT_ERRORS, EXIT_OK, showError } from '../show-error.ts';
import { untilSignal } from '../until-signal.ts';

export interface DemoArguments {
  readonly deployment?: string;
  readonly rate: number;
  readonly members: number;
  readonly seed: number;
  readonly seconds?: number;
}

const TOKEN_MS = 3_600_000;
const LOG_FILE = 'demo.log';

export async function demo(options: DemoArguments): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  if (deployment.log.kind !== 'embedded') {
    throw new CarillonError('CAR900', 'the demo runs on the embedded log.', {
      where: { at: 'carillon demo' },
      mend: 'npm run start:cluster shows the same on Kafka and Cassandra',
    });
  }
  const say = fileLog(deployment.dataFolder);
  const { plan, schemas } = await loadTopology(deployment, { folder, env: process.env });
  const types = sampledTypes(plan, schemas);
  const standIns = await startStandIns(namesOf(plan));
  try {
    const { runEmbedded } = await import('../run/embedded.ts');
    const connectors = standIns.connectors;
    const running = await runEmbedded(deployment, { folder, say, connectors });
    return await show({ running, standIns, types }, options, say);
  } finally {
    await standIns.close();
  }
}

interface Shown {
  readonly running: Running;
  readonly standIns: StandIns;
  readonly types: SampledTypes;
}

async function show(
  { running, standIns, types }: Shown,
  options: DemoArguments,
  say: (sentence: string) => void,
): Promise<number> {
  const { secret } = running.secrets;
  const url = running.url!;
  const world = await startSampleWorld({
    url,
    seed: options.seed,
    run: randomUUID().slice(0, 8),
    members: options.members,
    types,
    words: running.plan.words,
    rate: options.rate,
    now: () => systemClock.now(),
    say,
    mintToken: (claims) => mintToken({ ...claims, secret, clock: systemClock, ttlMs: TOKEN_MS }),
  });
  const dashboard = startDashboard({
    snapshot: async (): Promise<LiveSnapshot> => ({
      flow: await running.snapshot(),
      connections: running.connections(),
    }),
    useCases: useCasesOf(running),
    mostUrgent: running.plan.priorities.nameOf(0),
    out: process.stdout,
    isTty: process.stdout.isTTY === true,
    colour: process.env.NO_COLOR === undefined,
    size: () => ({ columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 }),
    links: linksOf(running.healthUrl ?? url, types),
  });
  const end = await Promise.race([
    untilSignal(),
    running.ended.catch((error: unknown) => ({ error })),
    ...(options.seconds === undefined ? [] : [afterSeconds(options.seconds)]),
  ]);
  await world.stop();
  await dashboard.stop();
  await running.close();
  const { fcm, apns } = standIns.received();
  const { pushed, pulled } = world.counts;
  process.stdout.write(
    `Devices saw ${pushed} pushed and ${pulled} pulled notifications; the stand-ins took ${fcm} (FCM) ` +
      `and ${apns} (APNs).\nEnded cleanly; the next start goes on from here.\n`,
  );
  if (typeof end !== 'object') return EXIT_OK;
  process.stderr.write(showError(end.error, { trace: process.env.CARILLON_TRACE === '1' }).text);
  return EXIT_ERRORS;
}

function useCasesOf({ plan }: Running): string[] {
  const streams = plan.subTopologies.filter(({ role }) => role.startsWith('streams'));
  return [...new Set(streams.flatMap((sub) => sub.streams.map(({ name }) => name)))];
}

function linksOf(internalUrl: string, { known, bySchema, unsampled }: SampledTypes): ScreenLink[] {
  const type = known.includes('plan-change') ? 'plan-change' : (bySchema[0]?.type ?? known[0]);
  return [
    { what: 'look at it in a browser', how: 'npm run -s carillon -- console' },
    { what: 'act as a device', how: 'npm run -s carillon -- device --id my-tv --member m-1' },
    ...(type === undefined
      ? []
      : [
          { what: 'send an event', how: `npm run -s carillon -- produce --type ${type} --count 1` },
        ]),
    ...(unsampled.length === 0
      ? []
      : [
          {
            what: 'no samples',
            how: `go to ${unsampled.join(', ')}: the pipeline itself writes there`,
          },
        ]),
    { what: 'look into a topic', how: 'npm run -s carillon -- tail dead-letters' },
    { what: 'metrics, health', how: `${internalUrl}/metrics  /health/ready` },
  ];
}

/** As the topology's sinks name them, so that what is sent is what the stand-ins expect. */
function namesOf(plan: Plan): { project: string; bundle: string } {
  const setting = (type: string, name: string, fallback: string) => {
    const sink = plan.sinks.find(({ spec }) => spec.type === type);
    return String(sink?.config[name] ?? fallback);
  };
  return {
    project: setting('fcm', 'project', 'carillon-sample'),
    bundle: setting('apns', 'bundle', 'com.example.carillon'),
  };
}

/** Sentences of the pipeline go to a file: the screen belongs to the live view. */
function fileLog(dataFolder: string): (sentence: string, facts?: object) => void {
  const file = join(dataFolder, LOG_FILE);
  try {
    makeFolder(dataFolder);
    writeFileSync(file, '');
  } catch (cause) {
    throw unwritable(dataFolder, cause);
  }
  return (sentence, facts) => {
    const { error, ...rest } = (facts ?? {}) as { error?: unknown };
    const said = error instanceof Error ? error.message : error;
    appendFileSync(file, `${JSON.stringify({ ...rest, error: said, sentence })}\n`);
  };
}

function afterSeconds(seconds: number): Promise<'time'> {
  return new Promise((resolve) => {
    setTimeout(() => resolve('time'), seconds * 1_000).unref();
  });
}
