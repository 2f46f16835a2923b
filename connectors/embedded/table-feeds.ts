/**
 * Hands rows of tables to the tasks that follow them, in slices, so that the event loop breathes
 * between them, each table in turn.
 */
import type { LogBatch } from '../../core/log.ts';
import type { PartitionReader } from './partition-reader.ts';

/** Of one table in one turn; a batch is given whole, so the last may go beyond. */
const TABLE_RECORDS_PER_TURN = 500;
/** Of all tables in one turn of the event loop: some milliseconds of work at most. */
const RECORDS_PER_TURN = 5_000;

/** A table of one task. */
export interface TableFeed {
  readonly reader: PartitionReader;
  /** Hands one batch to the task. */
  give(batch: LogBatch): void;
}

export class TableFeeds {
  readonly #feeds = new Set<TableFeed>();
  #scheduled = false;

  /** True while rows wait to be handed over. */
  get busy(): boolean {
    return this.#feeds.size > 0;
  }

  /** To be called when a table may have something new. */
  wake(feed: TableFeed): void {
    if (!feed.reader.behind) return;
    this.#feeds.add(feed);
    this.#schedule();
  }

  /** To be called when a feed is closed. */
  forget(feed: TableFeed): void {
    this.#feeds.delete(feed);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    let left = RECORDS_PER_TURN;
    // A feed that has more goes to the end of the set, so each gets its turn.
    for (const feed of [...this.#feeds]) {
      if (left <= 0) break;
      if (!this.#feeds.delete(feed)) continue;
      left -= give(feed);
      if (feed.reader.behind) this.#feeds.add(feed);
    }
    if (this.busy) this.#schedule();
  };
}

function give({ reader, give }: TableFeed): number {
  let given = 0;
  while (given < TABLE_RECORDS_PER_TURN) {
    const batch = reader.next();
    if (batch === undefined) break;
    given += batch.nextOffset - batch.from;
    give(batch);
  }
  return given;
}
