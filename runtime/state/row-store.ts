/**
 * A store whose rows are columns: state of one step in one task, in memory as numbers and bytes.
 * Its rows, their order and their timers come back from the changelog as they were (rule D11).
 */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import { Record } from '../../core/record.ts';
import { Slice } from '../../core/slice.ts';
import {
  type ColumnKinds,
  type ColumnStore,
  type Columns,
  type Key,
  NEVER,
  type RowView,
} from '../../core/store.ts';
import { VarintReader } from '../../core/varint.ts';
import { ChangelogReader, writeRow, writeTombstone } from './changelog-form.ts';
import { DueWheel } from './due-wheel.ts';
import type { HeldColumn } from './held-column.ts';
import { KeyBytes, PART_BYTES } from './key-bytes.ts';
import { hashKey } from './key-hash.ts';
import { FIRST_PUT, KeyTable, NO_SLOT } from './key-table.ts';
import { RowColumns } from './row-columns.ts';
import { RowUndo } from './row-undo.ts';
import { Place } from './row-view.ts';
import { RowWriter } from './row-writer.ts';
import type { TaskStore } from './task-store.ts';
import { UnreadableRows } from './unreadable-rows.ts';

/** Beyond its bytes, a slice of one record has room that copies may write to. */
const SLACK_BYTES = 8;

export class RowStore<C extends ColumnKinds = ColumnKinds> implements ColumnStore<C>, TaskStore {
  readonly name: string;
  rowsMax: number = Number.POSITIVE_INFINITY;
  readonly #columns: RowColumns<C>;
  readonly #table: KeyTable;
  readonly #dues: DueWheel;
  /** Its due times are the step's own matter, until all is let go. */
  #isStepTimed: boolean;
  readonly #writer = new RowWriter();
  readonly #held: HeldColumn | null;
  readonly touch: TaskStore['touch'] = (from, count) => this.#table.touch(from, count);
  /** Only where records are held: what else a row says is the step's own. */
  readonly #undo: RowUndo | null;
  /** Where the current row lies: that of `#slot`. */
  readonly #place = new Place();
  readonly #row: RowView<C>;
  readonly #key = new KeyBytes();
  readonly #part = new KeyBytes();
  readonly #whole = new KeyBytes();
  readonly #changelog = new ChangelogReader();
  readonly #unreadable: UnreadableRows;
  isReleased = false;
  #slot = NO_SLOT;
  #dueSlot = NO_SLOT;

  constructor(name: string, of: Columns<C>) {
    this.name = name;
    this.#unreadable = new UnreadableRows(name);
    this.#columns = new RowColumns(of, FIRST_PUT + 1, this.#writer);
    const { width, held } = this.#columns;
    this.#table = new KeyTable(width);
    this.#dues = new DueWheel((a, b) => this.#table.precedes(a, b));
    this.#isStepTimed = of.timers === 'step';
    this.#held = held;
    this.#undo = held && new RowUndo(this.#table, this.#dues, held, width);
    this.#row = this.#columns.viewAt(this.#place);
  }

  get size(): number {
    return this.#table.size;
  }

  get changedCount(): number {
    return this.#table.changedCount;
  }

  get bytes(): number {
    return this.#table.bytes + this.#dues.bytes + this.#columns.bytes;
  }

  get spare(): number {
    return this.#table.spare + this.#columns.spare;
  }

  /** Rows that hold a record; what the step has counted must say the same. */
  get held(): number {
    return this.#held?.held ?? 0;
  }

  // What a step calls.

  get isFull(): boolean {
    return this.#table.size >= this.rowsMax;
  }

  key(text: string): KeyBytes {
    return this.#key.ofText(text);
  }

  part(of: Key, n: number): KeyBytes {
    return this.#part.ofBytes(of.view, of.start, of.end, n);
  }

  row(): RowView<C> {
    return this.#at(this.#current());
  }

  wholeKey(): KeyBytes {
    const slot = this.#current();
    const start = this.#table.keyStart(slot);
    const end = start + this.#table.keyLength(slot) - PART_BYTES;
    if (end < start) throw new Error(`store ${this.name}: the row is no part of a key`);
    return this.#whole.ofBytes(this.#table.keyView(slot), start, end);
  }

  get(key: Key): RowView<C> | undefined {
    this.#slot = this.#table.find(key.view, key.start, key.end, key.hash);
    return this.#slot === NO_SLOT ? undefined : this.#at(this.#slot);
  }

  put(key: Key): RowView<C> {
    const table = this.#table;
    let slot = table.find(key.view, key.start, key.end, key.hash);
    if (slot !== NO_SLOT) table.change(slot);
    else {
      slot = table.add(key.view, key.start, key.end, key.hash);
      this.#undo?.added(slot);
    }
    return this.#at(slot);
  }

  changed(): void {
    this.#table.change(this.#current());
  }

  setDue(dueMs: number): void {
    const slot = this.#current();
    this.#dues.set(slot, dueMs);
    this.#table.change(slot);
  }

  delete(): void {
    const slot = this.#current();
    this.#undo?.moves(slot);
    this.#columns.release(this.#place);
    this.#dues.remove(slot);
    this.#table.delete(slot);
    this.#slot = NO_SLOT;
  }

  renew(): void {
    this.#undo?.moves(this.#current());
    this.#table.renew(this.#current());
  }

  oldest(): RowView<C> | undefined {
    this.#slot = this.#table.oldest;
    return this.#slot === NO_SLOT ? undefined : this.#at(this.#slot);
  }

  takeDueBy(untilMs: number): RowView<C> | undefined {
    return this.#take(untilMs) ? this.#row : undefined;
  }

  firstDueMs(): number {
    return this.#dues.nextDueMs();
  }

  isAt(key: Key): boolean {
    return this.#slot !== NO_SLOT && this.#table.isKey(this.#slot, key);
  }

  // What the engine calls.
  /**
   * From here on all that is done to the store can be undone, until `keep` or `undo`; there is no
   * current row. Only for stores that hold records.
   */
  begin(): void {
    this.#slot = NO_SLOT;
    this.#undo?.begin();
  }

  keep(): void {
    this.#undo?.keep();
  }

  undo(): void {
    this.#slot = NO_SLOT;
    this.#undo?.undo();
  }

  /** Reads what `get` and `put` will read of many keys, so that their cache misses overlap. */
  warm(hashes: Int32Array, n: number): void {
    this.#table.warm(hashes, n);
  }

  /** When the next row is due on the task's clock, or NEVER. */
  nextDueMs(): number {
    return this.#isStepTimed ? NEVER : this.#dues.nextDueMs();
  }

  /**
   * Goes to the next row that is due by `nowMs` and takes its due time off; false: there is none.
   * Earlier ones first, of equal ones by key, so that feeds repeat exactly.
   */
  takeDue(nowMs: number): boolean {
    return !this.#isStepTimed && this.#take(nowMs);
  }

  #take(untilMs: number): boolean {
    const dueMs = this.#dues.nextDueMs();
    const slot = this.#dues.take(untilMs);
    if (slot === NO_SLOT) return false;
    this.#undo?.save(slot, dueMs);
    this.#at(slot);
    this.#table.change(slot);
    this.#dueSlot = slot;
    return true;
  }

  /**
   * Deletes the row that was due last, and gives what it held: a copy that stays. Null, and the row
   * stays, when it holds nothing.
   */
  dismissDue(): Record | null {
    this.#at(this.#dueSlot);
    if (this.#held?.isIn(this.#place) !== true) return null;
    const record = this.#heldCopy();
    this.delete();
    return record;
  }

  /**
   * Makes every row due at this time, whatever its own was; of rows that are due by the step's own
   * time those that would ever be.
   */
  dueAt(nowMs: number): void {
    const { timers } = this.#columns;
    for (let slot = this.#table.oldest; slot !== NO_SLOT; slot = this.#table.after(slot)) {
      if (timers === 'clock') this.#move(slot, this.#place);
      // What a step has counted for itself is never due.
      const waits = timers === 'clock' && this.#held?.isIn(this.#place) === true;
      if (waits || this.#dues.dueOf(slot) !== NEVER) this.#dues.set(slot, nowMs);
    }
    this.#slot = NO_SLOT;
    this.isReleased = true;
    this.#isStepTimed = false;
  }

  /** Whether there is a current row, and it holds a record. */
  get holdsRecord(): boolean {
    return this.#slot !== NO_SLOT && this.#held?.isIn(this.#place) === true;
  }

  /** Of the record that the current row holds; a slice has records of one topic partition only. */
  heldTopic(): string {
    return this.#holding().topic(this.#place);
  }

  heldPartition(): number {
    return this.#holding().partition(this.#place);
  }

  /**
   * Appends a copy of the current row's record to a slice with bytes of its own; gives its index.
   */
  appendHeld(out: Slice): number {
    return this.#holding().append(this.#place, out);
  }

  /** The writers' schemas of all held values: they must be loaded before one is read. */
  heldSchemaIds(): Iterable<number> {
    const ids = new Set<number>();
    if (this.#held === null) return ids;
    const reader = new VarintReader(Buffer.alloc(0));
    const place = new Place();
    for (let slot = this.#table.oldest; slot !== NO_SLOT; slot = this.#table.after(slot)) {
      this.#move(slot, place);
      if (!this.#held.isIn(place)) continue;
      const id = this.#held.schemaId(place, reader);
      if (id >= 0) ids.add(id);
    }
    return ids;
  }

  restore(batch: LogBatch, nowMs = NEVER): void {
    const changelog = this.#changelog;
    changelog.open(batch);
    while (changelog.next()) {
      const { bytes, view, keyStart, keyEnd } = changelog;
      const hash = hashKey(view, keyStart, keyEnd);
      this.#unreadable.passed(bytes, keyStart, keyEnd);
      if (changelog.valueStart >= 0) {
        this.#load(this.#table.load(view, keyStart, keyEnd, hash), nowMs);
        continue;
      }
      const slot = this.#table.find(view, keyStart, keyEnd, hash);
      if (slot !== NO_SLOT) this.#unload(slot);
    }
    this.#slot = NO_SLOT;
  }

  restored(): void {
    const { fault } = this.#unreadable;
    if (fault !== undefined) throw fault;
    this.#table.order();
  }

  writeChanged(to: BatchBuilder, nowMs: number): void {
    const table = this.#table;
    const writer = this.#writer;
    const place = this.#place;
    for (let n = 0; n < table.changedCount; n++) {
      table.warmChanged(n);
      const slot = table.changed(n);
      if (!table.isLive(slot)) {
        writeTombstone(to, nowMs, table, slot);
        table.wrote(n);
        continue;
      }
      this.#move(slot, place);
      writer.at = 0;
      this.#columns.write(place);
      writeRow(to, nowMs, table, slot, this.#dues.dueOf(slot), writer.view, 0, writer.at);
      table.wrote(n);
    }
    this.#slot = NO_SLOT;
    table.settle();
    this.#held?.compact((slot, at) => this.#move(slot, at), place);
  }

  *rows(): IterableIterator<[string, unknown]> {
    const table = this.#table;
    for (let slot = table.oldest; slot !== NO_SLOT; slot = table.after(slot)) {
      this.#at(slot);
      const held = this.#held?.isIn(this.#place) === true ? this.#heldCopy() : null;
      yield [table.keyText(slot), this.#columns.plain(this.#row, held)];
    }
  }

  #heldCopy(): Record {
    const slice = new Slice(0, 1);
    slice.bytes = Buffer.allocUnsafeSlow(this.#held!.size(this.#place) + SLACK_BYTES);
    slice.view = new DataView(slice.bytes.buffer);
    slice.resetOwn(this.heldTopic(), this.heldPartition());
    return new Record(slice, this.appendHeld(slice));
  }

  #current(): number {
    if (this.#slot === NO_SLOT) throw new Error(`store ${this.name}: there is no current row`);
    return this.#slot;
  }

  /** What the current row holds. */
  #holding(): HeldColumn {
    this.#current();
    if (this.#held === null) throw new Error(`store ${this.name}: its rows hold no records`);
    return this.#held;
  }

  #at(slot: number): RowView<C> {
    this.#undo?.save(slot);
    this.#slot = slot;
    this.#move(slot, this.#place);
    return this.#row;
  }

  #move(slot: number, place: Place): void {
    place.numbers = this.#table.numbers(slot);
    place.at = this.#table.place(slot);
    place.slot = slot;
  }

  #unload(slot: number): void {
    this.#dues.remove(slot);
    this.#move(slot, this.#place);
    this.#columns.release(this.#place);
    this.#table.unload(slot);
  }

  /** Reads the row that the changelog is at. */
  #load(slot: number, nowMs: number): void {
    const changelog = this.#changelog;
    const place = this.#place;
    this.#move(slot, place);
    try {
      this.#columns.load(place, changelog);
    } catch (cause) {
      this.#unload(slot);
      this.#unreadable.add(changelog.bytes, changelog.keyStart, changelog.keyEnd, cause);
      return;
    }
    const aheadMs = this.#isStepTimed ? 0 : Math.max(0, changelog.writtenMs - nowMs);
    const dueMs = changelog.dueMs - aheadMs;
    if (dueMs !== this.#dues.dueOf(slot)) this.#dues.set(slot, dueMs);
  }
}
