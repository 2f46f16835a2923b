/**
 * A note beside the committed offsets that says which stores have had rows: a changelog that is
 * empty then, or another topic of the same name, has lost them. Without the note nothing tells a
 * store that never had a row from one whose changelog was deleted while everything was stopped, and
 * the task would number from 1 again over what the inbox holds.
 *
 * It also says how far the changelog goes at least: a leader that was stopped and runs on tells an
 * old end until it learns that another leads, and a restore that believes it lacks rows.
 *
 * Form, in front of the engine's metadata: `carillon.state;` then for each such changelog eight hex
 * digits of its name's FNV-1a hash, with `.` and the topic's id where the client knows it, with `@`
 * and the end, joined by commas, and `;`.
 */
import type { CommittedOffset, EncodedBatch } from '../../core/log.ts';
import { batchSpan } from '../../core/record-batch.ts';

const FORM = 'carillon.state;';
/** The brokers' `offset.metadata.max.bytes`. */
export const METADATA_BYTES_MAX = 4096;

/** Changelogs that have had records, by their name's hash, with the topic's id or '' . */
export type Marks = Map<string, string>;

/** By a changelog's hash: where it ends at least. */
export type NotedEnds = Map<string, number>;

export interface Noted {
  readonly marks: Marks;
  readonly ends: NotedEnds;
  readonly metadata: string;
}

export function readMarks(metadata: string): Noted {
  const marks: Marks = new Map();
  const ends: NotedEnds = new Map();
  const close = metadata.indexOf(';', FORM.length);
  if (!metadata.startsWith(FORM) || close < 0) return { marks, ends, metadata };
  for (const one of metadata.slice(FORM.length, close).split(',')) {
    const [name = '', end] = one.split('@');
    const [hash = '', id = ''] = name.split('.');
    if (hash === '') continue;
    marks.set(hash, id);
    if (end !== undefined) ends.set(hash, Number(end));
  }
  return { marks, ends, metadata: metadata.slice(close + 1) };
}

/** The metadata with its note; without it where both are too long for the brokers. */
export function withMarks(
  marks: ReadonlyMap<string, string>,
  metadata: string,
  ends: ReadonlyMap<string, number> = new Map(),
): string {
  if (marks.size === 0) return metadata;
  const told = [...marks].map(([hash, id]) => {
    const end = ends.get(hash);
    return `${hash}${id === '' ? '' : `.${id}`}${end === undefined ? '' : `@${end}`}`;
  });
  const whole = `${FORM}${told.join(',')};${metadata}`;
  return Buffer.byteLength(whole, 'utf8') > METADATA_BYTES_MAX ? metadata : whole;
}

export function markOf(topic: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < topic.length; i++) {
    hash = Math.imul(hash ^ topic.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** What the marks say of a changelog, given its end and, if known, its topic's id. */
export function isStateGone(
  marks: ReadonlyMap<string, string>,
  changelog: string,
  end: number,
  id: string,
): boolean {
  const marked = marks.get(markOf(changelog));
  if (marked === undefined) return false;
  return end === 0 || (marked !== '' && id !== '' && marked !== id);
}

/** A task's marks: those that were committed, and those of what it writes. */
export class StateMarks {
  readonly #marks: Marks;
  readonly #ids: ReadonlyMap<string, string>;
  readonly #changelogs: ReadonlySet<string>;
  /** By changelog: where its next record lies at least. */
  readonly #ends: Map<string, number>;
  /** The same, once what is under way is committed. */
  #coming = new Map<string, number>();

  /**
   * @param ids of the changelogs' topics, as far as they are known
   * @param ends of the changelogs now; without them none are noted
   */
  constructor(
    changelogs: readonly string[],
    committed: ReadonlyMap<string, string>,
    ids: ReadonlyMap<string, string>,
    ends: ReadonlyMap<string, number> = new Map(),
  ) {
    this.#ends = new Map(ends);
    this.#changelogs = new Set(changelogs);
    this.#marks = new Map(committed);
    this.#ids = ids;
  }

  /** Of its topic; empty: it is not known. */
  idOf(changelog: string): string {
    return this.#ids.get(changelog) ?? '';
  }

  /** All that was committed of a changelog lies before it; undefined: that is not known. */
  endOf(changelog: string): number | undefined {
    return this.#ends.get(changelog);
  }

  /** Records of this changelog are there. */
  note(changelog: string): void {
    this.#marks.set(markOf(changelog), this.#ids.get(changelog) ?? '');
  }

  /** The offsets with the note of what was and is written. */
  apply(
    batches: readonly EncodedBatch[],
    offsets: readonly CommittedOffset[],
  ): readonly CommittedOffset[] {
    if (this.#changelogs.size === 0) return offsets;
    this.#coming = new Map(this.#ends);
    for (const { topic, bytes } of batches) {
      if (!this.#changelogs.has(topic)) continue;
      this.note(topic);
      const end = this.#coming.get(topic);
      if (end !== undefined) this.#coming.set(topic, end + batchSpan(bytes));
    }
    if (this.#marks.size === 0) return offsets;
    const ends = new Map([...this.#coming].map(([topic, end]) => [markOf(topic), end]));
    const noted = (metadata: string) => withMarks(this.#marks, metadata, ends);
    return offsets.map((one) => ({ ...one, metadata: noted(one.metadata) }));
  }

  /** What was last applied stands: behind it comes the end marker of its transaction. */
  committed(): void {
    for (const [topic, end] of this.#coming) {
      if (end !== this.#ends.get(topic)) this.#ends.set(topic, end + 1);
    }
    this.#coming.clear();
  }
}
