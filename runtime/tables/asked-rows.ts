/**
 * Which left rows have asked for a right one: state of the right half of a join by a foreign key,
 * with an index by the right key, so that a change there finds all that it concerns.
 */
import type { RowCodec } from '../../core/store.ts';
import { KeptRows } from '../state/kept-rows.ts';

export interface Asked {
  /** Where the left row is. */
  readonly partition: number;
  readonly version: number;
}

export const ASKED_ROW: RowCodec<Asked> = {
  encode: ({ partition, version }) => {
    const bytes = Buffer.allocUnsafe(12);
    bytes.writeInt32BE(partition, 0);
    bytes.writeDoubleBE(version, 4);
    return bytes;
  },
  decode: (bytes) => ({ partition: bytes.readInt32BE(0), version: bytes.readDoubleBE(4) }),
};

export class AskedRows extends KeptRows<Asked> {
  /** Left keys by the right one. */
  readonly #index = new Map<string, Set<string>>();

  constructor(name: string) {
    super(name, ASKED_ROW);
  }

  put(right: string, left: string, asked: Asked): void {
    this.kept.put(join(right, left), asked);
    this.#add(right, left);
  }

  delete(right: string, left: string): void {
    this.kept.delete(join(right, left));
    const lefts = this.#index.get(right);
    lefts?.delete(left);
    if (lefts?.size === 0) this.#index.delete(right);
  }

  /** In the order of left keys, whichever came first. */
  *of(right: string): IterableIterator<readonly [left: string, asked: Asked]> {
    for (const left of [...(this.#index.get(right) ?? [])].sort()) {
      yield [left, this.kept.get(join(right, left))!];
    }
  }

  override restored(): void {
    super.restored();
    for (const [key] of this.kept.rows()) {
      const { right, left } = parted(key);
      this.#add(right, left);
    }
  }

  #add(right: string, left: string): void {
    const lefts = this.#index.get(right);
    if (lefts === undefined) this.#index.set(right, new Set([left]));
    else lefts.add(left);
  }
}

/** The length before it says where the first one ends, whatever characters a key has. */
const join = (right: string, left: string) => `${right.length}:${right}${left}`;

function parted(key: string): { readonly right: string; readonly left: string } {
  const colon = key.indexOf(':');
  const end = colon + 1 + Number(key.slice(0, colon));
  return { right: key.slice(colon + 1, end), left: key.slice(end) };
}
