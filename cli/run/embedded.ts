/**
 * The embedded way to run: one process, one SQLite file, the engine in a worker beside the sockets.
 */
import { BridgedLog } from '../../connectors/embedded/bridge.ts';
import { steadyClock, systemClock } from '../../core/clock.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import type { Deployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { secretsOf } from '../secrets.ts';
import { EngineThread } from './engine-thread.ts';
import { Part } from './part.ts';
import { EMBEDDED_SINKS, EMBEDDED_STREAMS } from './policies.ts';
import { preflight } from './preflight.ts';
import { chooseRoles, splitRoles } from './roles.ts';
import type { Running, RunOptions } from './running.ts';
import { schemaTopicsOf } from './topology.ts';

/**
 * The same at every start: it is the only gateway of its data folder, so a crashed one's row is
 * replaced, and nobody waits for the dead one's lease to lapse.
 */
const GATEWAY_ID = 'gateway';

export async function runEmbedded(deployment: Deployment, options: RunOptions): Promise<Running> {
  const topology = await loadTopology(deployment, { folder: options.folder, env: process.env });
  const { folder, connectors } = options;
  const all = chooseRoles(topology.plan, ['all']);
  preflight({ ...{ deployment, roles: all, connectors }, folder, plan: topology.plan });
  const secrets = secretsOf(deployment);
  const engine = await EngineThread.start(deployment, options);
  const log = new BridgedLog(engine.port);
  try {
    const schemas = new AvroSchemas(topology.schemas, log.registry(), systemClock);
    await schemas.open(schemaTopicsOf(topology.plan));
    const inbox = log.inbox(deployment.dataFolder, topology.plan.priorities);
    const part = await Part.start({
      deployment,
      topology,
      roles: chooseRoles(topology.plan, splitRoles(topology.plan).main),
      log,
      schemas,
      registry: log.registry(),
      inbox,
      clock: systemClock,
      taskClock: steadyClock(),
      secrets,
      gatewayId: GATEWAY_ID,
      streamsCommit: EMBEDDED_STREAMS,
      sinksCommit: EMBEDDED_SINKS,
      say: options.say,
      others: () => engine.snapshot(),
      random: Math.random,
      ...(options.edits === undefined ? {} : { edits: options.edits }),
      ...(options.connectors === undefined ? {} : { connectors: options.connectors }),
    });
    return {
      url: part.url,
      healthUrl: part.healthUrl,
      secrets,
      plan: topology.plan,
      text: topology.text,
      ended: engine.ended,
      connections: () => part.connections,
      snapshot: () => part.snapshot(),
      async close() {
        await part.close();
        await inbox.close();
        await log.close();
        await engine.stop();
      },
    };
  } catch (error) {
    await log.close();
    await engine.stop();
    throw error;
  }
}
