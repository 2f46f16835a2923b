/**
 * Sample events of any event type: made from its Avro schema, with the fields that the topology
 * reads as key, time and id set as a producer would. For types that the sample world has no
 * events of its own for.
 */
import type { AvroRecord } from '../../schemas/folder.ts';
import { logicalSample } from './logical-samples.ts';
import type { SeededRandom } from './random.ts';

/** `[passenger, memberId]`: names of fields, from the event downwards. */
export type FieldPath = readonly string[];

/** An event type of the topology that samples are made of by its schema. */
export interface SchemaSample {
  /** `parcel-update`, as in `POST /v1/events/parcel-update`. */
  readonly type: string;
  readonly record: AvroRecord;
  /** Where the member's id lies; null: in no field, it is given beside the event. */
  readonly key: FieldPath | null;
  /** Null: the topology reads none. */
  readonly time: FieldPath | null;
  readonly id: FieldPath | null;
}

type Json = unknown;
type Named = Map<string, Json>;
export type SampleValue = { readonly [field: string]: Json };

/** Whole numbers and texts that come again, so that what belongs together does. */
const DIFFERENT = 20;
const DEPTH_MAX = 6;

export interface SampleFacts {
  readonly memberId: string;
  readonly eventId: string;
  readonly nowMs: number;
}

export function sampleOf(
  sample: SchemaSample,
  facts: SampleFacts,
  random: SeededRandom,
): SampleValue {
  const named: Named = new Map();
  collect(sample.record, named);
  const set: Fixed[] = [];
  if (sample.key !== null) set.push({ path: sample.key, value: facts.memberId });
  set.push({ path: sample.id ?? ['eventId'], value: facts.eventId });
  if (sample.time !== null) set.push({ path: sample.time, value: facts.nowMs });
  return recordOf(sample.record, set, { named, facts, random }, 0);
}

/** The event with another value at the path, whose records are there. */
export function withField(event: SampleValue, path: FieldPath, value: Json): SampleValue {
  const [field, ...rest] = path;
  const below = event[field!] as SampleValue;
  return { ...event, [field!]: rest.length === 0 ? value : withField(below, rest, value) };
}

interface Making {
  readonly named: Named;
  readonly facts: SampleFacts;
  readonly random: SeededRandom;
}

/** What is not left to chance; its path begins at the value that is being made. */
interface Fixed {
  readonly path: FieldPath;
  readonly value: Json;
}

function recordOf(
  { fields }: Pick<AvroRecord, 'fields'>,
  set: readonly Fixed[],
  making: Making,
  depth: number,
): SampleValue {
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const below = set
        .filter(({ path }) => path[0] === name)
        .map(({ path, value }) => ({ path: path.slice(1), value }));
      const given = below.find(({ path }) => path.length === 0);
      return [name, given?.value ?? anyOf(type, name, making, depth, below)];
    }),
  );
}

/**
 * JSON in the form of the HTTP API: bytes as base64, unions plainly where one branch is to choose.
 */
function anyOf(
  type: Json,
  field: string,
  making: Making,
  depth: number,
  set: readonly Fixed[] = [],
): Json {
  const { named, random } = making;
  if (Array.isArray(type)) {
    const others = type.filter((branch) => branch !== 'null');
    // What is below is read: it is there.
    const mayBeNull = type.includes('null') && set.length === 0;
    const isNull = mayBeNull && (depth >= DEPTH_MAX || random.chance(0.3));
    if (isNull || others.length === 0) return null;
    const branch = random.pick(others);
    const value = anyOf(branch, field, making, depth + 1, set);
    // Written plainly, a text would be a text where it was to be bytes. Who reads below goes by
    // fields.
    return others.length === 1 || set.length > 0 ? value : { [branchOf(branch)]: value };
  }
  if (typeof type === 'string') {
    const other = named.get(type);
    return other === undefined
      ? primitive(type, field, making)
      : anyOf(other, field, making, depth + 1, set);
  }
  const at = type as { readonly [key: string]: Json };
  const logical = logicalSample(at, making.facts.nowMs, random);
  if (logical !== undefined) return logical;
  switch (at.type) {
    case 'record':
      return recordOf(at as { fields: AvroRecord['fields'] }, set, making, depth + 1);
    case 'enum':
      return random.pick(at.symbols as string[]);
    case 'array':
      return depth >= DEPTH_MAX || random.chance(0.3)
        ? []
        : [anyOf(at.items, field, making, depth + 1)];
    case 'map':
      return depth >= DEPTH_MAX ? {} : { sample: anyOf(at.values, field, making, depth + 1) };
    case 'fixed':
      return Buffer.alloc(at.size as number, random.below(256)).toString('base64');
    default:
      return anyOf(at.type, field, making, depth, set);
  }
}

/** As a union names its branches. */
function branchOf(branch: Json): string {
  if (typeof branch === 'string') return branch;
  const { type, name, namespace } = branch as { readonly [key: string]: Json };
  if (typeof name !== 'string') return String(type);
  return typeof namespace === 'string' && !name.includes('.') ? `${namespace}.${name}` : name;
}

function primitive(type: string, field: string, { random }: Making): Json {
  switch (type) {
    case 'null':
      return null;
    case 'boolean':
      return random.chance(0.5);
    case 'int':
    case 'long':
      return random.below(DIFFERENT * 5);
    case 'float':
    case 'double':
      return random.below(DIFFERENT * 5) / 4;
    case 'bytes':
      return Buffer.from(`${field}-${random.below(DIFFERENT)}`).toString('base64');
    default:
      return `${field.replace(/Id$/, '').toLowerCase()}-${1 + random.below(DIFFERENT)}`;
  }
}

/** Types that the schema defines, by name and by full name. */
function collect(type: Json, into: Named, namespace = ''): void {
  if (Array.isArray(type)) for (const branch of type) collect(branch, into, namespace);
  if (typeof type !== 'object' || type === null || Array.isArray(type)) return;
  const at = type as { readonly [key: string]: Json };
  const inner = typeof at.namespace === 'string' ? at.namespace : namespace;
  if (typeof at.name === 'string') {
    into.set(at.name, at);
    into.set(`${inner}.${at.name}`, at);
  }
  const fields = Array.isArray(at.fields) ? (at.fields as AvroRecord['fields']) : [];
  for (const field of fields) collect(field.type, into, inner);
  for (const key of ['type', 'items', 'values']) collect(at[key], into, inner);
}
