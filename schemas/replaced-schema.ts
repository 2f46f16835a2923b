/**
 * A file that takes the place of one of Carillon's own schemas has to fit what reads and writes it.
 */
import type { AvroType } from './avro-type.ts';
import { resolve, UnresolvableError } from './value-reader.ts';

/** Why a schema cannot stand for Carillon's own of the same name; undefined: it can. */
export function misfitOf(own: AvroType, replacing: AvroType): string | undefined {
  const asOurs = unreadable(replacing, own);
  if (asOurs !== undefined) return `cannot be read as it: ${asOurs}`;
  const asTheirs = unreadable(own, replacing);
  return asTheirs === undefined ? undefined : `cannot be made of it: ${asTheirs}`;
}

function unreadable(writer: AvroType, reader: AvroType): string | undefined {
  try {
    return resolve(writer, reader).isTotal ? undefined : 'some of its values cannot';
  } catch (error) {
    if (error instanceof UnresolvableError) return error.message;
    throw error;
  }
}
