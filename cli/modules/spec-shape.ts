/**
 * What a spec of one's own must be, for those who write it without types, or past them. All that is
 * wrong is told at once.
 */
import { nearest } from '../../core/nearest.ts';
import type { OptionKind } from '../../core/spec.ts';

type Fields = { readonly [field: string]: unknown };

const NAME = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const NAME_CHARS_MAX = 64;
const CODE = /^[A-Z][A-Z0-9_]{2,39}$/;
/** Words of a list of steps that are no type. */
const WORDS: readonly string[] = ['use', 'name'];

const KINDS = ['each', 'expand', 'timed', 'operator'];
/** Another stream is for the package's own: nothing would bound what is held of it. */
const OPTION_KINDS: { readonly [K in Exclude<OptionKind, 'stream'>]: true } = {
  duration: true,
  time_of_day: true,
  time_zone: true,
  count: true,
  bytes: true,
  path: true,
  paths: true,
  predicate: true,
  expression: true,
  expressions: true,
  aggregates: true,
  durations: true,
  one_of: true,
  some_of: true,
  priorities: true,
  device_classes: true,
  table: true,
  flag: true,
  text: true,
  secret: true,
};
const COMMON = ['type', 'summary', 'description', 'config', 'version', 'warns', 'example', 'open'];
const STEP_FIELDS: readonly string[] = [
  ...COMMON,
  ...['kind', 'gives', 'marksFor', 'joinsFor', 'ensures', 'narrows', 'times', 'meaning'],
  ...['drops', 'deadLetters', 'counts', 'rows', 'keyedBy', 'joins', 'holds', 'aside'],
];
const SINK_FIELDS: readonly string[] = [
  ...COMMON,
  ...['promises', 'batchMax', 'needsOwner', 'keeps', 'retries', 'together', 'transport', 'needs'],
  'preview',
];

const isObject = (of: unknown): of is Fields =>
  typeof of === 'object' && of !== null && !Array.isArray(of);
const isText = (of: unknown): of is string => typeof of === 'string' && of.trim() !== '';
const isName = (of: unknown) =>
  typeof of === 'string' && NAME.test(of) && of.length <= NAME_CHARS_MAX;

export function isStep(spec: unknown): boolean {
  return isObject(spec) && 'kind' in spec;
}

/** Sentences, each of one thing that is wrong. */
export function faultsOf(spec: unknown): string[] {
  if (!isObject(spec))
    return ['it is no object: make it with processor.each({ … }) or sink({ … }).'];
  const faults = isStep(spec) ? stepFaults(spec) : sinkFaults(spec);
  return [...commonFaults(spec), ...faults];
}

function commonFaults(spec: Fields): string[] {
  const { type, summary, example, open, version, config, warns } = spec;
  const faults: string[] = [];
  if (!isName(type) || WORDS.includes(type as string)) {
    faults.push('type is its name in a topology: lower-case letters, digits and _, at most 64.');
  }
  if (!isText(summary)) faults.push('summary is a sentence that says what it is for.');
  if (!isText(example)) faults.push('example is a line of YAML that uses it.');
  if (typeof open !== 'function') faults.push('open is a function.');
  if (warns !== undefined && typeof warns !== 'function') faults.push('warns is a function.');
  if (version !== undefined && !isText(version)) faults.push('version is a text.');
  if (!isObject(config)) return [...faults, 'config is an object of options, {} for none.'];
  for (const [name, option] of Object.entries(config)) {
    if (!isName(name)) faults.push(`config: "${name}" is not lower-case letters, digits and _.`);
    const { kind, doc, takes } = isObject(option) ? option : {};
    if (!Object.hasOwn(OPTION_KINDS, String(kind)) || !isText(doc)) {
      faults.push(`config: ${name} is no option: make it with text(…), count(…), paths(…), …`);
    }
    if ((kind === 'path' || kind === 'paths') && !Array.isArray(takes)) {
      faults.push(`config: ${name} does not say what it takes: ${kind}('…', TEXT).`);
    }
  }
  return faults;
}

function unknownFields(spec: Fields, known: readonly string[]): string[] {
  return Object.keys(spec)
    .filter((field) => !known.includes(field))
    .map((field) => {
      const near = nearest(field, known);
      return `it has a field "${field}"${near === undefined ? '.' : `: did you mean "${near}"?`}`;
    });
}

function stepFaults(spec: Fields): string[] {
  const { kind, keyedBy, config, rows } = spec;
  const faults = unknownFields(spec, STEP_FIELDS);
  if (!KINDS.includes(kind as string)) faults.push(`kind is one of ${KINDS.join(', ')}.`);
  for (const field of ['drops', 'counts', 'deadLetters'] as const) {
    faults.push(...tableFaults(field, spec[field]));
  }
  if (keyedBy !== undefined) {
    const option = isObject(config) ? config[keyedBy as string] : undefined;
    if (!isObject(option) || option.kind !== 'paths') {
      faults.push('keyedBy names an option of config that is made with paths(…).');
    }
  }
  if (rows !== undefined || kind === 'timed') faults.push(...rowFaults(rows, kind));
  return faults;
}

function tableFaults(field: 'drops' | 'counts' | 'deadLetters', table: unknown): string[] {
  if (table === undefined) return [];
  if (!isObject(table)) return [`${field} is an object from names to sentences.`];
  return Object.entries(table).flatMap(([name, doc]) => {
    const isCode = CODE.test(name) && !name.startsWith('CAR');
    const faults: string[] = [];
    if (field === 'deadLetters' && !isCode) {
      faults.push(`deadLetters: "${name}" is no code of yours: capitals, 3 to 40, not CAR….`);
    }
    if (field !== 'deadLetters' && !isName(name)) {
      faults.push(`${field}: "${name}" is not lower-case letters, digits and _.`);
    }
    if (!isText(doc)) faults.push(`${field}: ${name} needs a sentence that says when.`);
    return faults;
  });
}

const COLUMN_KINDS: readonly unknown[] = ['int', 'double', 'name', 'record'];

function rowFaults(rows: unknown, kind: unknown): string[] {
  const of = isObject(rows) ? rows : {};
  if (kind === 'operator') return ['an operator keeps no state: rows are for the other kinds.'];
  if (isObject(of.columns)) {
    const kinds = Object.values(of.columns);
    if (!kinds.every((one) => COLUMN_KINDS.includes(one))) {
      return ['rows: a column is int, double, name or record.'];
    }
    const held = kinds.filter((one) => one === 'record').length;
    if (held > 1) return ['rows: at most one column is a record.'];
    return kind === 'timed' && held === 0 ? ['rows of a timed step have a column record.'] : [];
  }
  const isCodec = typeof of.encode === 'function' && typeof of.decode === 'function';
  if (kind !== 'timed' && isCodec) return [];
  return [`rows is ${kind === 'timed' ? '' : 'a codec, or '}made with columns({ … }).`];
}

function sinkFaults(spec: Fields): string[] {
  const { promises, batchMax, needsOwner, together } = spec;
  const faults = unknownFields(spec, SINK_FIELDS);
  if (!Array.isArray(promises) || promises.length === 0 || !promises.every(isText)) {
    faults.push('promises is a list of sentences: what is guaranteed, said honestly.');
  }
  if (!Number.isSafeInteger(batchMax) || (batchMax as number) < 1) {
    faults.push('batchMax is how many deliveries a call takes, at least 1.');
  }
  if (typeof needsOwner !== 'boolean') faults.push('needsOwner is true or false.');
  if (together !== undefined && typeof together !== 'function') {
    faults.push('together is a function of two deliveries of a device.');
  }
  return faults;
}
