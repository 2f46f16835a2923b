/** Who reads an input from an offset of its own, which may be further than the group's. */
import type { Slice } from '../../core/slice.ts';

export class OffsetGate {
  /** Records below it are not its to read: those of before it came to this group. */
  #from = 0;

  /** Where it stands, as it may be further than the group (stream-positions.ts). */
  get from(): number {
    return this.#from;
  }

  startAt(offset: number): void {
    this.#from = offset;
  }

  /** Takes out of the selection what is not its to read. */
  passOver(slice: Slice): void {
    const { selection, selected, offset } = slice;
    if (selected === 0 || offset[selection[0]!]! >= this.#from) return;
    let kept = 0;
    for (let j = 0; j < selected; j++) {
      if (offset[selection[j]!]! >= this.#from) selection[kept++] = selection[j]!;
    }
    slice.selected = kept;
  }
}
