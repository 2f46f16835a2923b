/**
 * JSON whose whole numbers stay exact: those beyond 2^53, which a JavaScript number rounds, are
 * BigInts. Avro's longs have 64 bits.
 */

/** No text without so many digits in a row has a number that is rounded. */
const LONG_DIGITS = /\d{16}/;
const WHOLE = /^-?\d+$/;

/** As JSON.parse, and throws as it does; only texts with long numbers cost more. */
export function parseExact(text: string): unknown {
  if (!LONG_DIGITS.test(text)) return JSON.parse(text);
  return JSON.parse(text, exactly as (this: unknown, key: string, value: unknown) => unknown);
}

/** The third argument is the number as it was written (ECMAScript 2026, V8 11.4). */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && WHOLE.test(source) ? BigInt(source) : value;
}

/** As JSON.stringify; BigInts are written as the numbers they are. */
export function stringifyExact(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    // There is a BigInt in it.
    return stringifyWithBigInts(value);
  }
}

function stringifyWithBigInts(value: unknown): string {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return JSON.stringify(value, (_key, of) => (typeof of === 'bigint' ? rawJSON(String(of)) : of));
}
