/**
 * Which left rows have asked for a right one: state of the right half of a join by a foreign key,
 * with an index by the right key, so that a change there finds all that it concerns.
 */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import type { RowCodec } from '../../core/store.ts';
import { CodedStore } from '../state/coded-store.ts';
import type { TaskStore } from '../state/task-store.ts';

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

export class AskedRows implements TaskStore {
  readonly name: string;
  readonly #rows: CodedStore<Asked>;
  /** Left keys by the right one. */
  readonly #index = new Map<string, Set<string>>();

  constructor(name: string) {
    this.name = name;
    this.#rows = new CodedStore(name, ASKED_ROW);
  }

  get size(): number {
    return this.#rows.size;
  }

  get changedCount(): number {
    return this.#rows.changedCount;
  }

  get bytes(): number {
    return this.#rows.bytes;
  }

  put(right: string, left: string, asked: Asked): void {
    this.#rows.put(join(right, left), asked);
    this.#add(right, left);
  }

  delete(right: string, left: string): void {
    this.#rows.delete(join(right, left));
    const lefts = this.#index.get(right);
    lefts?.delete(left);
    if (lefts?.size === 0) this.#index.delete(right);
  }

  /** In the order of left keys, whichever came first. */
  *of(right: string): IterableIterator<readonly [left: string, asked: Asked]> {
    for (const left of [...(this.#index.get(right) ?? [])].sort()) {
      yield [left, this.#rows.get(join(right, left))!];
    }
  }

  restore(batch: LogBatch): void {
    this.#rows.restore(batch);
  }

  restored(): void {
    this.#rows.restored();
    for (const [key] of this.#rows.rows()) {
      const { right, left } = parted(key);
      this.#add(right, left);
    }
  }

  writeChanged(to: BatchBuilder, nowMs: number): void {
    this.#rows.writeChanged(to, nowMs);
  }

  rows(): IterableIterator<[string, unknown]> {
    return this.#rows.rows();
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
