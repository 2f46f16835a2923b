/**
 * Where a stream begins: the topic that it reads, and what of its records says key, id and time.
 */
import type { FieldReader } from '../core/spec.ts';
import type { ValueKind } from '../core/value-kind.ts';
import type { Known } from './cel-facts.ts';
import type { Scope } from './declarations.ts';
import { memberPath, type ResolvedPath, resolvePath } from './field-path.ts';
import { fittingMend, misfit } from './path-kinds.ts';
import type { ClockRule, StartRule, UpstreamPlan } from './plan.ts';
import { readDuration } from './quantity.ts';
import type { Section } from './section.ts';
import { ANY_SHAPE, type Shape, shapeName } from './shape.ts';
import { noTimeBecause, timeMend } from './time-field.ts';

export interface ResolvedSource {
  /** Null: other streams give it (`streams`). */
  readonly topic: string | null;
  readonly streams: readonly UpstreamPlan[];
  /** Empty: steps before it have given the value, and it was not written with any. */
  readonly schema: string;
  readonly time: FieldReader | null;
  readonly id: FieldReader | null;
  readonly member: FieldReader | null;
  readonly maxFutureMs: number;
  readonly start: StartRule;
  readonly fields: ReadonlySet<string>;
  readonly shape: Shape;
  /** Steps before it have given the value. */
  readonly isGiven: boolean;
  /** What streams and parts before it have made sure of; undefined: nothing. */
  readonly known?: Known;
  /** Among its records are results that were taken back, and nobody has asked which. */
  readonly retracts?: boolean;
  /** Of other streams, or behind a step that changes the key: by what it is keyed. */
  readonly keyedBy: string | null;
  /** It begins with the ticks of a clock. */
  readonly clock?: ClockRule;
  /** What says the key or the id is broken: nobody is blamed for what hangs on them. */
  readonly isPartial?: true;
}

/** Brokers refuse what is more than an hour ahead of them (`message.timestamp.after.max.ms`). */
const MAX_FUTURE_MS_MAX = 30 * 60_000;
const MAX_FUTURE_MS_DEFAULT = 600_000;

export function resolveSource(
  scope: Scope,
  subject: string,
  written: Section,
): ResolvedSource | undefined {
  const { report, schemas, topics } = scope;
  const section = written.only(['topic', 'schema', 'time', 'id', 'key', 'max_future', 'start']);
  const topic = section.neededText('topic');
  const schema = scope.schemas.placed(subject, section.neededText('schema'));
  const known = schema === undefined ? undefined : schemas.named(subject, schema);
  if (topic !== undefined && known !== undefined) {
    topics.use(subject, topic, 'events', schema?.value);
  }
  const shape: Shape = known ?? ANY_SHAPE;
  const time = sourcePath(scope, section, 'time', shape, ['int'], 'a time (epoch milliseconds)');
  const id = sourcePath(scope, section, 'id', shape, ['string', 'int', 'enum'], 'an id');
  const key = section.has('key')
    ? sourcePath(scope, section, 'key', shape, ['string'], 'a key')
    : memberPath(known, scope.words.fields);
  const isPartial =
    (section.has('key') && key === undefined) || (section.has('id') && id === undefined);
  const future = section.scalar('max_future');
  const maxFutureMs =
    future === undefined
      ? MAX_FUTURE_MS_DEFAULT
      : readDuration(report, `${section.subject}: max_future`, future, { max: MAX_FUTURE_MS_MAX });
  const start = resolveStart(scope, section);
  // Its shape is not known, but the rest of the stream can still be read.
  if (schema === undefined || known === undefined) return undefined;
  const fields = [time, id, key].flatMap((path) => (path?.field ? [path.field] : []));
  return {
    topic: topic?.value ?? null,
    streams: [],
    schema: schema.value,
    time: time?.reader ?? null,
    id: id?.reader ?? null,
    member: key?.reader ?? null,
    maxFutureMs: maxFutureMs ?? MAX_FUTURE_MS_DEFAULT,
    start: start ?? { kind: 'latest' },
    fields: new Set(fields),
    shape,
    isGiven: false,
    keyedBy: null,
    ...(isPartial ? { isPartial } : {}),
  };
}

/** Undefined: it is not said, or was told why it cannot be. */
function resolveStart({ report }: Scope, section: Section): StartRule | undefined {
  const written = section.scalar('start');
  if (written === undefined) return undefined;
  const { value } = written;
  if (value === 'latest' || value === 'earliest') return { kind: value };
  const subject = `${section.subject}: start`;
  if (typeof value !== 'number' && (typeof value !== 'string' || !/^\d/.test(value))) {
    const what = `${subject}: ${typeof value === 'string' ? `"${value}"` : value} is no place to start.`;
    report.error('CAR306', written.span, what, 'Write latest, earliest, or how long ago: 10m.');
    return undefined;
  }
  const ms = readDuration(report, subject, written, { min: 1 });
  return ms === undefined ? undefined : { kind: 'ago', ms };
}

/** What to write instead, and what it is without: a source need not say any of these. */
const WITHOUT = {
  time: 'Or leave `time` out: then the time of the record counts, as its producer wrote it.',
  id: 'Or leave `id` out: then topic, partition and offset are the id.',
  key: 'Or leave `key` out: then the key of the record counts.',
} as const;

function sourceMend(
  name: keyof typeof WITHOUT,
  end: Shape,
  shape: Shape,
  kinds: readonly ValueKind[],
): string {
  const isFit = (of: Shape) =>
    name === 'id' ||
    (of.kind !== 'nullable' && (name === 'key' || noTimeBecause(of) === undefined));
  const convert = name === 'time' ? timeMend(end) : undefined;
  return [convert, fittingMend(shape, kinds, isFit), WITHOUT[name]].filter(Boolean).join(' ');
}

function sourcePath(
  scope: Scope,
  section: Section,
  name: 'time' | 'id' | 'key',
  shape: Shape,
  kinds: readonly ValueKind[],
  what: string,
): ResolvedPath | undefined {
  const text = section.text(name);
  if (text === undefined) return undefined;
  const subject = `${section.subject}, ${name}`;
  const resolved = resolvePath(scope.report, subject, text, shape);
  if (resolved === undefined) return undefined;
  const { shape: end } = resolved;
  // An event without an id gets its origin; a time or key that is null would be poison.
  const noTime = name === 'time' ? noTimeBecause(end) : undefined;
  const misfits = name !== 'id' && end.kind === 'nullable' ? `is a ${shapeName(end)}` : undefined;
  const is = noTime === undefined ? (misfits ?? misfit(end, kinds)) : `is ${noTime}`;
  if (is === undefined) return resolved;
  const mend = sourceMend(name, end, shape, kinds);
  const told = `${subject}: ${text.value} ${is}, which is not ${what}.`;
  scope.report.error('CAR403', text.span, told, mend);
  return undefined;
}
