/**
 * The worker thread of an embedded deployment: the SQLite log and all that is synchronous on it —
 * streams, registration, presence, and the inbox sink, whose rows so share the log's transactions.
 * The main thread has the sockets: gateway, ingest, and the sinks that wait for a network.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { serveLog } from '../../connectors/embedded/bridge.ts';
import { openEmbeddedInbox } from '../../connectors/embedded/inbox.ts';
import { openEmbeddedLog } from '../../connectors/embedded/log.ts';
import { openSchemaIds } from '../../connectors/embedded/schema-ids.ts';
import { steadyClock, systemClock } from '../../core/clock.ts';
import { CarillonError, CarillonErrors, type Diagnostic } from '../../core/error.ts';
import type { LogLine } from '../../gateway/problem.ts';
import type { Losing } from '../../runtime/edits/judge.ts';
import { topicSpecs } from '../../runtime/engine.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import type { Deployment, EmbeddedLogSettings } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { secretsOf } from '../secrets.ts';
import { apply, judge } from './apply.ts';
import { Part } from './part.ts';
import { EMBEDDED_IN_FILE, EMBEDDED_STREAMS } from './policies.ts';
import { chooseRoles, splitRoles } from './roles.ts';
import { openSchemas } from './topology.ts';

type LogFacts = Parameters<LogLine>[1];
type LogLevel = NonNullable<Parameters<LogLine>[2]>;

export interface WorkerStart {
  readonly deployment: Deployment;
  readonly folder: string;
  readonly losing: Losing;
  /** Settings of connectors beside the deployment's. */
  readonly connectors: Deployment['connectors'];
  /** The bridge's end for this thread. */
  readonly log: MessagePort;
}

export interface FailedError {
  readonly code: string;
  readonly what: string;
  readonly mend: string;
  readonly at: string;
}

/** From the main thread. */
export type ToEngine =
  | { readonly kind: 'snapshot'; readonly id: number }
  | { readonly kind: 'stop' };

/** To the main thread. `failed` ends the thread. */
export type FromEngine =
  | { readonly kind: 'ready' }
  | { readonly kind: 'snapshot'; readonly id: number; readonly flow: unknown }
  | { readonly kind: 'said'; readonly sentence: string; readonly error: string }
  | {
      readonly kind: 'told';
      readonly sentence: string;
      readonly facts: LogFacts;
      readonly level?: LogLevel;
    }
  | {
      readonly kind: 'failed';
      readonly errors: readonly FailedError[];
    }
  | { readonly kind: 'stopped' };

async function start(
  port: MessagePort,
  { deployment, folder, losing, connectors, log: bridge }: WorkerStart,
): Promise<void> {
  const tell = (message: FromEngine) => port.postMessage(message);
  const settings = deployment.log as EmbeddedLogSettings;
  const topology = await loadTopology(deployment, { folder, env: process.env });
  const log = openEmbeddedLog({
    dir: deployment.dataFolder,
    clock: systemClock,
    synchronous: settings.synchronous,
    onDroppedUnread: ({ topic, partition, first, last }) =>
      tell({
        kind: 'said',
        sentence: 'Records were deleted by age before a group had read them.',
        error: `${topic}/${partition}, offsets ${first} to ${last}`,
      }),
    ...(settings.retentionMs === undefined ? {} : { retentionMs: settings.retentionMs }),
    ...(settings.bytesMax === undefined ? {} : { bytesMax: settings.bytesMax }),
  });
  const registry = openSchemaIds(log);
  const inbox = openEmbeddedInbox(log, topology.plan.priorities);
  const schemas = new AvroSchemas(topology.schemas, registry, systemClock);
  await judge({ topology, log, losing }, schemas);
  await log.applyTopics(topicSpecs(topology.plan, deployment.partitions));
  const commits = { streamsCommit: EMBEDDED_STREAMS, sinksCommit: EMBEDDED_IN_FILE };
  const before = await apply({
    ...{ deployment, topology, log, registry, inbox, ...commits, losing },
    secrets: secretsOf(deployment),
    connectors,
    keepsInTransaction: true,
    say: (sentence, facts, level) =>
      tell({ kind: 'told', sentence, facts: plainFacts(facts), ...(level && { level }) }),
  });
  await openSchemas(schemas, topology.plan, (sentence, facts) =>
    tell({ kind: 'told', sentence, facts: plainFacts(facts) }),
  );
  const part = await Part.start({
    deployment,
    topology,
    roles: chooseRoles(topology.plan, splitRoles(topology.plan).worker),
    log,
    schemas,
    registry,
    inbox,
    clock: systemClock,
    taskClock: steadyClock(),
    secrets: { secret: '', internalToken: '' },
    gatewayId: '',
    ...commits,
    before,
    keepsInTransaction: true,
    say: (sentence, facts) => tell({ kind: 'said', sentence, error: String(facts?.error ?? '') }),
    random: Math.random,
  });
  serveLog(bridge, log, { registry, inbox });
  port.on('message', async (message: ToEngine) => {
    if (message.kind === 'snapshot') {
      tell({ kind: 'snapshot', id: message.id, flow: await part.snapshot() });
      return;
    }
    await part.close();
    await log.close();
    tell({ kind: 'stopped' });
    port.close();
    bridge.close();
  });
  tell({ kind: 'ready' });
}

function plainFacts(facts: LogFacts): LogFacts {
  const { error, ...rest } = facts;
  if (error === undefined) return rest;
  return { ...rest, error: error instanceof Error ? error.message : String(error) };
}

function failedErrors(error: unknown): readonly FailedError[] {
  if (error instanceof CarillonErrors) return error.diagnostics.map(failedError);
  if (error instanceof CarillonError) return [failedError(error)];
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [{ code: 'CAR943', what, mend: '', at: '' }];
}

function failedError({ code, what, mend, where }: Diagnostic): FailedError {
  return { code, what, mend, at: where.at ?? where.file ?? '' };
}

if (parentPort !== null) {
  const port = parentPort;
  start(port, workerData as WorkerStart).catch((error: unknown) => {
    const failed: FromEngine = { kind: 'failed', errors: failedErrors(error) };
    port.postMessage(failed);
    port.close();
    (workerData as WorkerStart).log.close();
  });
}
