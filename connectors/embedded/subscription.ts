/** `read` and `follow`: all partitions of a topic, committed batches only, partitions in turn. */
import type { LogBatch, ReadOptions } from '../../core/log.ts';
import type { Partition } from './partition.ts';
import { PartitionReader } from './partition-reader.ts';

/** Batches handed over before the event loop gets a turn. */
const BATCHES_PER_TURN = 16;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Part {
  readonly reader: PartitionReader;
  /** The committed end when the subscription was made. */
  readonly endAtCall: number;
}

export class Subscription {
  readonly #parts: readonly Part[];
  readonly #onClose: () => void;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(partitions: readonly Partition[], from: ReadOptions['from'], onClose: () => void) {
    this.#onClose = onClose;
    this.#parts = partitions.map((partition) => ({
      reader: new PartitionReader(partition, startOf(partition, from), false, () => this.wake()),
      endAtCall: partition.committedOffset,
    }));
  }

  /** Something was committed. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { reader } of this.#parts) reader.close();
    this.#onClose();
    this.wake();
  }

  async *batches({ follow, signal }: ReadOptions): AsyncGenerator<LogBatch> {
    const abort = () => this.close();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (signal?.aborted === true) return;
      for (;;) {
        yield* this.#untilEnds(follow);
        if (!follow || this.#closed) return;
        await this.#changed();
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      this.close();
    }
  }

  /** Resolves when the end as it was at the call is handed over; goes on until `close`. */
  async follow(onBatch: (batch: LogBatch) => void): Promise<void> {
    for await (const batch of this.#untilEnds(false)) onBatch(batch);
    void this.#goOn(onBatch);
  }

  async #goOn(onBatch: (batch: LogBatch) => void): Promise<void> {
    while (!this.#closed) {
      for await (const batch of this.#untilEnds(true)) onBatch(batch);
      if (!this.#closed) await this.#changed();
    }
  }

  /** To the ends as they were at the call, or (`follow`) as they are now. */
  async *#untilEnds(follow: boolean): AsyncGenerator<LogBatch> {
    let given = 0;
    for (let some = true; some; ) {
      some = false;
      for (const { reader, endAtCall } of this.#parts) {
        if (this.#closed) return;
        if (reader.position >= (follow ? reader.end : endAtCall)) continue;
        some = true;
        const batch = reader.next();
        if (batch === undefined || batch.bytes.length === 0) continue;
        yield batch;
        if (++given % BATCHES_PER_TURN === 0) await nextTurn();
      }
    }
  }

  #changed(): Promise<void> {
    if (this.#parts.some(({ reader }) => reader.behind)) return nextTurn();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function startOf(partition: Partition, from: ReadOptions['from']): number {
  if (from === 'start') return partition.startOffset;
  if (from === 'end') return partition.committedOffset;
  return partition.offsetAtTime(from);
}
