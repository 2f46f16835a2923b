/**
 * The numbers that an application was told, of one epoch: dense per priority, so that a few spans
 * say all, and what comes again is known as such.
 */
import type { Skipped } from '../schemas/frames.ts';

type Span = [from: number, to: number];

/** Of a priority; over it the oldest, which are the least likely to come again, are forgotten. */
const SPANS_MAX = 256;
/** Numbers of a priority, the newest, of which the id is remembered too. */
const MARKS_MAX = 64;

export interface SeenForm {
  epoch: number;
  spans: { [priority: string]: Span[] };
  /** Number and a digest of the id, oldest first. */
  marks: { [priority: string]: [sequence: number, mark: number][] };
}

type Numbered = Pick<Skipped, 'priority' | 'sequence' | 'id'>;

export class Seen {
  readonly form: SeenForm;

  constructor(form: SeenForm = { epoch: 0, spans: {}, marks: {} }) {
    this.form = form;
  }

  /** Another epoch is another registration: its numbers begin anew. */
  begin(epoch: number): void {
    if (this.form.epoch !== epoch) Object.assign(this.form, { epoch, spans: {}, marks: {} });
  }

  has(priority: string, sequence: number): boolean {
    const spans = this.form.spans[priority] ?? [];
    return spans.some(([from, to]) => from <= sequence && sequence <= to);
  }

  /**
   * False: it was there. A number that comes again under another id was given anew, as the
   * gateway's store was restored: from there on all is forgotten.
   */
  add({ priority, sequence, id }: Numbered): boolean {
    const mark = markOf(id);
    if (this.has(priority, sequence)) {
      const known = this.form.marks[priority]?.find(([number]) => number === sequence)?.[1];
      if (known === undefined || known === mark) return false;
      this.#forgetFrom(priority, sequence);
    }
    this.#span(priority, sequence);
    this.form.marks[priority] ??= [];
    const marks = this.form.marks[priority];
    marks.push([sequence, mark]);
    if (marks.length > MARKS_MAX) marks.shift();
    return true;
  }

  #span(priority: string, sequence: number): void {
    this.form.spans[priority] ??= [];
    const spans = this.form.spans[priority];
    let at = spans.length;
    while (at > 0 && spans[at - 1]![0] > sequence) at--;
    const below = spans[at - 1];
    const above = spans[at];
    const from = below?.[1] === sequence - 1 ? below[0] : sequence;
    const to = above?.[0] === sequence + 1 ? above[1] : sequence;
    const first = from < sequence ? at - 1 : at;
    spans.splice(first, (to > sequence ? at + 1 : at) - first, [from, to]);
    if (spans.length > SPANS_MAX) spans.shift();
  }

  #forgetFrom(priority: string, sequence: number): void {
    const { spans, marks } = this.form;
    spans[priority] = spans[priority]!.filter(([from]) => from < sequence).map(([from, to]) => [
      from,
      Math.min(to, sequence - 1),
    ]);
    marks[priority] = marks[priority]!.filter(([number]) => number < sequence);
  }
}

/** FNV-1a: only the same number is compared, so 32 bits are enough. */
function markOf(id: string): number {
  let mark = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) {
    mark = Math.imul(mark ^ id.charCodeAt(i), 0x01000193);
  }
  return mark >>> 0;
}
