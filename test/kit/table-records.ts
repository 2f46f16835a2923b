/** Records of a table's topic whose values are JSON behind a schema id: for tests of tables. */
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import { BatchCursor, wholeBatch } from '../../core/record-batch.ts';
import { type Schemas, WIRE_HEADER_BYTES } from '../../core/schema.ts';
import { Slice } from '../../core/slice.ts';

/** The id that `tableSchemas` knows at once. */
export const KNOWN_ID = 7;
/** An id that the registry does not have. */
export const UNKNOWN_ID = 404;

/** A key and a row, which is decoded from JSON; null deletes; bytes are a value as they are. */
export type TableRow = readonly [string | null, unknown, number?];

function bytesOf(row: unknown, schemaId: number): Buffer | null {
  if (row === null) return null;
  if (Buffer.isBuffer(row)) return row;
  const header = Buffer.alloc(WIRE_HEADER_BYTES);
  header.writeUInt32BE(schemaId, 1);
  return Buffer.concat([header, Buffer.from(JSON.stringify(row), 'utf8')]);
}

export function tableBatch(rows: readonly TableRow[], topic = 'tables.devices'): LogBatch {
  const builder = new BatchBuilder(topic, 2);
  for (const [key, row, schemaId] of rows)
    builder.append(1, key, bytesOf(row, schemaId ?? KNOWN_ID));
  return wholeBatch(topic, 2, builder.finish().bytes, 0);
}

export function tableSlice(rows: readonly TableRow[]): Slice {
  const slice = new Slice(0, rows.length);
  const cursor = new BatchCursor();
  cursor.open(tableBatch(rows));
  cursor.read(slice);
  return slice;
}

function parsed(bytes: Buffer, start: number, end: number): unknown {
  return JSON.parse(bytes.toString('utf8', start + WIRE_HEADER_BYTES, end));
}

/** Schemas of which `load` gives those that it is asked for, unless `isAway`. */
export function tableSchemas(
  away: { isAway: boolean } = { isAway: false },
  onDecoded: () => void = () => {},
): Schemas {
  const loaded = new Set([KNOWN_ID, UNKNOWN_ID]);
  const unused = () => {
    throw new Error('a table does not ask for it');
  };
  return {
    decoder(schemaId) {
      if (!loaded.has(schemaId)) return undefined;
      if (schemaId === UNKNOWN_ID) return { code: 'CAR502', why: 'nobody knows the id' };
      return {
        decode(bytes, start, end) {
          onDecoded();
          return parsed(bytes, start, end);
        },
      };
    },
    async load(schemaId) {
      await null;
      if (away.isAway) throw new Error('the registry is away');
      loaded.add(schemaId);
    },
    // It goes over the bytes and tells whether they can be decoded.
    locator: () => ({
      locate({ bytes, valueStart, valueEnd }, i) {
        try {
          parsed(bytes, valueStart[i]!, valueEnd[i]!);
          return true;
        } catch {
          return false;
        }
      },
    }),
    encoder: unused,
    decodeByWriter: unused,
  };
}
