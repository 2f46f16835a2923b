/** What the key of a row says, for people: `identity-keys.ts` made it of values under paths. */
import { PART_BYTES } from './key-bytes.ts';

export interface IdentityParts {
  /** The values, in the order of the paths; what JSON has no number for is text. */
  readonly parts: readonly unknown[];
  /** The row's number below its key (`ColumnStore.part`): when a window begins, or a place. */
  readonly n?: number;
}

const PART = new RegExp(`\\0([0-9a-f]{${PART_BYTES - 1}})$`);
const LENGTH = /^(\d+):/;

/** Null: it is no identity of so many parts, but a key of the step's own, as its sums have. */
export function identityParts(key: string, count: number): IdentityParts | null {
  const below = PART.exec(key);
  const whole = below === null ? key : key.slice(0, below.index);
  const parts = count === 1 ? [valueIn(whole)] : valuesIn(whole, count);
  if (parts === null || parts.includes(undefined)) return null;
  return below === null ? { parts } : { parts, n: Number.parseInt(below[1]!, 16) };
}

/** Each part has its length before it; null: they are not so many, or something is left. */
function valuesIn(text: string, count: number): unknown[] | null {
  const values: unknown[] = [];
  let rest = text;
  while (values.length < count) {
    const head = LENGTH.exec(rest);
    if (head === null) return null;
    const start = head[0].length;
    const end = start + Number(head[1]);
    if (end > rest.length) return null;
    values.push(valueIn(rest.slice(start, end)));
    rest = rest.slice(end);
  }
  return rest === '' ? values : null;
}

/** Undefined: no value is written so. */
function valueIn(text: string): unknown {
  const rest = text.slice(1);
  switch (text[0]) {
    case 's':
    case 'b':
      return rest;
    case 'n':
      return String(Number(rest)) === rest ? Number(rest) : rest;
    case 'j':
      return jsonOf(rest);
    default:
      return text === 'true' ? true : text === 'false' ? false : undefined;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
