/**
 * Events that come as JSON: checked against their Avro schema, each wrong field with its path,
 * defaults filled. Unions are written plainly (`null` or `"text"`), bytes as base64, longs as JSON
 * numbers.
 */
import avro from 'avsc';
import { nearest } from '../core/nearest.ts';

/**
 * What is wrong with one field. Says what was expected, never what the value was: it is member
 * data.
 */
export interface FieldProblem {
  /** A JSON pointer: `/records/3/occurredAt`. */
  readonly path: string;
  readonly what: string;
}

/** More are not told: the rest follows from the same mistake. */
export const PROBLEMS_MAX = 50;
/** Avro schemas may be recursive, JSON bodies deep: below this nothing is read. */
const DEPTH_MAX = 32;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export interface JsonEventReader {
  /** The value as the Avro encoder takes it. Meaningless when `problems` has grown. */
  read(json: unknown, path: string, problems: FieldProblem[]): unknown;
}

/** Made once per schema. `schema` is Avro as JSON; throws when it is none. */
export function jsonEventReader(schema: unknown): JsonEventReader {
  const type = avro.Type.forSchema(schema as avro.Schema);
  return { read: (json, path, problems) => readAs(type, json, path, problems, 0) };
}

type Read = (
  type: avro.Type,
  json: unknown,
  path: string,
  problems: FieldProblem[],
  depth: number,
) => unknown;

const readAs: Read = (type, json, path, problems, depth) => {
  if (depth > DEPTH_MAX) return wrong(problems, path, `deeper than ${DEPTH_MAX} levels`);
  if (type instanceof avro.types.RecordType) return readRecord(type, json, path, problems, depth);
  if (type instanceof avro.types.EnumType) return readEnum(type, json, path, problems);
  if (type instanceof avro.types.ArrayType) return readArray(type, json, path, problems, depth);
  if (type instanceof avro.types.MapType) return readMap(type, json, path, problems, depth);
  if (type.typeName.startsWith('union:')) return readUnion(type, json, path, problems, depth);
  if (type.typeName === 'bytes' || type.typeName === 'fixed') {
    return readBytes(type, json, path, problems);
  }
  // Half a surrogate pair has no UTF-8: it would be written as another character.
  if (typeof json === 'string' && !json.isWellFormed()) {
    return wrong(problems, path, 'expected text that is Unicode, got half a surrogate pair');
  }
  if (type.isValid(json)) return json;
  return wrong(problems, path, `expected ${type.typeName}, got ${kindOf(json)}${hint(type, json)}`);
};

function readRecord(
  type: avro.types.RecordType,
  json: unknown,
  path: string,
  problems: FieldProblem[],
  depth: number,
): unknown {
  if (!isObject(json)) {
    return wrong(problems, path, `expected an object (${nameOf(type)}), got ${kindOf(json)}`);
  }
  const value: Record<string, unknown> = {};
  const names = type.fields.map((field) => field.name);
  for (const field of type.fields) {
    const at = `${path}/${pointer(field.name)}`;
    if (Object.hasOwn(json, field.name)) {
      value[field.name] = readAs(field.type, json[field.name], at, problems, depth + 1);
    } else if (field.defaultValue() !== undefined) {
      value[field.name] = field.defaultValue();
    } else {
      wrong(problems, at, `missing, expected ${nameOf(field.type)}`);
    }
  }
  for (const name of Object.keys(json)) {
    if (names.includes(name)) continue;
    // Of a hundred thousand the rest is not looked at: it would keep everybody else waiting.
    if (problems.length >= PROBLEMS_MAX) break;
    const meant = nearest(name, names);
    const mend = meant === undefined ? `known: ${names.join(', ')}` : `did you mean "${meant}"?`;
    wrong(problems, `${path}/${pointer(name)}`, `${nameOf(type)} has no such field; ${mend}`);
  }
  return value;
}

function readEnum(
  type: avro.types.EnumType,
  json: unknown,
  path: string,
  problems: FieldProblem[],
): unknown {
  if (typeof json === 'string' && type.symbols.includes(json)) return json;
  return wrong(problems, path, `expected one of ${type.symbols.join(', ')}`);
}

function readArray(
  type: avro.types.ArrayType,
  json: unknown,
  path: string,
  problems: FieldProblem[],
  depth: number,
): unknown {
  if (!Array.isArray(json)) {
    return wrong(problems, path, `expected an array, got ${kindOf(json)}`);
  }
  return json.map((item, i) => readAs(type.itemsType, item, `${path}/${i}`, problems, depth + 1));
}

function readMap(
  type: avro.types.MapType,
  json: unknown,
  path: string,
  problems: FieldProblem[],
  depth: number,
): unknown {
  if (!isObject(json)) return wrong(problems, path, `expected an object, got ${kindOf(json)}`);
  const value: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(json)) {
    const at = `${path}/${pointer(name)}`;
    // It would become the map's prototype, or another name.
    const isLost = name === '__proto__' || !name.isWellFormed();
    if (isLost) wrong(problems, at, 'a name that is not taken');
    value[name] = readAs(type.valuesType as avro.Type, item, at, problems, depth + 1);
  }
  return value;
}

/**
 * The first branch that takes the value; with one branch beside null, its own complaint is told.
 */
function readUnion(
  type: avro.Type,
  json: unknown,
  path: string,
  problems: FieldProblem[],
  depth: number,
): unknown {
  const branches = (type as avro.types.UnwrappedUnionType).types;
  for (const branch of branches) {
    const tried: FieldProblem[] = [];
    const value = readAs(branch, json, path, tried, depth + 1);
    if (tried.length === 0) return inBranch(type, branch, value);
  }
  const others = branches.filter((branch) => branch.typeName !== 'null');
  if (others.length === 1 && json !== null) {
    return readAs(others[0]!, json, path, problems, depth + 1);
  }
  const names = branches.map((branch) => nameOf(branch)).join(' or ');
  return wrong(problems, path, `expected ${names}, got ${kindOf(json)}`);
}

/** avsc wraps a union's value with its branch's name where the bare value could be several. */
function inBranch(union: avro.Type, branch: avro.Type, value: unknown): unknown {
  if (union.typeName !== 'union:wrapped' || value === null) return value;
  return { [branch.branchName ?? branch.typeName]: value };
}

function readBytes(
  type: avro.Type,
  json: unknown,
  path: string,
  problems: FieldProblem[],
): unknown {
  if (typeof json !== 'string' || !BASE64.test(json)) {
    return wrong(problems, path, `expected ${nameOf(type)} as base64 text`);
  }
  const bytes = Buffer.from(json, 'base64');
  if (type.isValid(bytes)) return bytes;
  return wrong(problems, path, `expected ${nameOf(type)}, got ${bytes.length} bytes`);
}

function wrong(problems: FieldProblem[], path: string, what: string): undefined {
  if (problems.length < PROBLEMS_MAX) problems.push({ path: path === '' ? '/' : path, what });
}

/** RFC 6901. A name that a stranger chose is cut, so that a problem stays a line. */
function pointer(name: string): string {
  return name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1');
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function kindOf(json: unknown): string {
  if (json === null) return 'null';
  if (Array.isArray(json)) return 'an array';
  return typeof json === 'object' ? 'an object' : `a ${typeof json}`;
}

function nameOf(type: avro.Type): string {
  if (type instanceof avro.types.FixedType) return `fixed of ${type.size} bytes`;
  if (type.typeName.startsWith('union:')) {
    const { types } = type as avro.types.UnwrappedUnionType;
    return types.map((branch) => nameOf(branch)).join(' or ');
  }
  return type.name?.split('.').at(-1) ?? type.typeName;
}

function hint(type: avro.Type, json: unknown): string {
  if (typeof json !== 'number') return '';
  if (type.typeName === 'int') return ' that is no 32-bit integer';
  return type.typeName === 'long' ? ' that is no integer within 2^53' : '';
}
