/**
 * One input of a task: a bounded queue of what the log has offered, which pauses and resumes it.
 */
import type { TaskPort } from '../core/log.ts';
import type { Record } from '../core/record.ts';

/** Above this many records the log is paused; a fetch that is under way may still add its own. */
const QUEUED_RECORDS_MAX = 2_000;
const QUEUED_RECORDS_RESUME = 500;

interface Chunk {
  readonly records: readonly Record[];
  readonly nextOffset: number;
}

export interface Slice {
  readonly records: readonly Record[];
  /** What to commit when the slice is done. */
  readonly nextOffset: number;
}

export class InputQueue {
  readonly topic: string;
  readonly #port: TaskPort;
  readonly #chunks: Chunk[] = [];
  /** Records of the first chunk that were taken already. */
  #taken = 0;
  #size = 0;
  #paused = false;

  constructor(topic: string, port: TaskPort) {
    this.topic = topic;
    this.#port = port;
  }

  /** Records that wait; a chunk without records (only control records) counts as one. */
  get size(): number {
    return this.#size;
  }

  add(records: readonly Record[], nextOffset: number): void {
    this.#chunks.push({ records, nextOffset });
    this.#size += Math.max(1, records.length);
    if (!this.#paused && this.#size > QUEUED_RECORDS_MAX) {
      this.#paused = true;
      this.#port.pause(this.topic);
    }
  }

  /** At most `max` records, up to the first that cannot be read yet; undefined: nothing to take. */
  take(max: number, isReadable: (record: Record) => boolean): Slice | undefined {
    const chunk = this.#chunks[0];
    if (chunk === undefined) return undefined;
    const from = this.#taken;
    const { records } = chunk;
    let to = from;
    const end = Math.min(records.length, from + max);
    while (to < end && isReadable(records[to]!)) to++;
    if (to === from && records.length > 0) return undefined;
    const whole = to === records.length;
    if (whole) {
      this.#chunks.shift();
      this.#taken = 0;
    } else this.#taken = to;
    this.#size -= records.length === 0 ? 1 : to - from;
    if (this.#paused && this.#size < QUEUED_RECORDS_RESUME) {
      this.#paused = false;
      this.#port.resume(this.topic);
    }
    return {
      records: from === 0 && whole ? records : records.slice(from, to),
      nextOffset: whole ? chunk.nextOffset : records[to]!.offset,
    };
  }
}
