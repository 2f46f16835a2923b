/**
 * Which offsets of one input a sink has finished: a contiguous mark, and what is done above it. The
 * mark is committed; the set above rides in the offset's metadata, as far as it fits (rule D8).
 */
const METADATA_BYTES_MAX = 4_000;
const FORM = 'd2:';

export class OffsetTracker {
  /** Everything below is done; what is committed. */
  #mark: number;
  readonly #doneAbove = new Set<number>();
  /** The end of what was handed over, so that gaps of control records are passed. */
  readonly #open: number[] = [];
  #openFrom = 0;
  #end: number;

  constructor(start: number) {
    this.#mark = start;
    this.#end = start;
  }

  get mark(): number {
    return this.#mark;
  }

  /** How far the mark is behind what was handed over. */
  get span(): number {
    return this.#end - this.#mark;
  }

  /** Offsets that were begun and are not done. */
  get pending(): number {
    return this.#open.length - this.#openFrom - this.#doneAbove.size;
  }

  /** Records were handed over, in offset order; `nextOffset` is where the log goes on. */
  begin(offsets: readonly number[], nextOffset: number): void {
    for (const offset of offsets) this.#open.push(offset);
    this.#end = nextOffset;
    this.#advance();
  }

  done(offset: number): void {
    this.#doneAbove.add(offset);
    this.#advance();
  }

  /**
   * What is done above the mark: the mark, then `gap+length` runs, in base 36; what does not fit is
   * left out.
   */
  metadata(): string {
    if (this.#doneAbove.size === 0) return '';
    const offsets = [...this.#doneAbove].sort((a, b) => a - b);
    // The mark is told again: the log may go on behind it, where records were deleted by time.
    let text = `${FORM}${this.#mark.toString(36)};`;
    let at = this.#mark;
    for (let i = 0; i < offsets.length; ) {
      const start = offsets[i]!;
      let length = 1;
      while (offsets[i + length] === start + length) length++;
      const run = `${(start - at).toString(36)}+${length.toString(36)},`;
      if (text.length + run.length > METADATA_BYTES_MAX) break;
      text += run;
      at = start + length;
      i += length;
    }
    return text;
  }

  #advance(): void {
    while (this.#openFrom < this.#open.length) {
      const offset = this.#open[this.#openFrom]!;
      if (!this.#doneAbove.delete(offset)) {
        this.#mark = offset;
        break;
      }
      this.#openFrom++;
    }
    if (this.#openFrom === this.#open.length) {
      this.#mark = this.#end;
      this.#open.length = 0;
      this.#openFrom = 0;
    } else if (this.#openFrom > 1_024 && this.#openFrom * 2 > this.#open.length) {
      this.#open.splice(0, this.#openFrom);
      this.#openFrom = 0;
    }
  }
}

/** The offsets that `metadata` says were done above its mark; anything else reads as none. */
export function doneAbove(metadata: string): Set<number> {
  const done = new Set<number>();
  if (!metadata.startsWith(FORM)) return done;
  const [mark = '', runs = ''] = metadata.slice(FORM.length).split(';');
  let at = Number.parseInt(mark, 36);
  for (const run of runs.split(',')) {
    const [gap, length] = run.split('+').map((part) => Number.parseInt(part, 36));
    if (gap === undefined || length === undefined || Number.isNaN(at + gap + length)) continue;
    at += gap;
    for (let i = 0; i < length; i++) done.add(at + i);
    at += length;
  }
  return done;
}
