/** What a sink's task has done of its inputs, and what it commits of that (rule D8). */
import type { CommittedOffset, TaskPort } from '../core/log.ts';
import type { Record } from '../core/record.ts';
import { doneAbove, OffsetTracker } from './offset-tracker.ts';

/** Offsets between a sink's mark and what it has read, at most (rule D8). */
const MARK_BEHIND_MAX = 10_000;

export class LaneOffsets {
  readonly #port: TaskPort;
  readonly #trackers = new Map<string, OffsetTracker>();
  /** Done before a restart, above the mark. */
  readonly #doneBefore = new Map<string, Set<number>>();

  constructor(port: TaskPort) {
    this.#port = port;
  }

  /** Begins records, and gives those that were not done before a restart. */
  begin(topic: string, records: readonly Record[], nextOffset: number): Record[] {
    const tracker = this.#trackerOf(topic, records[0]?.offset ?? nextOffset);
    const doneBefore = this.#doneBefore.get(topic);
    tracker.begin(
      records.map((record) => record.offset),
      nextOffset,
    );
    if (doneBefore === undefined || doneBefore.size === 0) return [...records];
    return records.filter((record) => {
      if (!doneBefore.delete(record.offset)) return true;
      tracker.done(record.offset);
      return false;
    });
  }

  done(topic: string, offset: number): void {
    this.#trackers.get(topic)?.done(offset);
  }

  /** The offset that holds the mark too far behind, or undefined. */
  heldBackAt(topic: string): number | undefined {
    const tracker = this.#trackers.get(topic);
    return tracker !== undefined && tracker.span > MARK_BEHIND_MAX ? tracker.mark : undefined;
  }

  commits(): CommittedOffset[] {
    const offsets: CommittedOffset[] = [];
    for (const [topic, tracker] of this.#trackers) {
      offsets.push({ topic, offset: tracker.mark, metadata: tracker.metadata() });
    }
    return offsets;
  }

  #trackerOf(topic: string, start: number): OffsetTracker {
    let tracker = this.#trackers.get(topic);
    if (tracker === undefined) {
      tracker = new OffsetTracker(start);
      this.#trackers.set(topic, tracker);
      this.#doneBefore.set(topic, doneAbove(this.#port.committedMetadata(topic)));
    }
    return tracker;
  }
}
