/**
 * An Avro schema as it is in memory: what the codec, the locators, the JSON doors and the checks
 * ask of it. Named types are shared, and records may hold themselves: a graph.
 */

export const PRIMITIVES = [
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
] as const;
export type Primitive = (typeof PRIMITIVES)[number];

export interface PrimitiveType {
  readonly kind: Primitive;
  /** The values are those of the primitive, whatever it stands for; only checks ask for it. */
  readonly logical?: string;
  /** Of bytes that are a decimal: how many it may have. */
  readonly digits?: number;
}

export interface RecordField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: AvroType;
  /** As the schema has it, in JSON; undefined: none. */
  readonly default: unknown;
}

export interface RecordType {
  readonly kind: 'record';
  /** Full, with its namespace. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly fields: readonly RecordField[];
}

export interface EnumType {
  readonly kind: 'enum';
  readonly name: string;
  readonly aliases: readonly string[];
  readonly symbols: readonly string[];
  /** Read in place of a symbol that it does not have (Avro 1.9). */
  readonly default: string | undefined;
}

export interface FixedType {
  readonly kind: 'fixed';
  readonly name: string;
  readonly aliases: readonly string[];
  readonly size: number;
  /** Of a decimal: how many it may have. */
  readonly digits?: number;
}

export interface ArrayType {
  readonly kind: 'array';
  readonly items: AvroType;
}

export interface MapType {
  readonly kind: 'map';
  readonly values: AvroType;
}

export interface UnionType {
  readonly kind: 'union';
  readonly types: readonly AvroType[];
  /**
   * Two branches look the same in JSON, so that all values but null are written as an object of the
   * branch's name, as in Avro's own JSON: `{ "reno.events.Card": … }`.
   */
  readonly isWrapped: boolean;
  /** One of its branches is text, as a number that JSON cannot say would be too. */
  readonly hasText: boolean;
}

export type NamedType = RecordType | EnumType | FixedType;
export type AvroType = PrimitiveType | NamedType | ArrayType | MapType | UnionType;

export function isNamed(type: AvroType): type is NamedType {
  return type.kind === 'record' || type.kind === 'enum' || type.kind === 'fixed';
}

/** How a union's branch is named in JSON: a full name, or the kind. */
export function branchName(type: AvroType): string {
  return isNamed(type) ? type.name : type.kind;
}

/** Without its namespace. */
export function shortName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}

export function isPrimitiveName(name: string): name is Primitive {
  return (PRIMITIVES as readonly string[]).includes(name);
}

/** As avsc and Avro's Java have it: a name with a dot is full already. */
export function fullNameOf(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

const JSON_FORMS: { readonly [kind in AvroType['kind']]: string } = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'text',
  string: 'text',
  enum: 'text',
  fixed: 'text',
  array: 'array',
  record: 'object',
  map: 'object',
  union: 'union',
};

/** Kinds with values that JSON has no number for. */
export const TOLD: ReadonlySet<AvroType['kind']> = new Set(['long', 'float', 'double']);

export function unionOf(types: readonly AvroType[]): UnionType {
  const forms = types.map(({ kind }) => JSON_FORMS[kind]);
  const hasText = forms.includes('text');
  // A number that is told with its branch's name would look like a record with such a field.
  const isTold = hasText && forms.includes('object') && types.some(({ kind }) => TOLD.has(kind));
  return { kind: 'union', types, isWrapped: new Set(forms).size < forms.length || isTold, hasText };
}

/** Whether two types are one: the same forms, names, fields and symbols in the same order. */
export function isSameType(
  a: AvroType,
  b: AvroType,
  met: Map<AvroType, AvroType> = new Map(),
): boolean {
  if (a === b || met.get(a) === b) return true;
  if (a.kind !== b.kind) return false;
  if (isNamed(a) && a.name !== (b as NamedType).name) return false;
  met.set(a, b);
  const same = (x: AvroType, y: AvroType) => isSameType(x, y, met);
  switch (a.kind) {
    case 'record': {
      const { fields } = b as RecordType;
      return (
        a.fields.length === fields.length &&
        a.fields.every((f, n) => f.name === fields[n]!.name && same(f.type, fields[n]!.type))
      );
    }
    case 'enum':
      return a.symbols.join() === (b as EnumType).symbols.join();
    case 'fixed':
      return a.size === (b as FixedType).size;
    case 'array':
      return same(a.items, (b as ArrayType).items);
    case 'map':
      return same(a.values, (b as MapType).values);
    case 'union': {
      const { types } = b as UnionType;
      return a.types.length === types.length && a.types.every((type, n) => same(type, types[n]!));
    }
    default:
      return true;
  }
}
