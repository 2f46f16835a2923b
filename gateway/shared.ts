/** What the parts of a gateway share, opened once. */
import { Auth } from './auth.ts';
import { BUDGET_LIMITS, Budgets } from './budgets.ts';
import { ClientAddresses } from './client-address.ts';
import type { Origins } from './cors.ts';
import { GATEWAY_TOPICS, type GatewayOptions, type GatewayTopics } from './gateway-options.ts';
import { Guarantee } from './guarantee.ts';
import { Hub } from './hub.ts';
import { IngestKeys, KEY_BOUNDS } from './ingest-keys.ts';
import { GATEWAY_LIMITS, type GatewayCounts, type GatewayLimits, newCounts } from './limits.ts';
import { LogWriter } from './log-writer.ts';
import { connectionsFor, fewFiles } from './open-files.ts';
import { Owners } from './owners.ts';
import { type LogLine, noLog } from './problem.ts';
import { Reporter } from './reporter.ts';

/** What the parts share. */
export interface Shared {
  readonly options: GatewayOptions;
  readonly origins: Origins;
  /** `connectionsWanted`: what would be taken if the process could open enough files. */
  readonly limits: GatewayLimits & { readonly connectionsWanted: number };
  readonly topics: GatewayTopics;
  readonly say: LogLine;
  readonly auth: Auth;
  readonly owners: Owners;
  readonly hub: Hub;
  readonly budgets: Budgets;
  readonly addresses: ClientAddresses;
  readonly counts: GatewayCounts;
  readonly writer: LogWriter;
  readonly outcomes: Reporter;
  readonly keys: IngestKeys;
  readonly guarantee: Guarantee;
}

/** Throws CAR719 when a secret is weak, CAR775, CAR903 for a network that is none, CAR712. */
export async function openShared(options: GatewayOptions): Promise<Shared> {
  const { clock, log, schemas, openFilesMax } = options;
  const wanted = { ...GATEWAY_LIMITS, ...options.limits };
  const { connectionsMax: connectionsWanted } = wanted;
  const connectionsMax = connectionsFor(openFilesMax, connectionsWanted);
  const limits = { ...wanted, connectionsMax, connectionsWanted };
  const topics = { ...GATEWAY_TOPICS, ...options.topics };
  const say = options.say ?? noLog;
  const origins = options.origins === undefined ? undefined : new Set(options.origins);
  const auth = new Auth(options.auth, clock, { origins, say });
  const addresses = new ClientAddresses(options.trustedProxies);
  if (connectionsMax < connectionsWanted) {
    const error = fewFiles(openFilesMax, connectionsMax);
    say('There are few files for connections.', { error });
  }
  const writer = await LogWriter.open(log, schemas, clock, {
    recordsMax: limits.writeRecordsMax,
    bytesMax: limits.writeBytesMax,
  });
  const reporter = (topic: string, schema: string) =>
    new Reporter(writer, { topic, schema, queueMax: limits.reportsMax, log: say });
  return {
    options,
    limits,
    topics,
    say,
    auth,
    addresses,
    writer,
    hub: new Hub(clock),
    counts: newCounts(),
    budgets: new Budgets(clock, { ...BUDGET_LIMITS, ...options.budgets }),
    origins,
    owners: await Owners.follow(log, schemas, topics.owners, say),
    keys: await IngestKeys.follow(
      log,
      schemas,
      {
        topic: topics.keys,
        clock,
        bounds: { ...KEY_BOUNDS, ...options.keyBounds },
        reads: options.roles.ingest,
      },
      say,
    ),
    outcomes: reporter(topics.outcomes, 'DeliveryOutcome'),
    guarantee: new Guarantee(
      options.acked ?? new Set(),
      reporter(topics.acknowledgements, 'Acknowledgement'),
      clock,
    ),
  };
}
