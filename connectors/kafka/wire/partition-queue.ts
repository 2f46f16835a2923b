/**
 * What waits to be written to one partition, in order. Only the first batch is under way at any
 * time, so a retry can repeat it with its sequence and nothing overtakes it.
 */
import type { Compression } from './compression.ts';
import { type ProducerIdentity, seal, sequenceAfter } from './produce-request.ts';
import { splitBatch } from './rebuild.ts';

/** One call of `send`: done when all its batches are written. */
export interface Sending {
  readonly offsets: number[];
  /** Batches, and halves of batches, that are not written yet. */
  left: number;
  readonly deadlineMs: number;
  resolve(offsets: readonly number[]): void;
  reject(error: unknown): void;
}

interface Waiting {
  bytes: Buffer;
  count: number;
  readonly sending: Sending;
  /** The batch's place in its call. */
  readonly index: number;
  /** False for a second half: its offset is not the batch's. */
  readonly isFirst: boolean;
}

const COUNT_AT = 57;

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** True while the first batch is under way. */
  busy = false;
  /** Monotonic milliseconds: not tried again before. */
  restsUntilMs = 0;
  /** How often in a row metadata knew no such partition. */
  missed = 0;
  /** Sealed bytes of the first batch; null when it has not been tried yet. */
  sealed: Buffer | null = null;
  #waiting: Waiting[] = [];
  #identity: ProducerIdentity | null = null;
  #sequence = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get first(): Sending {
    return this.#waiting[0]!.sending;
  }

  push(bytes: Buffer, sending: Sending, index: number, bytesMax: number): void {
    this.#waiting.push({
      bytes,
      count: bytes.readInt32BE(COUNT_AT),
      sending,
      index,
      isFirst: true,
    });
    sending.left++;
    for (let at = this.#waiting.length - 1; at < this.#waiting.length; ) {
      if (this.#waiting[at]!.bytes.length <= bytesMax || !this.#split(at)) at++;
    }
  }

  /** Gives the first batch its sequence and checksum, once. */
  seal(identity: ProducerIdentity, transactional: boolean, compression: Compression): Buffer {
    if (this.sealed !== null) return this.sealed;
    const same =
      this.#identity?.producerId === identity.producerId && this.#identity.epoch === identity.epoch;
    if (!same) {
      this.#identity = identity;
      this.#sequence = 0;
    }
    const sequence = this.#sequence;
    const how = { ...identity, sequence, transactional, compression };
    this.sealed = seal(this.#waiting[0]!.bytes, how);
    return this.sealed;
  }

  /** The first batch is written. */
  written(offset: number): void {
    const { sending, index, isFirst, count } = this.#waiting.shift()!;
    this.sealed = null;
    this.#sequence = sequenceAfter(this.#sequence, count);
    if (isFirst) sending.offsets[index] = offset;
    if (--sending.left === 0) sending.resolve(sending.offsets);
  }

  /**
   * The first batch is given up. When nobody knows whether it was written the next one takes the
   * sequence after it, and the broker says if that is wrong.
   */
  abandon(error: unknown, isKnown: boolean): void {
    const { sending, count } = this.#waiting.shift()!;
    if (this.sealed !== null && !isKnown) this.#sequence = sequenceAfter(this.#sequence, count);
    this.sealed = null;
    sending.reject(error);
  }

  /**
   * Begins again at sequence 0 when another identity seals the first batch, which was not written.
   */
  renew(): void {
    this.#identity = null;
    this.sealed = null;
  }

  /** Halves the first batch, which was not written. False: it has one record only. */
  split(): boolean {
    this.sealed = null;
    return this.#split(0);
  }

  #split(at: number): boolean {
    const whole = this.#waiting[at]!;
    const halves = splitBatch(whole.bytes);
    if (halves === null) return false;
    const { sending, index } = whole;
    const [first, second] = halves.map((bytes, half) => ({
      bytes,
      count: bytes.readInt32BE(COUNT_AT),
      sending,
      index,
      isFirst: half === 0 && whole.isFirst,
    }));
    this.#waiting.splice(at, 1, first!, second!);
    sending.left++;
    return true;
  }
}
