/**
 * A store whose rows are whole objects, under texts: a row is kept as the bytes that its codec
 * writes, and made an object again when it is asked for. Its changelog has the form of all stores.
 */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import type { ObjectStore, RowCodec } from '../../core/store.ts';
import { NEVER } from '../../core/store.ts';
import { ChangelogReader, writeRow, writeTombstone } from './changelog-form.ts';
import { copyBytes } from './copy-bytes.ts';
import { KeyBytes } from './key-bytes.ts';
import { hashKey } from './key-hash.ts';
import { FIRST_PUT, KeyTable, NO_SLOT } from './key-table.ts';
import { Slabs } from './slabs.ts';
import type { TaskStore } from './task-store.ts';
import { UnreadableRows } from './unreadable-rows.ts';

/** The number of a row that says where its bytes are: their address and one; 0: nowhere yet. */
const ENTRY = FIRST_PUT + 1;
const WIDTH = ENTRY + 1;
/** Before a row's bytes: its slot, so that its owner is found when it is moved. */
const HEAD_BYTES = 4;

export class CodedStore<Row> implements ObjectStore<Row>, TaskStore {
  readonly name: string;
  readonly #codec: RowCodec<Row>;
  readonly #table = new KeyTable(WIDTH);
  readonly #slabs = new Slabs();
  readonly #key = new KeyBytes();
  readonly #changelog = new ChangelogReader();
  readonly #unreadable: UnreadableRows;

  constructor(name: string, codec: RowCodec<Row>) {
    this.name = name;
    this.#unreadable = new UnreadableRows(name);
    this.#codec = codec;
  }

  get size(): number {
    return this.#table.size;
  }

  get changedCount(): number {
    return this.#table.changedCount;
  }

  get bytes(): number {
    return this.#table.bytes + this.#slabs.bytes;
  }

  get spare(): number {
    return this.#table.spare + this.#slabs.spare;
  }

  get(key: string): Row | undefined {
    const slot = this.#find(key);
    return slot === NO_SLOT ? undefined : this.#row(slot);
  }

  put(key: string, row: Row): void {
    const table = this.#table;
    const bytes = this.#codec.encode(row);
    let slot = this.#find(key);
    if (slot === NO_SLOT) slot = table.add(this.#key.view, 0, this.#key.end, this.#key.hash);
    else table.change(slot);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#store(slot, view, 0, bytes.length);
  }

  delete(key: string): boolean {
    const slot = this.#find(key);
    if (slot === NO_SLOT) return false;
    this.#release(slot);
    this.#table.delete(slot);
    return true;
  }

  restore(batch: LogBatch): void {
    const changelog = this.#changelog;
    const table = this.#table;
    changelog.open(batch);
    while (changelog.next()) {
      const { bytes, view, keyStart, keyEnd } = changelog;
      const hash = hashKey(view, keyStart, keyEnd);
      this.#unreadable.passed(bytes, keyStart, keyEnd);
      if (changelog.valueStart >= 0) {
        this.#load(table.load(view, keyStart, keyEnd, hash));
        continue;
      }
      const slot = table.find(view, keyStart, keyEnd, hash);
      if (slot === NO_SLOT) continue;
      this.#release(slot);
      table.unload(slot);
    }
  }

  restored(): void {
    const { fault } = this.#unreadable;
    if (fault !== undefined) throw fault;
    this.#table.order();
  }

  writeChanged(to: BatchBuilder, nowMs: number): void {
    const table = this.#table;
    for (let n = 0; n < table.changedCount; n++) {
      table.warmChanged(n);
      const slot = table.changed(n);
      if (!table.isLive(slot)) {
        writeTombstone(to, nowMs, table, slot);
        table.wrote(n);
        continue;
      }
      const entry = this.#entry(slot);
      const at = this.#slabs.at(entry);
      const end = at + this.#slabs.length(entry);
      writeRow(to, nowMs, table, slot, NEVER, this.#slabs.view(entry), at + HEAD_BYTES, end);
      table.wrote(n);
    }
    table.settle();
    this.#slabs.compact((_, to) => {
      const slot = this.#slabs.view(to).getInt32(this.#slabs.at(to));
      table.numbers(slot)[table.place(slot) + ENTRY] = (to >>> 0) + 1;
    });
  }

  *keys(): IterableIterator<string> {
    const table = this.#table;
    for (let slot = table.oldest; slot !== NO_SLOT; slot = table.after(slot)) {
      yield table.keyText(slot);
    }
  }

  touch(from: number | null, count: number): number | null {
    return this.#table.touch(from, count);
  }

  *rows(): IterableIterator<[string, Row]> {
    const table = this.#table;
    for (let slot = table.oldest; slot !== NO_SLOT; slot = table.after(slot)) {
      yield [table.keyText(slot), this.#row(slot)];
    }
  }

  #find(key: string): number {
    const { view, end, hash } = this.#key.ofText(key);
    return this.#table.find(view, 0, end, hash);
  }

  #entry(slot: number): number {
    return (this.#table.numbers(slot)[this.#table.place(slot) + ENTRY]! - 1) | 0;
  }

  #row(slot: number): Row {
    const entry = this.#entry(slot);
    const { buffer, byteOffset } = this.#slabs.view(entry);
    const at = byteOffset + this.#slabs.at(entry) + HEAD_BYTES;
    const bytes = Buffer.from(buffer, at, this.#slabs.length(entry) - HEAD_BYTES);
    // A copy: what a codec decodes may be a view on what it was given, and the slab moves on.
    return this.#codec.decode(Buffer.from(bytes));
  }

  /** Reads the row that the changelog is at, and whether the codec can. */
  #load(slot: number): void {
    const changelog = this.#changelog;
    try {
      changelog.readHead();
      const { bytes, view, rowEnd } = changelog;
      const start = changelog.in.at;
      this.#codec.decode(bytes.subarray(start, rowEnd));
      this.#store(slot, view, start, rowEnd);
    } catch (cause) {
      this.#release(slot);
      this.#table.unload(slot);
      this.#unreadable.add(changelog.bytes, changelog.keyStart, changelog.keyEnd, cause);
      return;
    }
    this.#table.numbers(slot)[this.#table.place(slot) + FIRST_PUT] = changelog.firstPut;
  }

  #store(slot: number, from: DataView, start: number, end: number): void {
    this.#release(slot);
    const entry = this.#slabs.alloc(HEAD_BYTES + end - start);
    const view = this.#slabs.view(entry);
    const at = this.#slabs.at(entry);
    view.setInt32(at, slot);
    copyBytes(view, at + HEAD_BYTES, from, start, end);
    this.#table.numbers(slot)[this.#table.place(slot) + ENTRY] = (entry >>> 0) + 1;
  }

  #release(slot: number): void {
    const numbers = this.#table.numbers(slot);
    const at = this.#table.place(slot) + ENTRY;
    if (numbers[at] === 0) return;
    this.#slabs.free((numbers[at]! - 1) | 0);
    numbers[at] = 0;
  }
}
