/** The columns of a store's rows: how a row is seen, and how it is written and read again. */
import type { Record } from '../../core/record.ts';
import type { ColumnKinds, Columns, RowView } from '../../core/store.ts';
import type { VarintReader } from '../../core/varint.ts';
import type { ChangelogReader } from './changelog-form.ts';
import { HELD_WIDTH, HeldColumn } from './held-column.ts';
import { FIRST_PUT } from './key-table.ts';
import { Names } from './names.ts';
import { type Place, type PlacedColumn, placeColumns, rowView } from './row-view.ts';
import type { RowWriter } from './row-writer.ts';
import { ValueColumn } from './value-column.ts';

export class RowColumns<C extends ColumnKinds> {
  readonly placed: readonly PlacedColumn[];
  /** Numbers that a row has. */
  readonly width: number;
  readonly held: HeldColumn | null;
  readonly values: ValueColumn | null;
  readonly timers: Columns['timers'];
  readonly #of: Columns<C>;
  readonly #names = new Names();
  readonly #writer: RowWriter;

  /** `first`: which number of a row is the columns' first. */
  constructor(of: Columns<C>, first: number, writer: RowWriter) {
    const { placed, width } = placeColumns(of, first, HELD_WIDTH);
    this.#of = of;
    this.#writer = writer;
    this.placed = placed;
    this.width = width;
    this.timers = of.timers;
    const record = placed.find(({ kind }) => kind === 'record');
    this.held = record ? new HeldColumn(record.at, this.#names, writer) : null;
    this.values = placed.some(({ kind }) => kind === 'value') ? new ValueColumn() : null;
  }

  /** Memory that is not in the rows' numbers. */
  get bytes(): number {
    return (this.held?.bytes ?? 0) + (this.values?.bytes ?? 0);
  }

  /** Of these, what is free to be used again. */
  get spare(): number {
    return this.held?.spare ?? 0;
  }

  /** What shows the row at a place. */
  viewAt(place: Place): RowView<C> {
    return rowView(this.#of, this.placed, place, this.#names, this.held, this.values);
  }

  /** A row as an object: what it holds first, then its columns in their order. */
  plain(row: { readonly [column: string]: unknown }, held: Record | null) {
    const record = this.placed.find(({ kind }) => kind === 'record');
    const plain: { [column: string]: unknown } = {};
    if (record !== undefined) plain[record.name] = held;
    for (const { name, kind } of this.placed) if (kind !== 'record') plain[name] = row[name];
    return plain;
  }

  /** The row is deleted. */
  release(place: Place): void {
    this.held?.release(place);
    this.values?.release(place.slot);
  }

  write(place: Place): void {
    const writer = this.#writer;
    for (const { kind, at } of this.placed) {
      const number = place.numbers[place.at + at]!;
      if (kind === 'int') writer.int(number);
      else if (kind === 'double') writer.double(number);
      else if (kind === 'name') writer.text(this.#names.text(number));
      else if (kind === 'value') this.values!.write(place.slot, writer);
      else this.held!.write(place, writer);
    }
  }

  /** Reads the row that a changelog is at. Throws a RangeError where it has other columns. */
  load(place: Place, changelog: ChangelogReader): void {
    changelog.readHead();
    place.numbers[place.at + FIRST_PUT] = changelog.firstPut;
    this.read(place, changelog.bytes, changelog.view, changelog.in);
    if (changelog.in.at !== changelog.rowEnd) {
      throw new RangeError('the row has not the columns that it should have');
    }
  }

  read(place: Place, bytes: Buffer, view: DataView, from: VarintReader): void {
    for (const { kind, at } of this.placed) {
      if (kind === 'int') place.numbers[place.at + at] = from.next();
      else if (kind === 'double') {
        place.numbers[place.at + at] = view.getFloat64(from.at);
        from.at += 8;
      } else if (kind === 'name') {
        const size = from.next();
        from.at += size;
        place.numbers[place.at + at] = this.#names.numberOf(bytes, from.at - size, from.at);
      } else if (kind === 'value') this.values!.read(place.slot, bytes, from);
      else this.held!.read(place, bytes, view, from);
    }
  }
}
