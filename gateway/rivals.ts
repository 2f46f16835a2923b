/**
 * Two connections of one device on two gateways: each follows `tables.presence`, and closes its own
 * when the table names a newer one. So the newer wins wherever it is, and the log's order decides
 * which that is (rule D10).
 */
import type { Log } from '../core/log.ts';
import type { Schemas } from '../core/schema.ts';
import type { Hub } from './hub.ts';
import type { LogLine } from './problem.ts';
import { followTable, type TableFollower } from './table-follower.ts';

/** What is read of a row of `tables.presence`. */
interface PresenceRow {
  /** Offset of the connect record. */
  readonly generation: number;
}

/** Undefined: the topology has no presence, and so nobody to tell of rivals. */
export async function followRivals(
  log: Log,
  schemas: Schemas,
  of: { readonly topic: string; readonly hub: Hub; readonly say: LogLine },
): Promise<TableFollower | undefined> {
  if ((await log.partitionsOf(of.topic)) === undefined) return undefined;
  const options = { topic: of.topic, schema: 'Presence', log: of.say };
  return await followTable<PresenceRow>(log, schemas, options, (deviceId, row) => {
    const connection = of.hub.ofDevice(deviceId);
    // Its own row is no rival: it is as new as the connection itself.
    if (row !== null) connection?.rival(row.generation);
  });
}
