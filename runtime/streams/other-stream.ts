/** The other stream of a step: its records are copied, and handed to the step. */
import { SLICE_RECORDS_MAX, Slice } from '../../core/slice.ts';
import { markEvents } from './event-marks.ts';
import type { StreamReader } from './streams-writer.ts';

export class OtherStream implements StreamReader {
  readonly #slice = new Slice(0, SLICE_RECORDS_MAX, []);
  readonly #give: (slice: Slice) => void;

  /** `give`: hands the step a slice. */
  constructor(give: (slice: Slice) => void) {
    this.#give = give;
  }

  /** Its stream reads whole values, so they need not be read anew. */
  take(from: Slice, picked: readonly number[], mark: string): void {
    const slice = this.#slice;
    for (let at = 0; at < picked.length; at += slice.capacity) {
      slice.clear();
      slice.derive(from);
      for (const i of picked.slice(at, at + slice.capacity)) slice.append(from, i);
      markEvents(slice, mark);
      this.#give(slice);
    }
  }
}
