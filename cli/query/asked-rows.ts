/** Which rows of a store are meant. */
import { CarillonError } from '../../core/error.ts';
import type { StateRow } from '../../runtime/edits/state-rows.ts';
import { type IdentityParts, identityParts } from '../../runtime/state/identity-parts.ts';

export interface RowsAsked {
  /** The values of the key from the first on: all rows whose keys begin with these. */
  readonly key?: readonly string[];
  /** `<from>..<to>` of the first value, without `to`; one of them may be left out. */
  readonly range?: string;
  readonly partition?: number;
}

/** A row as it lies in its changelog, with what its key says. */
export interface FoundRow {
  readonly partition: number;
  readonly at: StateRow;
  readonly text: string;
  /** Null: the key is a text, or one of the step's own. */
  readonly parts: IdentityParts | null;
}

const RANGE = /^(.*?)\.\.(.*)$/s;

export function foundRow(partition: number, at: StateRow, keyParts: number | null): FoundRow {
  const text = at.key.toString('utf8');
  return { partition, at, text, parts: keyParts === null ? null : identityParts(text, keyParts) };
}

/** Throws CAR900 for a range that is none. */
export function askedFor({ key = [], range, partition }: RowsAsked): (row: FoundRow) => boolean {
  const isWithin = range === undefined ? () => true : rangeOf(range);
  return (row) => {
    if (partition !== undefined && row.partition !== partition) return false;
    const values = valuesOf(row);
    if (values.length < key.length) return false;
    return key.every((text, n) => textOf(values[n]) === text) && isWithin(values[0]);
  };
}

/** In the order of their values; rows of one key by their number. */
export function byKey(a: FoundRow, b: FoundRow): number {
  const left = valuesOf(a);
  const right = valuesOf(b);
  for (let n = 0; n < Math.min(left.length, right.length); n++) {
    const order = compared(left[n], right[n]);
    if (order !== 0) return order;
  }
  return left.length - right.length || (a.parts?.n ?? -1) - (b.parts?.n ?? -1);
}

export function valuesOf({ parts, text }: FoundRow): readonly unknown[] {
  return parts === null ? [text] : parts.parts;
}

function rangeOf(range: string): (value: unknown) => boolean {
  const ends = RANGE.exec(range);
  if (ends === null || (ends[1] === '' && ends[2] === '')) {
    const mend = 'For example --range m-100..m-200: from the first on, without the second.';
    throw new CarillonError('CAR900', `"${range}" is not a range.`, {
      where: { at: '--range' },
      mend,
    });
  }
  const [, from = '', to = ''] = ends;
  return (value) =>
    (from === '' || compared(value, like(value, from)) >= 0) &&
    (to === '' || compared(value, like(value, to)) < 0);
}

/** A text of the command line as what it is compared with. */
function like(value: unknown, text: string): unknown {
  return typeof value === 'number' && text.trim() !== '' && !Number.isNaN(Number(text))
    ? Number(text)
    : text;
}

/** Numbers before texts, as numbers; texts by code units. */
function compared(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1;
  const left = textOf(a);
  const right = textOf(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
