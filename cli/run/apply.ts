/** Before any group is joined: the topology is applied to what its former version has left. */

import type { SinkPlan } from '../../compiler/plan.ts';
import { systemClock } from '../../core/clock.ts';
import type { InboxStore } from '../../core/inbox.ts';
import type { EditableLog } from '../../core/log.ts';
import type { Sink } from '../../core/spec.ts';
import type { LogLine } from '../../gateway/problem.ts';
import { applyTopology } from '../../runtime/edits/apply.ts';
import type { Former } from '../../runtime/edits/drain.ts';
import { judgeTopology, type Losing } from '../../runtime/edits/judge.ts';
import { Engine, topicSpecs } from '../../runtime/engine.ts';
import type { StepFlow } from '../../runtime/streams/streams-task.ts';
import type { CommitPolicy } from '../../runtime/unit.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import type { RegistryPort } from '../../schemas/registry.ts';
import type { Deployment } from '../deployment.ts';
import { stateBytesMax } from '../deployment-state.ts';
import { compiledTopology, type LoadedTopology } from '../load-topology.ts';
import type { Secrets } from '../secrets.ts';
import { connectorSettings } from './connector-settings.ts';
import { Gateways, openSink, payloadService, type SinkServices } from './services.ts';
import { readTls } from './tls.ts';
import { schemaTopicsOf } from './topology.ts';

export interface ApplyOptions {
  readonly deployment: Deployment;
  readonly topology: LoadedTopology;
  readonly log: EditableLog;
  readonly registry: RegistryPort;
  readonly inbox: InboxStore | null;
  readonly secrets: Pick<Secrets, 'internalToken'>;
  /** Settings of connectors beside the deployment's. */
  readonly connectors?: Deployment['connectors'];
  /** See EngineParts: the embedded inbox shares the log's transactions. */
  readonly keepsInTransaction?: boolean;
  readonly streamsCommit: CommitPolicy;
  readonly sinksCommit: CommitPolicy;
  readonly losing: Losing;
  readonly say: LogLine;
}

/**
 * Refuses what can be refused by looking alone, before anything of the topology is made: a topic, a
 * version of a schema.
 */
export async function judge(
  { topology, log, losing }: Pick<ApplyOptions, 'topology' | 'log' | 'losing'>,
  schemas: AvroSchemas,
): Promise<void> {
  const { plan, text } = topology;
  await judgeTopology({ log, plan, text, clock: systemClock, losing });
  await schemas.judge(schemaTopicsOf(plan));
}

/** Gives what was counted on the way. */
export function apply(options: ApplyOptions): Promise<readonly StepFlow[]> {
  const { topology, log, deployment, losing, say } = options;
  return applyTopology({
    log,
    plan: topology.plan,
    text: topology.text,
    partitions: deployment.partitions,
    clock: systemClock,
    losing,
    former: (text) => formerOf(text, options),
    say,
  });
}

async function formerOf(text: string, options: ApplyOptions): Promise<Former> {
  const { deployment, log, registry, streamsCommit, sinksCommit, say } = options;
  const former = await compiledTopology(deployment, {
    file: 'the former topology',
    text,
    env: process.env,
    folder: process.cwd(),
  });
  const schemas = new AvroSchemas(former.schemas, registry, systemClock);
  await schemas.open(schemaTopicsOf(former.plan));
  await log.applyTopics(topicSpecs(former.plan, deployment.partitions));
  // A version of its own: the members of the former one keep no task beside it (rule D13).
  const plan = { ...former.plan, hash: `end of ${former.plan.hash}` };
  return {
    plan,
    open: (readTo) =>
      new Engine({
        plan,
        log,
        schemas,
        clock: systemClock,
        partitions: deployment.partitions,
        stateBytesMax: stateBytesMax(deployment.state),
        streamsCommit,
        sinksCommit,
        readTo,
        keepsInTransaction: options.keepsInTransaction ?? false,
        random: Math.random,
        onFailure: (error) => say('A task of the former topology has ended.', { error }),
      }),
    openSink: (sink) => openFormerSink(sink, schemas, options),
  };
}

/** Nobody holds a connection to this process yet: what is for a socket is told as offline. */
async function openFormerSink(
  sink: SinkPlan,
  schemas: AvroSchemas,
  { deployment, log, inbox, secrets, connectors, say }: ApplyOptions,
): Promise<Sink> {
  const services: SinkServices = {
    clock: systemClock,
    payload: payloadService(schemas, systemClock),
    ...(inbox === null ? {} : { inbox }),
    ...(sink.spec.type === 'websocket'
      ? { gateways: await Gateways.follow(log, schemas, say) }
      : {}),
  };
  const { internalTls } = deployment.http;
  const ca =
    internalTls === null
      ? undefined
      : readTls('http.internal_tls', internalTls, systemClock.now()).ca;
  return openSink(sink, services, {
    internalToken: secrets.internalToken,
    ...(ca === undefined ? {} : { internalCa: ca }),
    ...connectorSettings(sink, deployment.connectors),
    ...connectors?.[sink.spec.type],
  });
}
