/**
 * Hands what lies in partitions to the tasks of the groups, in slices, so that the event loop
 * breathes between them: tables before inputs, every input in turn, never a paused one.
 */
import type { Chunk, PartitionReader } from './partition.ts';

/** Of one input in one turn; a batch is offered whole, so the last may go beyond. */
const INPUT_RECORDS_PER_TURN = 500;
/** Of all inputs in one turn of the event loop: some milliseconds of work at most. */
const RECORDS_PER_TURN = 5_000;

/** One topic of one task. */
export interface Feed {
  readonly table: boolean;
  readonly reader: PartitionReader;
  paused: boolean;
  /** Hands one chunk to the task. */
  give(chunk: Chunk): void;
}

export class Offers {
  readonly #tables = new Set<Feed>();
  readonly #inputs = new Set<Feed>();
  #scheduled = false;

  /** True while something waits to be offered. */
  get busy(): boolean {
    return this.#tables.size > 0 || this.#inputs.size > 0;
  }

  /** To be called when a feed may have something: after an append, a COMMIT, a resume. */
  wake(feed: Feed): void {
    if (feed.paused || !feed.reader.behind) return;
    (feed.table ? this.#tables : this.#inputs).add(feed);
    this.#schedule();
  }

  /** To be called when a feed is paused or closed. */
  forget(feed: Feed): void {
    this.#tables.delete(feed);
    this.#inputs.delete(feed);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    let left = RECORDS_PER_TURN;
    for (const set of [this.#tables, this.#inputs]) {
      // A feed that has more goes to the end of the set, so each gets its turn.
      for (const feed of [...set]) {
        if (left <= 0) break;
        if (!set.delete(feed)) continue;
        left -= give(feed);
        if (!feed.paused && feed.reader.behind) set.add(feed);
      }
    }
    if (this.busy) this.#schedule();
  };
}

function give(feed: Feed): number {
  let given = 0;
  while (given < INPUT_RECORDS_PER_TURN && !feed.paused) {
    const chunk = feed.reader.next();
    if (chunk === undefined) break;
    given += chunk.last - chunk.from + 1;
    feed.give(chunk);
  }
  return given;
}
