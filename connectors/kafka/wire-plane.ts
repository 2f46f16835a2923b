/**
 * The own data plane: groups, fetches, produces and transactions on our own protocol level
 * (`wire/`). All groups of a process share connections, metadata and one idempotent producer.
 */
import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from '@platformatic/kafka';
import type { Producer } from '../../core/log.ts';
import type { KafkaClient, KafkaOptions } from './client.ts';
import type { DataPlane, Feed, FeedHost, FeedSpec, UnitCommitter } from './plane.ts';
import { ConnectionPool, type Requester } from './wire/connection-pool.ts';
import type { Membership } from './wire/group-requests.ts';
import { ClusterMetadata } from './wire/metadata.ts';
import { BatchProducer } from './wire/producer.ts';
import { OutputsThenOffsets, UnitTransactions } from './wire-committer.ts';
import { WireFeed } from './wire-feed.ts';
import { WireOffsets } from './wire-offsets.ts';

/** What everything on the own protocol level stands on. */
export interface WireParts {
  readonly requester: Requester;
  readonly metadata: ClusterMetadata;
  readonly logger: KafkaClient['logger'];
  readonly settings: KafkaClient['settings'];
  /** By group: the members of this process that are in a generation. */
  readonly memberships: Map<string, Membership>;
}

export class WirePlane implements DataPlane {
  readonly offsets: WireOffsets;
  readonly topics: WireOffsets;
  readonly #pool: ConnectionPool;
  readonly #parts: WireParts;
  /** All outputs of groups without transactions. */
  readonly #producer: BatchProducer;
  readonly #producers = new Set<BatchProducer>();

  constructor(client: KafkaClient, options: KafkaOptions) {
    const { brokers, clientId, dialer } = options;
    this.#pool = new ConnectionPool({
      brokers,
      clientId,
      ...tlsOf(options),
      ...saslOf(options),
      ...(dialer === undefined ? {} : { dialer }),
    });
    const requester = this.#pool;
    const metadata = new ClusterMetadata(requester);
    const { logger, settings } = client;
    const memberships = new Map<string, Membership>();
    this.#parts = { requester, metadata, logger, settings, memberships };
    this.offsets = new WireOffsets(requester, metadata, memberships);
    this.topics = this.offsets;
    this.#producer = this.#open();
  }

  feed(spec: FeedSpec, host: FeedHost): Feed {
    return new WireFeed(this.#parts, spec, host);
  }

  /** @param feed of this plane: units are committed by the member in it */
  committer(group: string, transactional: boolean, feed: Feed): UnitCommitter {
    const member = feed as WireFeed;
    if (transactional) return new UnitTransactions(this.#parts, group, member);
    return new OutputsThenOffsets(this.#producer, group, member);
  }

  async producer(): Promise<Producer> {
    // So that the first `send` need not, and a cluster that is away is told of here.
    await this.#parts.metadata.known();
    const producer = this.#open();
    return {
      send: (batches) => producer.send(batches),
      close: async () => {
        this.#producers.delete(producer);
        await producer.close();
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#producers].map((producer) => producer.close()));
    this.#parts.metadata.close();
    this.#pool.close();
  }

  #open(): BatchProducer {
    const { requester, metadata, settings } = this.#parts;
    const { deliveryTimeoutMs } = settings;
    const producer = new BatchProducer(requester, metadata, { deliveryTimeoutMs });
    this.#producers.add(producer);
    return producer;
  }
}

function tlsOf({ ssl }: KafkaOptions): { tls?: ConnectionOptions } {
  if (ssl === undefined || ssl === false) return {};
  return { tls: ssl === true ? {} : ssl };
}

/** kafkajs' options, in the words of the protocol. */
function saslOf({ sasl }: KafkaOptions): { sasl?: SASLOptions } {
  if (sasl === undefined || !('username' in sasl)) return {};
  const { username, password } = sasl;
  const mechanism = sasl.mechanism.toUpperCase() as SASLOptions['mechanism'];
  return { sasl: { mechanism, username, password } };
}
