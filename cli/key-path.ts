/** Where an event carries its key, as gateway, producers and samples know it. */
import type { IdentityFields } from '../core/words.ts';
import type { AvroRecord } from '../schemas/folder.ts';

/**
 * `path`: of the stream's key. Without one the topology's field of members (`memberId`) if the
 * schema has it, although it may be null. Null: the key is given beside the event.
 */
export function keyPathOf(
  path: string | undefined,
  avro: AvroRecord | undefined,
  { member }: IdentityFields,
): readonly string[] | null {
  const fields = fieldsOf(path);
  if (fields !== null) return fields;
  return avro?.fields.some(({ name }) => name === member) === true ? [member] : null;
}

/** `[a, b]` of `value.a.b`; null: it reads no field (`key`, `timestamp`). */
export function fieldsOf(path: string | undefined): readonly string[] | null {
  return path?.startsWith('value.') === true ? path.split('.').slice(1) : null;
}
