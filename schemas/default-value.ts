/**
 * Defaults of a schema's fields: JSON in Avro's own form for them, which is not that of events.
 * Bytes are texts of characters up to U+00FF, and a union is written without its branch.
 */
import { setOwn } from '../core/own-field.ts';
import type { AvroType } from './avro-type.ts';
import { inBranch } from './union-form.ts';

/** Why JSON is no default of the type, as it goes on after "its default"; undefined: it is one. */
export function defaultFault(type: AvroType, json: unknown): string | undefined {
  if (type.kind === 'union') {
    // Before 1.12 a union's default is of its first branch; older readers still hold it to that.
    const [first] = type.types;
    if (first === undefined) return 'has a union without branches';
    const fault = defaultFault(first, json);
    if (fault === undefined) return undefined;
    const fits = type.types.some((branch) => defaultFault(branch, json) === undefined);
    return fits ? `is not of the union's first branch: put that branch first` : fault;
  }
  if (type.kind === 'record') return recordFault(type, json);
  if (type.kind === 'array') {
    if (!Array.isArray(json)) return 'is not an array';
    return firstOf(json, (item) => defaultFault(type.items, item));
  }
  if (type.kind === 'map') {
    if (!isObject(json)) return 'is not an object';
    return firstOf(Object.values(json), (item) => defaultFault(type.values, item));
  }
  return isScalar(type, json) ? undefined : `is not ${SCALARS[type.kind] ?? `a ${type.kind}`}`;
}

const SCALARS: { readonly [kind: string]: string } = {
  null: 'null',
  int: 'a 32-bit whole number',
  long: 'a 64-bit whole number',
  float: 'a number that a float holds',
  double: 'a number',
  string: 'text',
  bytes: 'text of characters up to U+00FF',
  fixed: 'text of as many characters up to U+00FF as it has bytes',
  enum: 'one of the symbols',
};

function recordFault(type: AvroType & { kind: 'record' }, json: unknown): string | undefined {
  if (!isObject(json)) return 'is not an object';
  for (const field of type.fields) {
    const has = Object.hasOwn(json, field.name);
    if (!has && field.default !== undefined) continue;
    if (!has) return `lacks field "${field.name}"`;
    const fault = defaultFault(field.type, json[field.name]);
    if (fault !== undefined) return `has a field "${field.name}" that ${fault}`;
  }
  return undefined;
}

function firstOf(
  items: readonly unknown[],
  fault: (item: unknown) => string | undefined,
): string | undefined {
  for (const item of items) {
    const found = fault(item);
    if (found !== undefined) return `has an item that ${found}`;
  }
  return undefined;
}

function isScalar(type: AvroType, json: unknown): boolean {
  switch (type.kind) {
    case 'null':
      return json === null;
    case 'boolean':
      return typeof json === 'boolean';
    case 'int':
      return Number.isInteger(json) && (json as number) === ((json as number) | 0);
    case 'long':
      return typeof json === 'bigint'
        ? BigInt.asIntN(64, json) === json
        : Number.isInteger(json) && Math.abs(json as number) < 2 ** 63;
    case 'float':
      return typeof json === 'number' && Number.isFinite(Math.fround(json));
    case 'double':
      return typeof json === 'number';
    case 'string':
      return typeof json === 'string';
    case 'bytes':
      return isLatin(json);
    case 'fixed':
      return isLatin(json) && json.length === type.size;
    case 'enum':
      return typeof json === 'string' && type.symbols.includes(json);
    default:
      return false;
  }
}

function isLatin(json: unknown): json is string {
  return typeof json === 'string' && Buffer.from(json, 'latin1').toString('latin1') === json;
}

/**
 * The value of a default, made anew for each record. Throws when JSON is no default of the type.
 */
export function valueOfDefault(type: AvroType, json: unknown): unknown {
  switch (type.kind) {
    case 'union': {
      const branch = type.types.find((of) => defaultFault(of, json) === undefined);
      if (branch === undefined) break;
      return inBranch(type, branch, valueOfDefault(branch, json));
    }
    case 'record': {
      if (!isObject(json)) break;
      const value: { [name: string]: unknown } = {};
      for (const { name, type: of, default: fallback } of type.fields) {
        const given = Object.hasOwn(json, name) ? json[name] : fallback;
        setOwn(value, name, valueOfDefault(of, given));
      }
      return value;
    }
    case 'array':
      if (!Array.isArray(json)) break;
      return json.map((item) => valueOfDefault(type.items, item));
    case 'map': {
      if (!isObject(json)) break;
      const value: { [name: string]: unknown } = {};
      for (const [name, item] of Object.entries(json)) {
        setOwn(value, name, valueOfDefault(type.values, item));
      }
      return value;
    }
    default:
      if (!isScalar(type, json)) break;
      if (type.kind === 'bytes' || type.kind === 'fixed')
        return Buffer.from(json as string, 'latin1');
      return json;
  }
  throw new Error(`the default ${defaultFault(type, json) ?? 'is none'}`);
}

function isObject(json: unknown): json is { readonly [name: string]: unknown } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
