/**
 * What a value looks like, as far as paths and expressions ask: made from an Avro schema, or of the
 * fields that a step gives.
 */
import type { AvroField, AvroRecord } from '../schemas/folder.ts';

export type Shape =
  | { readonly kind: 'double' | 'bool' | 'null' }
  | TextShape
  | BytesShape
  | AnyShape
  | IntShape
  | UnionShape
  | { readonly kind: 'enum'; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: 'list'; readonly items: Shape }
  | { readonly kind: 'map'; readonly values: Shape }
  | { readonly kind: 'nullable'; readonly of: Shape }
  | RecordShape;

/** Not known, or one of several forms that show in the value itself. */
export interface AnyShape {
  readonly kind: 'any';
  /** The types of the union that it comes from. */
  readonly branches?: readonly string[];
  /** The shapes of these. */
  readonly of?: readonly Shape[];
  /** An expression chooses one: each of them is given, for one record or another. */
  readonly isChosen?: true;
}

export interface TextShape {
  readonly kind: 'string';
  /** Of an expression: texts that it gives, for one record or another. */
  readonly gives?: readonly unknown[];
}

export interface BytesShape {
  readonly kind: 'bytes';
  /** Of a fixed type: how many. */
  readonly size?: number;
  readonly gives?: readonly unknown[];
}

export interface IntShape {
  readonly kind: 'int';
  /** Of the Avro type that it comes from; undefined: of no schema. */
  readonly bits?: 32 | 64;
  /** What the schema says that it stands for: `timestamp-micros`. */
  readonly logical?: string;
  /** No value of it is less. */
  readonly least?: bigint;
  readonly gives?: readonly unknown[];
}

/** Values are objects of the branch's name: which branch it is shows only in the record. */
export interface UnionShape {
  readonly kind: 'union';
  readonly branches: readonly string[];
  /** Null is a branch too, and no object. */
  readonly hasNull: boolean;
}

export interface RecordShape {
  readonly kind: 'record';
  readonly name: string;
  readonly fields: ReadonlyMap<string, Shape>;
  /** Fields that an encoder can fill in by itself. */
  readonly defaulted: ReadonlySet<string>;
}

const PRIMITIVES: ReadonlyMap<string, Shape> = new Map<string, Shape>(
  Object.entries({
    null: { kind: 'null' },
    boolean: { kind: 'bool' },
    int: { kind: 'int', bits: 32 },
    long: { kind: 'int', bits: 64 },
    float: { kind: 'double' },
    double: { kind: 'double' },
    bytes: { kind: 'bytes' },
    string: { kind: 'string' },
  }),
);
/** Nothing is known of it, so nothing is told of what is read from it. */
export const ANY_SHAPE: Shape = { kind: 'any' };

/** Types that hold themselves are cut here; a path that goes deeper is not checked. */
const DEPTH_MAX = 16;

interface Named {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly namespace?: unknown;
  readonly fields?: unknown;
  readonly symbols?: unknown;
  readonly items?: unknown;
  readonly values?: unknown;
  readonly logicalType?: unknown;
  readonly size?: unknown;
}

/** The shape of a record of the schema folder. */
export function shapeOf(record: AvroRecord): RecordShape {
  const builder = new ShapeBuilder();
  return builder.record(record, record.namespace ?? '', 0);
}

class ShapeBuilder {
  readonly #named = new Map<string, Named>();

  record(type: Named, namespace: string, depth: number): RecordShape {
    const fields = new Map<string, Shape>();
    const defaulted = new Set<string>();
    for (const field of (type.fields ?? []) as AvroField[]) {
      fields.set(field.name, this.#shape(field.type, namespace, depth + 1));
      if (field.default !== undefined) defaulted.add(field.name);
    }
    return { kind: 'record', name: String(type.name), fields, defaulted };
  }

  #shape(type: unknown, namespace: string, depth: number): Shape {
    if (depth > DEPTH_MAX) return ANY_SHAPE;
    if (typeof type === 'string') return this.#reference(type, namespace, depth);
    if (Array.isArray(type)) return this.#union(type, namespace, depth);
    if (typeof type !== 'object' || type === null) return ANY_SHAPE;
    return this.#complex(type as Named, namespace, depth);
  }

  #reference(name: string, namespace: string, depth: number): Shape {
    const primitive = PRIMITIVES.get(name);
    if (primitive !== undefined) return primitive;
    const definition = this.#named.get(fullName(name, namespace));
    return definition === undefined ? ANY_SHAPE : this.#complex(definition, namespace, depth);
  }

  #complex(type: Named, outer: string, depth: number): Shape {
    const namespace = typeof type.namespace === 'string' ? type.namespace : outer;
    if (typeof type.name === 'string') {
      this.#named.set(fullName(type.name, namespace), { ...type, namespace });
    }
    switch (type.type) {
      case 'record':
        return this.record(type, namespace, depth);
      case 'enum':
        return {
          kind: 'enum',
          name: String(type.name),
          symbols: (type.symbols ?? []) as readonly string[],
        };
      case 'array':
        return { kind: 'list', items: this.#shape(type.items, namespace, depth + 1) };
      case 'map':
        return { kind: 'map', values: this.#shape(type.values, namespace, depth + 1) };
      case 'fixed':
        return { kind: 'bytes', ...(typeof type.size === 'number' ? { size: type.size } : {}) };
      default: {
        // A logical type, or a type written as an object: it is read as what it is based on.
        const shape = this.#shape(type.type, namespace, depth + 1);
        const { logicalType } = type;
        const isNamed = shape.kind === 'int' && typeof logicalType === 'string';
        return isNamed ? { ...shape, logical: logicalType } : shape;
      }
    }
  }

  #union(branches: readonly unknown[], namespace: string, depth: number): Shape {
    const shapes = branches.map((branch) => this.#shape(branch, namespace, depth + 1));
    const others = shapes.filter(({ kind }) => kind !== 'null');
    if (others.length !== 1) return this.#several(branches, shapes, namespace);
    return others.length === shapes.length ? others[0]! : { kind: 'nullable', of: others[0]! };
  }

  #several(branches: readonly unknown[], shapes: readonly Shape[], namespace: string): Shape {
    // A branch that holds itself, cut off, may be of any form.
    const forms = shapes.map(({ kind }) => JSON_FORMS[kind]);
    const isTold =
      forms.includes('text') && forms.includes('object') && shapes.some((of) => isToldAsText(of));
    const names = branches.map((branch) => branchName(branch, namespace));
    if (new Set(forms).size === forms.length && !isTold) {
      return { kind: 'any', branches: names, of: shapes };
    }
    const others = names.filter((name) => name !== 'null');
    return { kind: 'union', branches: others, hasNull: others.length < names.length };
  }
}

/** How values of a union's branches look: two that look alike are told with the branch's name. */
const JSON_FORMS: { readonly [kind in Shape['kind']]: string } = {
  null: 'null',
  bool: 'bool',
  int: 'number',
  double: 'number',
  string: 'text',
  enum: 'text',
  bytes: 'text',
  list: 'list',
  map: 'object',
  record: 'object',
  any: 'any',
  nullable: 'any',
  union: 'any',
};

/** Beside text, what JSON has no number for is told with the branch's name. */
function isToldAsText(shape: Shape): boolean {
  return shape.kind === 'double' || (shape.kind === 'int' && shape.bits === 64);
}

function branchName(branch: unknown, namespace: string): string {
  if (typeof branch === 'string')
    return PRIMITIVES.has(branch) ? branch : fullName(branch, namespace);
  const { type, name, namespace: own } = branch as Named;
  if (typeof name !== 'string') return String(type);
  return fullName(name, typeof own === 'string' ? own : namespace);
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

/** As people say it: `text`, `whole number or null`. */
export function shapeName(shape: Shape): string {
  switch (shape.kind) {
    case 'int':
      return 'whole number';
    case 'double':
      return 'number';
    case 'string':
      return 'text';
    case 'bool':
      return 'boolean';
    case 'enum':
      return `one of ${shape.symbols.join(', ')}`;
    case 'list':
      return `list of ${shapeName(shape.items)}`;
    case 'map':
      return `mapping to ${shapeName(shape.values)}`;
    case 'nullable':
      return `${shapeName(shape.of)} or null`;
    case 'record':
      return shape.name;
    case 'union':
      return `union of ${shape.branches.join(', ')}`;
    case 'any':
      if (shape.isChosen !== true) return shape.kind;
      return [...new Set(shape.of?.map(shapeName))].join(' or ');
    default:
      return shape.kind;
  }
}

export function withoutNull(shape: Shape): Shape {
  return shape.kind === 'nullable' ? withoutNull(shape.of) : shape;
}

/** Whether a value of `given` can be written where `wanted` stands. */
export function fits(given: Shape, wanted: Shape): boolean {
  if (wanted.kind === 'any') return true;
  if (given.kind === 'any') return anyFits(given, wanted);
  // Whether one of its branches takes the value shows only in the record.
  if (wanted.kind === 'union') return true;
  if (wanted.kind === 'nullable') {
    return given.kind === 'null' || fits(withoutNull(given), wanted.of);
  }
  // Whether it is null shows only in the record; an expression has no better type for it.
  if (given.kind === 'nullable') return fits(given.of, wanted);
  if (wanted.kind === 'enum' && given.kind === 'enum') {
    return given.symbols.every((symbol) => wanted.symbols.includes(symbol));
  }
  if (wanted.kind === 'enum') return given.kind === 'string';
  if (wanted.kind === 'string') return given.kind === 'string' || given.kind === 'enum';
  if (wanted.kind === 'double') return given.kind === 'double' || given.kind === 'int';
  if (wanted.kind === 'list' && given.kind === 'list') return fits(given.items, wanted.items);
  if (wanted.kind === 'map' && given.kind === 'map') return fits(given.values, wanted.values);
  if (wanted.kind === 'record' && given.kind === 'record') return recordFits(given, wanted);
  if (wanted.kind === 'bytes' && given.kind === 'bytes') {
    return given.size === undefined || wanted.size === undefined || given.size === wanted.size;
  }
  return given.kind === wanted.kind;
}

/** Of what is chosen all have to fit; of a union, which value it is shows only in the record. */
function anyFits({ of, isChosen }: AnyShape, wanted: Shape): boolean {
  if (of === undefined) return true;
  return isChosen === true
    ? of.every((one) => fits(one, wanted))
    : of.some((one) => fits(one, wanted));
}

/** What it has more is left out. */
function recordFits(given: RecordShape, wanted: RecordShape): boolean {
  return [...wanted.fields].every(([name, of]) => {
    const has = given.fields.get(name);
    return has === undefined ? wanted.defaulted.has(name) : fits(has, of);
  });
}

/** Whether two values have the same form: which fields are there, and of what types. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a.kind === 'record' && b.kind === 'record') {
    if (a.fields.size !== b.fields.size) return false;
    return [...a.fields].every(([name, of]) => {
      const other = b.fields.get(name);
      return other !== undefined && sameShape(of, other);
    });
  }
  if (a.kind === 'list' && b.kind === 'list') return sameShape(a.items, b.items);
  if (a.kind === 'map' && b.kind === 'map') return sameShape(a.values, b.values);
  if (a.kind === 'nullable' && b.kind === 'nullable') return sameShape(a.of, b.of);
  if (a.kind === 'enum' && b.kind === 'enum') return listsAre(a.symbols, b.symbols);
  if (a.kind === 'union' && b.kind === 'union') return listsAre(a.branches, b.branches);
  return a.kind === b.kind;
}

const listsAre = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((one, i) => one === b[i]);
