/**
 * Schemas that name types of other files, or of other subjects of a registry (`references`), made
 * into one that stands for itself: each type is written out where it is met first.
 */
import { fullNameOf, isPrimitiveName } from './avro-type.ts';

type Json = unknown;
type Fields = { readonly [key: string]: Json };

/** A type that is defined somewhere, with the namespace in which its own names are meant. */
export interface Definition {
  readonly name: string;
  readonly namespace: string;
  readonly json: Fields;
}

/** Schemas in schemas; what is deeper is none that anybody wrote. */
const DEPTH_MAX = 128;

/** All named types in a schema, itself too, as they are met. */
export function definitionsIn(schema: Json): Definition[] {
  const found: Definition[] = [];
  walk(schema, '', 0, (definition) => found.push(definition));
  return found;
}

function walk(
  type: Json,
  namespace: string,
  depth: number,
  tell: (definition: Definition) => void,
): void {
  if (depth > DEPTH_MAX) return;
  if (Array.isArray(type)) {
    for (const branch of type) walk(branch, namespace, depth + 1, tell);
    return;
  }
  if (typeof type !== 'object' || type === null) return;
  const of = type as Fields;
  let inner = namespace;
  if (isDefinition(of)) {
    const name = fullNameIn(of, namespace);
    inner = namespaceOf(name);
    tell({ name, namespace: inner, json: of });
  }
  if (Array.isArray(of.fields)) {
    for (const field of of.fields) walk((field as Fields | null)?.type, inner, depth + 1, tell);
  }
  for (const key of ['type', 'items', 'values']) {
    if (typeof of[key] === 'object') walk(of[key], inner, depth + 1, tell);
  }
}

const NAMED = new Set<Json>(['record', 'error', 'enum', 'fixed']);

function isDefinition(of: Fields): boolean {
  return typeof of.name === 'string' && NAMED.has(of.type);
}

function fullNameIn(of: Fields, namespace: string): string {
  return fullNameOf(String(of.name), typeof of.namespace === 'string' ? of.namespace : namespace);
}

function namespaceOf(fullName: string): string {
  return fullName.slice(0, Math.max(0, fullName.lastIndexOf('.')));
}

/** What no definition is found for is left as it is: who parses it says so, with its place. */
export function inlineSchema(
  schema: Json,
  elsewhere: (fullName: string) => Definition | undefined,
): Json {
  const known = new Set(definitionsIn(schema).map(({ name }) => name));
  const added = new Set<string>();
  const inline = (type: Json, namespace: string, depth: number): Json => {
    if (depth > DEPTH_MAX) return type;
    if (Array.isArray(type)) return type.map((branch) => inline(branch, namespace, depth + 1));
    if (typeof type === 'string') return reference(type, namespace, depth);
    if (typeof type !== 'object' || type === null) return type;
    const of = type as Fields;
    const inner = isDefinition(of) ? namespaceOf(fullNameIn(of, namespace)) : namespace;
    const copy: { [key: string]: Json } = { ...of };
    if (Array.isArray(of.fields)) {
      copy.fields = of.fields.map((field: Json) =>
        typeof field === 'object' && field !== null && 'type' in field
          ? { ...field, type: inline(field.type, inner, depth + 1) }
          : field,
      );
    }
    for (const key of ['items', 'values']) {
      if (of[key] !== undefined) copy[key] = inline(of[key], inner, depth + 1);
    }
    const isReference = typeof of.type === 'string' && !NAMED.has(of.type);
    if (typeof of.type === 'object' || (isReference && !CONTAINERS.has(of.type))) {
      copy.type = inline(of.type, inner, depth + 1);
    }
    return copy;
  };
  const reference = (name: string, namespace: string, depth: number): Json => {
    if (isPrimitiveName(name)) return name;
    const full = fullNameOf(name, namespace);
    if (known.has(full) || known.has(name)) return name;
    const found = elsewhere(full) ?? elsewhere(name);
    if (found === undefined) return name;
    if (added.has(found.name)) return found.name;
    // What is defined in it is written out with it.
    for (const { name: of } of definitionsIn({ ...found.json, namespace: found.namespace })) {
      added.add(of);
    }
    added.add(found.name);
    const { json, namespace: its } = found;
    const short = found.name.slice(its === '' ? 0 : its.length + 1);
    return inline({ ...json, name: short, namespace: its }, its, depth + 1);
  };
  return inline(schema, '', 0);
}

const CONTAINERS = new Set<Json>(['array', 'map', 'union']);
