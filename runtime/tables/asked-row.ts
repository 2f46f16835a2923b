/**
 * What the right half of a join by a foreign key keeps beside its rows, and how it is written: who
 * has asked for a right one, and how far a change of one that very many have asked for was told.
 */
import type { RowCodec } from '../../core/store.ts';

export interface Asked {
  /** Where the left row is. */
  readonly partition: number;
  readonly version: number;
}

/** Of those who have asked for a right row, who is to be told that it has changed. */
export interface Untold {
  /** The first put of the next one, and the one that comes too late: it was told when it asked. */
  readonly next: number;
  readonly end: number;
  /** When the right row changed, epoch milliseconds. */
  readonly atMs: number;
}

const ASKED_BYTES = 12;
const UNTOLD_BYTES = 24;

export const ASKED_ROW: RowCodec<Asked | Untold> = {
  encode: (row) => {
    if ('version' in row) {
      const bytes = Buffer.allocUnsafe(ASKED_BYTES);
      bytes.writeInt32BE(row.partition, 0);
      bytes.writeDoubleBE(row.version, 4);
      return bytes;
    }
    const bytes = Buffer.allocUnsafe(UNTOLD_BYTES);
    bytes.writeDoubleBE(row.next, 0);
    bytes.writeDoubleBE(row.end, 8);
    bytes.writeDoubleBE(row.atMs, 16);
    return bytes;
  },
  decode: (bytes) => {
    if (bytes.length === UNTOLD_BYTES) {
      const [next, end, atMs] = [
        bytes.readDoubleBE(0),
        bytes.readDoubleBE(8),
        bytes.readDoubleBE(16),
      ];
      return { next, end, atMs };
    }
    return { partition: bytes.readInt32BE(0), version: bytes.readDoubleBE(4) };
  },
};

/** The length before it says where the first one ends, whatever characters a key has. */
export const askedKey = (right: string, left: string) => `${right.length}:${right}${left}`;

/** No key of one that has asked begins so. */
export const untoldKey = (right: string) => `>${right}`;

export const isUntold = (key: string) => key.startsWith('>');

export function partsOf(key: string): { readonly right: string; readonly left: string } {
  if (isUntold(key)) return { right: key.slice(1), left: '' };
  const colon = key.indexOf(':');
  const end = colon + 1 + Number(key.slice(0, colon));
  return { right: key.slice(colon + 1, end), left: key.slice(end) };
}
