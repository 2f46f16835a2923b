/** The first thing that every source does with a record: its value is decoded once, or refused. */
import type { Record } from '../core/record.ts';
import { isUndecodable, schemaIdOf } from '../core/schema.ts';
import type { DecoderCache } from './decoder-cache.ts';

/** Why a record is refused: a code of the table and a reason in words. */
export interface Refusal {
  readonly code: string;
  readonly why: string;
}

/** Sets the record's decoder and decodes the value; null when it can be read. */
export function readValue(record: Record, decoders: DecoderCache): Refusal | null {
  if (record.valueStart < 0) return { code: 'CAR509', why: 'the value is null' };
  const id = schemaIdOf(record.valueBytes, record.valueStart, record.valueEnd);
  if (id < 0) return { code: 'CAR501', why: 'no magic byte 0 and schema id' };
  const decoder = decoders.get(id);
  if (decoder === undefined) return { code: 'CAR502', why: `schema id ${id} is not known` };
  if (isUndecodable(decoder)) return { code: decoder.code, why: decoder.why };
  record.decoder = decoder;
  try {
    void record.value;
    return null;
  } catch (error) {
    return { code: 'CAR503', why: error instanceof Error ? error.message : String(error) };
  }
}
