/**
 * `carillon topics plan|apply`: what a topology needs of the log, compared with what is there; and
 * what is missing made. Topics that are there are never changed: each difference is told with the
 * command that mends it.
 */
import { resolve } from 'node:path';
import { formatDuration } from '../../core/duration.ts';
import { type CarillonError, CarillonErrors } from '../../core/error.ts';
import type { TopicSpec } from '../../core/log.ts';
import { topicSpecs } from '../../runtime/engine.ts';
import { type Deployment, readDeployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { openLogReaderIfMade } from '../log-reader.ts';
import { openLog } from '../open-log.ts';
import { EXIT_ERRORS, EXIT_OK, showError } from '../show-error.ts';
import { topicDifferences } from '../topic-differences.ts';

export interface TopicsOptions {
  readonly deployment?: string;
  readonly format: 'pretty' | 'json';
}

interface Planned {
  readonly spec: TopicSpec;
  readonly state: 'there' | 'missing' | 'differs';
  readonly differences: readonly CarillonError[];
}

/** Ends with 1 when a topic is there otherwise than the topology needs it. */
export async function topics(
  what: 'plan' | 'apply',
  file: string | undefined,
  { deployment: at, format }: TopicsOptions,
): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({ file: at, folder, env: process.env });
  const { plan } = await loadTopology(deployment, {
    folder,
    env: process.env,
    file: file === undefined ? undefined : resolve(folder, file),
  });
  const planned = await compare(topicSpecs(plan, deployment.partitions), deployment);
  const missing = planned.filter(({ state }) => state === 'missing');
  if (what === 'apply') await make(missing, deployment);
  const replicas = replicasOf(deployment);
  if (format === 'json') {
    process.stdout.write(
      `${JSON.stringify(
        planned.map((one) => plain(one, replicas)),
        null,
        2,
      )}\n`,
    );
  } else if (what === 'plan') {
    process.stdout.write(table(planned, replicas));
    process.stdout.write(`\n${missing.length} of ${planned.length} topics would be made.\n`);
  } else {
    process.stdout.write(missing.length === 0 ? '' : table(missing, replicas));
    process.stdout.write(`${missing.length} topics were made, ${planned.length} are there.\n`);
  }
  const differences = planned.flatMap((one) => one.differences);
  if (differences.length === 0) return EXIT_OK;
  process.stderr.write(showError(new CarillonErrors(differences)).text);
  return EXIT_ERRORS;
}

async function make(missing: readonly Planned[], deployment: Deployment): Promise<void> {
  const log = await openLog(deployment);
  try {
    await log.applyTopics(missing.map(({ spec }) => spec));
  } finally {
    await log.close();
  }
}

async function compare(specs: readonly TopicSpec[], deployment: Deployment): Promise<Planned[]> {
  const reader = await openLogReaderIfMade(deployment);
  try {
    const found = await reader?.found(specs.map(({ name }) => name));
    const replicas = replicasOf(deployment);
    const brokers = deployment.log.kind === 'kafka' ? deployment.log.brokers : [];
    return specs.map((spec) => {
      const there = found?.get(spec.name);
      if (there === undefined) return { spec, state: 'missing', differences: [] };
      const differences = topicDifferences({ spec, replicas, brokers }, there);
      return { spec, state: differences.length === 0 ? 'there' : 'differs', differences };
    });
  } finally {
    await reader?.close();
  }
}

/** Undefined: as the brokers have it by default, or on an embedded log. */
function replicasOf({ log }: Deployment): number | undefined {
  return log.kind === 'kafka' && log.replicationFactor > 0 ? log.replicationFactor : undefined;
}

function plain({ spec, state, differences }: Planned, replicas: number | undefined): object {
  const { name, partitions, cleanup, retentionMs = null } = spec;
  return {
    ...{ name, partitions, replicas: replicas ?? null, cleanup, retentionMs, state },
    differences: differences.map(({ code, what, mend }) => ({ code, what, mend })),
  };
}

function table(planned: readonly Planned[], replicas: number | undefined): string {
  const width = Math.max(...planned.map(({ spec }) => spec.name.length));
  const copies = replicas === undefined ? '' : `× ${replicas}  `;
  return planned
    .map(({ spec, state, differences }) => {
      const { name, partitions, cleanup, retentionMs } = spec;
      const kept = retentionMs === undefined ? '' : formatDuration(retentionMs);
      const needs = `${String(partitions).padStart(4)}  ${copies}${cleanup.padEnd(14)}  ${kept.padEnd(6)}`;
      const codes = [...new Set(differences.map(({ code }) => code))].join(', ');
      return `${name.padEnd(width)}  ${needs}  ${state}${codes === '' ? '' : `: ${codes}`}\n`;
    })
    .join('');
}
