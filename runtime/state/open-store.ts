/** The store of a step: of columns, or of objects with a codec, as the step declares its rows. */
import type { Columns, RowCodec } from '../../core/store.ts';
import { CodedStore } from './coded-store.ts';
import { RowStore } from './row-store.ts';

export type DeclaredRows = Columns | RowCodec<unknown>;

export function openStore(
  name: string,
  declared: DeclaredRows,
): RowStore<Columns['columns']> | CodedStore<unknown> {
  return 'columns' in declared
    ? new RowStore(name, declared)
    : new CodedStore<unknown>(name, declared);
}
