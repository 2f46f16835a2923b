/**
 * Which left rows have asked for a right one: state of the right half of a join by a foreign key.
 * Those who have asked for the same one are a list, in the order in which they last asked, so that
 * a change there finds all that it concerns, and goes on where it was. All of it is numbers.
 */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import { NEVER } from '../../core/store.ts';
import {
  ChangelogReader,
  unreadableRow,
  writeRow,
  writeTombstone,
} from '../state/changelog-form.ts';
import { KeyBytes } from '../state/key-bytes.ts';
import { hashKey } from '../state/key-hash.ts';
import { FIRST_PUT, KeyTable, NO_SLOT } from '../state/key-table.ts';
import type { TaskStore } from '../state/task-store.ts';
import { ASKED_ROW, type Asked, askedKey, isUntold, partsOf, untoldKey } from './asked-row.ts';

/** Numbers of a row. Slots stand with one added, 0: none. */
const PARTITION = FIRST_PUT + 1;
const VERSION = FIRST_PUT + 2;
const BEFORE = FIRST_PUT + 3;
const AFTER = FIRST_PUT + 4;
const RIGHT = FIRST_PUT + 5;
const WIDTH = FIRST_PUT + 6;
/** Numbers of a right key. */
const HEAD = FIRST_PUT + 1;
const TAIL = FIRST_PUT + 2;
const RIGHT_WIDTH = FIRST_PUT + 3;

/** A change of a right row that is still to be told to some. */
export interface Telling {
  readonly right: string;
  readonly atMs: number;
  /** The slot of the next one, NO_SLOT: there is none. */
  next: number;
  /** Who asked from this first put on was told when it asked. */
  readonly end: number;
}

export class AskedRows implements TaskStore {
  readonly name: string;
  readonly #table = new KeyTable(WIDTH);
  readonly #rights = new KeyTable(RIGHT_WIDTH);
  readonly #key = new KeyBytes();
  readonly #changelog = new ChangelogReader();
  /** By right key, in the order in which they began. */
  readonly #tellings = new Map<string, Telling>();

  constructor(name: string) {
    this.name = name;
  }

  get size(): number {
    return this.#table.size;
  }

  get changedCount(): number {
    return this.#table.changedCount;
  }

  get bytes(): number {
    return this.#table.bytes + this.#rights.bytes;
  }

  get spare(): number {
    return this.#table.spare + this.#rights.spare;
  }

  /** It asks now: a change that is being told elsewhere is told to it by that. */
  put(right: string, left: string, { partition, version }: Asked): void {
    const key = askedKey(right, left);
    let slot = this.#find(this.#table, key);
    if (slot === NO_SLOT) slot = this.#add(this.#table, key);
    else {
      this.#unlink(slot);
      this.#table.renew(slot);
    }
    this.#set(slot, PARTITION, partition);
    this.#set(slot, VERSION, version);
    this.#link(slot, right);
  }

  delete(right: string, left: string): void {
    const slot = this.#find(this.#table, askedKey(right, left));
    if (slot === NO_SLOT) return;
    this.#unlink(slot);
    this.#table.delete(slot);
  }

  /**
   * The right row has changed: all who have asked are to be told, with `take`. Undefined: nobody
   * has. What was still to be told of a former change is told by this one.
   */
  tell(right: string, atMs: number): Telling | undefined {
    const next = this.#firstOf(right);
    if (next === NO_SLOT) return undefined;
    return { right, atMs, next, end: this.#table.puts };
  }

  /** What is left to be told of changes that were too many for one slice; undefined: nothing. */
  get untold(): Telling | undefined {
    for (const telling of this.#tellings.values()) return telling;
    return undefined;
  }

  /**
   * The next ones to be told, at most so many, by their left keys. What is left then is a row, so
   * that it goes on after a crash.
   */
  take(telling: Telling, most: number): (readonly [left: string, asked: Asked])[] {
    const taken: (readonly [string, Asked])[] = [];
    const { right, end } = telling;
    let slot = telling.next;
    for (; slot !== NO_SLOT && this.#of(slot, FIRST_PUT) < end; slot = this.#of(slot, AFTER) - 1) {
      if (taken.length === most) break;
      const asked = { partition: this.#of(slot, PARTITION), version: this.#of(slot, VERSION) };
      taken.push([partsOf(this.#table.keyText(slot)).left, asked]);
    }
    telling.next = slot;
    if (slot === NO_SLOT || this.#of(slot, FIRST_PUT) >= end) this.#forgetTelling(right);
    else this.#keepTelling(telling);
    return taken.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  restore(batch: LogBatch): void {
    const changelog = this.#changelog;
    const table = this.#table;
    changelog.open(batch);
    while (changelog.next()) {
      const { view, keyStart, keyEnd } = changelog;
      const hash = hashKey(view, keyStart, keyEnd);
      if (changelog.valueStart >= 0) this.#load(table.load(view, keyStart, keyEnd, hash));
      else {
        const slot = table.find(view, keyStart, keyEnd, hash);
        if (slot !== NO_SLOT) table.unload(slot);
      }
    }
  }

  restored(): void {
    const table = this.#table;
    table.order();
    for (let slot = table.oldest; slot !== NO_SLOT; slot = table.after(slot)) {
      const key = table.keyText(slot);
      if (!isUntold(key)) this.#link(slot, partsOf(key).right);
    }
    for (let slot = table.oldest; slot !== NO_SLOT; slot = table.after(slot)) {
      const key = table.keyText(slot);
      if (!isUntold(key)) continue;
      const { right } = partsOf(key);
      const [from, end, atMs] = [PARTITION, VERSION, RIGHT].map((n) => this.#of(slot, n)) as [
        number,
        number,
        number,
      ];
      let next = this.#firstOf(right);
      while (next !== NO_SLOT && this.#of(next, FIRST_PUT) < from) next = this.#of(next, AFTER) - 1;
      this.#tellings.set(right, { right, atMs, next, end });
      // Who asks from now on is behind all that were there when it began.
      table.puts = Math.max(table.puts, end);
    }
  }

  writeChanged(to: BatchBuilder, nowMs: number): void {
    const table = this.#table;
    for (let n = 0; n < table.changedCount; n++) {
      const slot = table.changed(n);
      if (table.isLive(slot)) {
        const row = ASKED_ROW.encode(this.#row(slot));
        const view = new DataView(row.buffer, row.byteOffset, row.length);
        writeRow(to, nowMs, table, slot, NEVER, view, 0, row.length);
      } else writeTombstone(to, nowMs, table, slot);
      table.wrote(n);
    }
    table.settle();
    this.#rights.settle();
  }

  touch(from: number | null, count: number): number | null {
    return this.#table.touch(from, count);
  }

  *rows(): IterableIterator<[string, unknown]> {
    const table = this.#table;
    for (let slot = table.oldest; slot !== NO_SLOT; slot = table.after(slot)) {
      yield [table.keyText(slot), this.#row(slot)];
    }
  }

  #row(slot: number) {
    const [a, b] = [this.#of(slot, PARTITION), this.#of(slot, VERSION)];
    if (!isUntold(this.#table.keyText(slot))) return { partition: a, version: b };
    return { next: a, end: b, atMs: this.#of(slot, RIGHT) };
  }

  #load(slot: number): void {
    const changelog = this.#changelog;
    try {
      changelog.readHead();
      const row = ASKED_ROW.decode(changelog.bytes.subarray(changelog.in.at, changelog.rowEnd));
      this.#fill(slot, row);
    } catch (cause) {
      throw unreadableRow(this.name, cause);
    }
    this.#set(slot, FIRST_PUT, changelog.firstPut);
  }

  #fill(slot: number, row: ReturnType<typeof ASKED_ROW.decode>): void {
    const isAsked = 'version' in row;
    this.#set(slot, PARTITION, isAsked ? row.partition : row.next);
    this.#set(slot, VERSION, isAsked ? row.version : row.end);
    this.#set(slot, RIGHT, isAsked ? 0 : row.atMs);
  }

  #keepTelling(telling: Telling): void {
    const { right, atMs, next, end } = telling;
    this.#tellings.set(right, telling);
    const key = untoldKey(right);
    let slot = this.#find(this.#table, key);
    if (slot === NO_SLOT) slot = this.#add(this.#table, key);
    else this.#table.change(slot);
    this.#fill(slot, { next: this.#of(next, FIRST_PUT), end, atMs });
  }

  #forgetTelling(right: string): void {
    if (!this.#tellings.delete(right)) return;
    const slot = this.#find(this.#table, untoldKey(right));
    if (slot !== NO_SLOT) this.#table.delete(slot);
  }

  #firstOf(right: string): number {
    const at = this.#find(this.#rights, right);
    return at === NO_SLOT ? NO_SLOT : of(this.#rights, at, HEAD) - 1;
  }

  /** Puts a row last in the list of its right key. */
  #link(slot: number, right: string): void {
    const rights = this.#rights;
    let at = this.#find(rights, right);
    if (at === NO_SLOT) {
      const { view, end, hash } = this.#key.ofText(right);
      at = rights.load(view, 0, end, hash);
      set(rights, at, HEAD, slot + 1);
      set(rights, at, TAIL, 0);
    }
    const tail = of(rights, at, TAIL);
    if (tail > 0) this.#set(tail - 1, AFTER, slot + 1);
    set(rights, at, TAIL, slot + 1);
    this.#set(slot, BEFORE, tail);
    this.#set(slot, AFTER, 0);
    this.#set(slot, RIGHT, at + 1);
  }

  #unlink(slot: number): void {
    const rights = this.#rights;
    const [before, after] = [this.#of(slot, BEFORE), this.#of(slot, AFTER)];
    const at = this.#of(slot, RIGHT) - 1;
    if (before > 0) this.#set(before - 1, AFTER, after);
    else set(rights, at, HEAD, after);
    if (after > 0) this.#set(after - 1, BEFORE, before);
    else set(rights, at, TAIL, before);
    for (const telling of this.#tellings.values()) {
      if (telling.next === slot) telling.next = after - 1;
    }
    if (before === 0 && after === 0) rights.unload(at);
  }

  #find(table: KeyTable, text: string): number {
    const { view, end, hash } = this.#key.ofText(text);
    return table.find(view, 0, end, hash);
  }

  /** Of a key that was not found just now. */
  #add(table: KeyTable, text: string): number {
    const { view, end, hash } = this.#key.ofText(text);
    return table.add(view, 0, end, hash);
  }

  #of(slot: number, n: number): number {
    return of(this.#table, slot, n);
  }

  #set(slot: number, n: number, to: number): void {
    set(this.#table, slot, n, to);
  }
}

function of(table: KeyTable, slot: number, n: number): number {
  return table.numbers(slot)[table.place(slot) + n]!;
}

function set(table: KeyTable, slot: number, n: number, to: number): void {
  table.numbers(slot)[table.place(slot) + n] = to;
}
