/** What a sink's task has done of its inputs, and what it commits of that (rule D8). */
import type { CommittedOffset, TaskPort } from '../../core/log.ts';
import type { Slice } from '../../core/slice.ts';
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

  /**
   * Begins the records of a slice, and leaves those selected that were not done before a restart.
   */
  begin(topic: string, slice: Slice, nextOffset: number): void {
    const { n, offset, selection } = slice;
    const tracker = this.#trackerOf(topic, n === 0 ? nextOffset : offset[0]!);
    const doneBefore = this.#doneBefore.get(topic);
    tracker.begin([...offset.subarray(0, n)], nextOffset);
    if (doneBefore === undefined || doneBefore.size === 0) return;
    let kept = 0;
    for (let i = 0; i < n; i++) {
      if (doneBefore.delete(offset[i]!)) tracker.done(offset[i]!);
      else selection[kept++] = i;
    }
    slice.selected = kept;
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
