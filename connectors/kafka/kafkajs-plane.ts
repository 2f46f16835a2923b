/** The plain data plane: kafkajs' public consumer and producer. */
import type { Producer } from '../../core/log.ts';
import type { LogAdmin } from './admin.ts';
import type { KafkaClient } from './client.ts';
import { PlainCommitter, TaskTransactions, TransactionCommitter } from './commit.ts';
import { ConsumerFeed } from './consumer-feed.ts';
import type { DataPlane, Feed, FeedHost, FeedSpec, UnitCommitter } from './plane.ts';
import { LogProducer } from './producer.ts';

export class KafkajsPlane implements DataPlane {
  readonly offsets: LogAdmin;
  readonly topics: LogAdmin;
  readonly #client: KafkaClient;
  /** All outputs of groups without transactions, so that their small batches go out together. */
  readonly #producer: LogProducer;

  constructor(client: KafkaClient, admin: LogAdmin) {
    this.offsets = admin;
    this.topics = admin;
    this.#client = client;
    this.#producer = new LogProducer(client);
  }

  feed(spec: FeedSpec, host: FeedHost): Feed {
    return new ConsumerFeed(this.#client, spec, host);
  }

  /** @param feed of this plane: offsets are committed by the consumer in it */
  committer(group: string, transactional: boolean, feed: Feed): UnitCommitter {
    if (!transactional) return new PlainCommitter(this.#producer, feed as ConsumerFeed);
    return new TransactionCommitter((p) => TaskTransactions.open(this.#client, group, p));
  }

  async producer(): Promise<Producer> {
    const producer = new LogProducer(this.#client);
    await producer.open();
    return producer;
  }

  close(): Promise<void> {
    return this.#producer.close();
  }
}
