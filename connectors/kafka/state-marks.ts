/**
 * A note beside the committed offsets that says which stores have had rows: a changelog that is
 * empty then, or another topic of the same name, has lost them. Without the note nothing tells a
 * store that never had a row from one whose changelog was deleted while everything was stopped, and
 * the task would number from 1 again over what the inbox holds.
 *
 * Form, in front of the engine's metadata: `carillon.state;` then for each such changelog eight hex
 * digits of its name's FNV-1a hash, with `.` and the topic's id where the client knows it, joined
 * by commas, and `;`.
 */
import type { CommittedOffset, EncodedBatch } from '../../core/log.ts';

const FORM = 'carillon.state;';
/** The brokers' `offset.metadata.max.bytes`. */
export const METADATA_BYTES_MAX = 4096;

/** Changelogs that have had records, by their name's hash, with the topic's id or '' . */
export type Marks = Map<string, string>;

export function readMarks(metadata: string): { marks: Marks; metadata: string } {
  const end = metadata.indexOf(';', FORM.length);
  if (!metadata.startsWith(FORM) || end < 0) return { marks: new Map(), metadata };
  const marks: Marks = new Map();
  for (const one of metadata.slice(FORM.length, end).split(',')) {
    const [hash = '', id = ''] = one.split('.');
    if (hash !== '') marks.set(hash, id);
  }
  return { marks, metadata: metadata.slice(end + 1) };
}

/** The metadata with its note; without it where both are too long for the brokers. */
export function withMarks(marks: ReadonlyMap<string, string>, metadata: string): string {
  if (marks.size === 0) return metadata;
  const told = [...marks].map(([hash, id]) => (id === '' ? hash : `${hash}.${id}`));
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

  /** @param ids of the changelogs' topics, as far as they are known */
  constructor(
    changelogs: readonly string[],
    committed: ReadonlyMap<string, string>,
    ids: ReadonlyMap<string, string>,
  ) {
    this.#changelogs = new Set(changelogs);
    this.#marks = new Map(committed);
    this.#ids = ids;
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
    for (const { topic } of batches) if (this.#changelogs.has(topic)) this.note(topic);
    if (this.#marks.size === 0) return offsets;
    return offsets.map((one) => ({ ...one, metadata: withMarks(this.#marks, one.metadata) }));
  }
}
