/**
 * The identity of a record under some paths, as one text that two different identities never share:
 * each part says its type, and, when there are several, its length. So `["a", "bc"]` and `["ab",
 * "c"]` differ, and so do the number 1 and the text "1".
 */
import type { Record } from '../core/record.ts';
import type { FieldReader } from '../core/spec.ts';

/** Null when a part is null or absent: such a record cannot be told apart from others like it. */
export function identityOf(readers: readonly FieldReader[], record: Record): string | null {
  if (readers.length === 1) return partOf(readers[0]!.read(record));
  let identity = '';
  for (const reader of readers) {
    const part = partOf(reader.read(record));
    if (part === null) return null;
    identity += `${part.length}:${part}`;
  }
  return identity;
}

function partOf(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return `s${value}`;
    case 'number':
    case 'bigint':
      return `n${value}`;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return null;
      if (Buffer.isBuffer(value)) return `b${value.toString('base64')}`;
      // Decoded Avro keeps its schema's order of fields, so equal values give equal texts.
      return `j${JSON.stringify(value)}`;
    default:
      return null;
  }
}
