/**
 * The worker of the bridge's contract: it opens the embedded log and serves it, as the cli's does.
 */
import { type MessagePort, workerData } from 'node:worker_threads';
import { serveLog } from '../../connectors/embedded/bridge.ts';
import { openEmbeddedInbox } from '../../connectors/embedded/inbox.ts';
import { openEmbeddedLog } from '../../connectors/embedded/log.ts';
import { openSchemaIds } from '../../connectors/embedded/schema-ids.ts';
import { systemClock } from '../../core/clock.ts';

const { dir, port } = workerData as { dir: string; port: MessagePort };
const log = openEmbeddedLog({ dir, clock: systemClock });
const inbox = openEmbeddedInbox(log);
serveLog(port, log, { inbox, registry: openSchemaIds(log) });
port.on('close', async () => {
  await inbox.close();
  await log.close();
});
