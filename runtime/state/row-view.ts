/**
 * Rows as steps see them: one object a store, with a property a column that reads and writes where
 * the store's current row lies. Its class is made once per declaration of columns, so that a step's
 * reads and writes find one kind of object, whichever task it runs in.
 */
import type { ColumnKinds, Columns, RowView } from '../../core/store.ts';
import type { HeldColumn, HeldView } from './held-column.ts';
import type { Names } from './names.ts';
import type { ValueColumn } from './value-column.ts';

/** The numbers of a row that a column takes, where it is no held record: one. */
const WIDTH = 1;

/** Where a store's current row lies. */
export class Place {
  numbers: Float64Array = new Float64Array(0);
  at = 0;
  slot = -1;
}

/** A column of a store: its name, kind, and which number of the row it begins at. */
export interface PlacedColumn {
  readonly name: string;
  readonly kind: ColumnKinds[string];
  readonly at: number;
}

/** Which numbers of a row the columns take, from `first` on, and how many a row has then. */
export function placeColumns(
  { columns }: Columns,
  first: number,
  recordWidth: number,
): { placed: readonly PlacedColumn[]; width: number } {
  let width = first;
  const placed = Object.entries(columns).map(([name, kind]) => {
    const at = width;
    width += kind === 'record' ? recordWidth : WIDTH;
    return { name, kind, at };
  });
  if (placed.filter(({ kind }) => kind === 'record' || kind === 'value').length > 1) {
    throw new Error('a row has at most one record, or one value');
  }
  return { placed, width };
}

export class Row {
  readonly #place: Place;
  readonly #names: Names;
  readonly #held: HeldView | null;
  readonly #values: ValueColumn | null;

  constructor(place: Place, names: Names, held: HeldColumn | null, values: ValueColumn | null) {
    this.#values = values;
    this.#place = place;
    this.#names = names;
    this.#held = held === null ? null : held.view(place);
  }

  static withColumns(placed: readonly PlacedColumn[]): typeof Row {
    class ColumnRow extends Row {}
    for (const column of placed) {
      Object.defineProperty(ColumnRow.prototype, column.name, Row.#property(column));
    }
    return ColumnRow;
  }

  static #property({ kind, at }: PlacedColumn): PropertyDescriptor & ThisType<Row> {
    if (kind === 'record') {
      return {
        get() {
          return this.#held;
        },
      };
    }
    if (kind === 'value') {
      return {
        get() {
          return this.#values!.get(this.#place.slot);
        },
        set(value: unknown) {
          this.#values!.set(this.#place.slot, value);
        },
      };
    }
    if (kind === 'name') {
      return {
        get() {
          return this.#names.text(this.#place.numbers[this.#place.at + at]!);
        },
        set(text: string) {
          this.#place.numbers[this.#place.at + at] = this.#names.number(text);
        },
      };
    }
    return {
      get() {
        return this.#place.numbers[this.#place.at + at]!;
      },
      set(number: number) {
        this.#place.numbers[this.#place.at + at] = number;
      },
    };
  }
}

const classes = new WeakMap<Columns, typeof Row>();

/** The view of a store whose rows are declared so. */
export function rowView<C extends ColumnKinds>(
  of: Columns<C>,
  placed: readonly PlacedColumn[],
  place: Place,
  names: Names,
  held: HeldColumn | null,
  values: ValueColumn | null,
): RowView<C> {
  let found = classes.get(of);
  if (found === undefined) {
    found = Row.withColumns(placed);
    classes.set(of, found);
  }
  return new found(place, names, held, values) as unknown as RowView<C>;
}
