/** `carillon topics plan|apply`: what a topology needs of the log, and makes it. */
import { resolve } from 'node:path';
import { formatDuration } from '../../core/duration.ts';
import type { TopicSpec } from '../../core/log.ts';
import { topicSpecs } from '../../runtime/engine.ts';
import { type Deployment, readDeployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { type LogReader, openLogReaderIfMade } from '../log-reader.ts';
import { openLog } from '../open-log.ts';
import { EXIT_ERRORS, EXIT_OK } from '../show-error.ts';

export interface TopicsOptions {
  readonly deployment?: string;
}

interface Planned {
  readonly spec: TopicSpec;
  readonly state: 'there' | 'missing' | 'differs';
  readonly note: string;
}

/** `plan` exits with 1 when a topic is there otherwise than the topology needs it. */
export async function topics(
  what: 'plan' | 'apply',
  file: string | undefined,
  options: TopicsOptions,
): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  const { plan } = await loadTopology(deployment, {
    folder,
    env: process.env,
    file: file === undefined ? undefined : resolve(folder, file),
  });
  const specs = topicSpecs(plan, deployment.partitions);
  const planned = await compare(specs, deployment);
  const missing = planned.filter(({ state }) => state === 'missing');
  if (what === 'plan') {
    process.stdout.write(table(planned));
    const differs = planned.some(({ state }) => state === 'differs');
    process.stdout.write(`\n${missing.length} of ${planned.length} topics would be made.\n`);
    return differs ? EXIT_ERRORS : EXIT_OK;
  }
  const log = await openLog(deployment);
  try {
    await log.applyTopics(specs);
  } finally {
    await log.close();
  }
  process.stdout.write(missing.length === 0 ? '' : table(missing));
  process.stdout.write(`${missing.length} topics were made, ${planned.length} are there.\n`);
  return EXIT_OK;
}

async function compare(specs: readonly TopicSpec[], deployment: Deployment): Promise<Planned[]> {
  const reader = await openLogReaderIfMade(deployment);
  try {
    const planned: Planned[] = [];
    for (const spec of specs) planned.push(await compareOne(spec, reader));
    return planned;
  } finally {
    await reader?.close();
  }
}

async function compareOne(spec: TopicSpec, reader: LogReader | undefined): Promise<Planned> {
  const partitions = await reader?.partitionsOf(spec.name);
  if (partitions === undefined) return { spec, state: 'missing', note: '' };
  if (partitions !== spec.partitions) {
    return { spec, state: 'differs', note: `has ${partitions} partitions` };
  }
  const there = await reader?.specOf(spec.name);
  if (there !== undefined && there.cleanup !== spec.cleanup) {
    return { spec, state: 'differs', note: `has cleanup ${there.cleanup}` };
  }
  return { spec, state: 'there', note: '' };
}

function table(planned: readonly Planned[]): string {
  const width = Math.max(...planned.map(({ spec }) => spec.name.length));
  return planned
    .map(({ spec, state, note }) => {
      const { name, partitions, cleanup, retentionMs } = spec;
      const kept = retentionMs === undefined ? '' : formatDuration(retentionMs);
      const about = `${String(partitions).padStart(4)}  ${cleanup.padEnd(14)}  ${kept.padEnd(6)}`;
      return `${name.padEnd(width)}  ${about}  ${state}${note === '' ? '' : `: ${note}`}\n`;
    })
    .join('');
}
