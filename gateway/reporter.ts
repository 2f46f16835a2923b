/**
 * Facts that a gateway tells the log on its own account (connections, acknowledgements): in order,
 * tried until they are in, bounded. Over the bound the oldest are given up and counted.
 */
import type { LogWriter, NewRecord } from './log-writer.ts';
import { type LogLine, noLog } from './problem.ts';

const BATCH_RECORDS_MAX = 500;
const BACKOFF_MS_FIRST = 100;
const BACKOFF_MS_MAX = 5_000;

/** A record, and who wants to know its offset. */
interface Fact extends NewRecord {
  readonly written: ((offset: number) => void) | undefined;
}

export class Reporter {
  readonly #writer: LogWriter;
  readonly #topic: string;
  readonly #schema: string;
  readonly #queueMax: number;
  readonly #log: LogLine;
  #queue: Fact[] = [];
  #flushing: Promise<void> | null = null;
  #wake: (() => void) | null = null;
  #closing = false;
  /** Facts that were given up. */
  lost = 0;

  constructor(
    writer: LogWriter,
    options: {
      readonly topic: string;
      readonly schema: string;
      /** Facts that wait. */
      readonly queueMax: number;
      readonly log?: LogLine;
    },
  ) {
    this.#writer = writer;
    this.#topic = options.topic;
    this.#schema = options.schema;
    this.#queueMax = options.queueMax;
    this.#log = options.log ?? noLog;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** `written` is called with the record's offset when the log has it. */
  report(key: string, value: unknown, written?: (offset: number) => void): void {
    this.#queue.push({ key, value, written });
    if (this.#queue.length > this.#queueMax) {
      this.#queue.shift();
      this.lost++;
    }
    this.#flushing ??= this.#flush();
  }

  /** Gives what waits one more try each, then gives it up. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wake?.();
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    let backoffMs = BACKOFF_MS_FIRST;
    // Yields first, so that `#flushing` is set before the loop can end.
    await undefined;
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, BATCH_RECORDS_MAX);
      this.#queue = this.#queue.slice(batch.length);
      try {
        const places = await this.#writer.write(this.#topic, this.#schema, batch);
        batch.forEach(({ written }, i) => {
          written?.(places[i]!.offset);
        });
        backoffMs = BACKOFF_MS_FIRST;
      } catch (error) {
        if (this.#closing) {
          this.lost += batch.length;
          continue;
        }
        this.#log('The log does not take what the gateway reports.', { topic: this.#topic, error });
        this.#queue = [...batch, ...this.#queue];
        await this.#pause(backoffMs);
        backoffMs = Math.min(2 * backoffMs, BACKOFF_MS_MAX);
      }
    }
    this.#flushing = null;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
