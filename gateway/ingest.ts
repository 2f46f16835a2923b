/**
 * `POST /v1/events/<type>`: events as JSON, one or a batch, checked against the Avro schema of
 * their topic, written in the Confluent wire format, answered only when they are in the log.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { nearest } from '../core/nearest.ts';
import {
  type FieldProblem,
  type JsonEventReader,
  jsonEventReader,
  PROBLEMS_MAX,
} from '../schemas/json-events.ts';
import { SEND_EVENTS } from './api/producer-operations.ts';
import { fieldAt, keyOf, pointerOf } from './event-key.ts';
import { type GuardDeps, guard, identityOf } from './guard.ts';
import type { Identity } from './identity.ts';
import { digestOf, type IngestKeys, keyFrom } from './ingest-keys.ts';
import { bytesOf } from './json-body.ts';
import type { GatewayCounts, GatewayLimits } from './limits.ts';
import type { BesideRecord, LogWriter, NewRecord, WrittenRecord } from './log-writer.ts';
import { HttpProblem } from './problem.ts';

/** An event type that can be posted: the last part of its topic's name. */
export interface EventType {
  readonly topic: string;
  /** The schema's name in the folder; `Schemas.encoder` knows it. */
  readonly schema: string;
  /** The Avro schema as JSON. */
  readonly avro: unknown;
  /** The field that is the event's id, by its path; null: the topology names none. */
  readonly id: readonly string[] | null;
  /** The field that is the record's key, by its path; null: the key is given beside the event. */
  readonly key: readonly string[] | null;
}

export interface IngestDeps extends GuardDeps {
  readonly writer: LogWriter;
  readonly keys: IngestKeys;
  readonly eventTypes: ReadonlyMap<string, EventType>;
  readonly limits: GatewayLimits;
  readonly counts: GatewayCounts;
}

interface Reader {
  readonly name: string;
  readonly type: EventType;
  readonly json: JsonEventReader;
}

/** One event of a body, as it was read. */
interface Read {
  readonly record: NewRecord;
  readonly problems: readonly FieldProblem[];
}

/** Undefined: it was written before, under the same idempotency key. */
type Write = (records: readonly NewRecord[]) => Promise<readonly WrittenRecord[] | undefined>;

/** Where it lies was told at the first time, and is not kept. */
const REPEATED = { repeated: true } as const;

function onceOf(deps: IngestDeps, { topic, schema }: EventType, request: FastifyRequest): Write {
  const { writer, keys, counts } = deps;
  const key = keyFrom(request.raw.headersDistinct['idempotency-key']);
  const plain = async (records: readonly NewRecord[], beside?: BesideRecord) => {
    const written = await writer.write(topic, schema, records, beside);
    counts.eventsAccepted += written.length;
    return written;
  };
  if (key === undefined) return plain;
  const digest = digestOf(request.url, bytesOf(request));
  const { subject: producer } = identityOf(request);
  return async (records) => {
    const written = await keys.once({ producer, key, digest }, (row) => plain(records, row));
    if (written === undefined) counts.eventsRepeated += records.length;
    return written;
  };
}

export function ingestRoutes(app: FastifyInstance, deps: IngestDeps): void {
  const readers = new Map<string, Reader>();
  for (const [name, type] of deps.eventTypes) {
    readers.set(name, { name, type, json: jsonEventReader(type.avro) });
  }
  const onRequest = guard(deps, ['producer']);
  app.post(
    SEND_EVENTS.path,
    { onRequest, config: { operation: SEND_EVENTS } },
    async (request, reply) => {
      const { type } = request.params as { type: string };
      const identity = identityOf(request);
      const { events, subject } = identity;
      if (events !== undefined && !events.includes(type)) {
        throw new HttpProblem('CAR704', 'the token does not name this event type in `events`.');
      }
      const reader = readerOf(readers, type);
      mustBeNamed(reader, identity);
      deps.budgets.produces(subject, bytesOf(request).length);
      const { partial, key } = request.query as { partial?: string; key?: string };
      checkKeyGiven(reader, key);
      const batch = batchOf(request.body, deps.limits.batchRecordsMax);
      const write = onceOf(deps, reader.type, request);
      if (batch === undefined) return await writeOne(deps, reader, request.body, key, write);
      const read = batch.events.map((event, i) =>
        readEvent(reader, event, `${batch.path}/${i}`, key),
      );
      const refused = read.filter(({ problems }) => problems.length > 0);
      if (refused.length > 0) {
        deps.counts.eventsRefused += refused.length;
        if (partial !== 'true' || refused.length === read.length) throw wrongBatch(refused, read);
        reply.code(207);
      }
      return await writeBatch(reader.type, read, write);
    },
  );
}

/**
 * A topic of another name than `events.…` is often somebody else's, whose records a topology only
 * reads: a token is good for it when it says so.
 */
function mustBeNamed({ name, type }: Reader, { events, scopes }: Identity): void {
  if (events !== undefined || scopes.includes('admin') || type.topic.startsWith('events.')) return;
  const what = `topic "${name}" takes a token that names it in its claim \`events\`.`;
  const mend = `Give it the claim, as carillon token --scope producer --events ${name} does.`;
  throw new HttpProblem('CAR704', what, { mend });
}

/** Throws CAR721 for a key in the address that is not there, or should not be. */
function checkKeyGiven({ type, name }: Reader, key: unknown): void {
  if (type.key !== null) {
    if (key === undefined) return;
    const what = `events of type "${name}" have their key in /${type.key.join('/')}: take ?key= away.`;
    throw new HttpProblem('CAR721', what);
  }
  const given = typeof key === 'string' ? keyOf(type, null, key) : keyOf(type, null, undefined);
  if ('key' in given) return;
  const mend = `Send them to /v1/events/${name}?key=<key>.`;
  throw new HttpProblem('CAR721', `an event of type "${name}" ${given.what}.`, { mend });
}

async function writeOne(
  deps: IngestDeps,
  reader: Reader,
  body: unknown,
  key: string | undefined,
  write: Write,
): Promise<object> {
  const { record, problems } = readEvent(reader, body, '', key);
  if (problems.length > 0) {
    deps.counts.eventsRefused++;
    const what = `the event is not of schema ${reader.type.schema}.`;
    throw new HttpProblem('CAR710', what, { problems });
  }
  const { topic } = reader.type;
  const [place] = (await write([record])) ?? [REPEATED];
  return { topic, ...place };
}

async function writeBatch(
  { topic }: EventType,
  read: readonly Read[],
  write: Write,
): Promise<object> {
  const good = read.filter(({ problems }) => problems.length === 0);
  const places = await write(good.map(({ record }) => record));
  let next = 0;
  const records = read.map(({ problems }) =>
    problems.length > 0 ? { problems } : (places?.[next++] ?? REPEATED),
  );
  const sums = { topic, accepted: good.length, refused: read.length - good.length };
  return places === undefined ? { ...sums, ...REPEATED, records } : { ...sums, records };
}

function wrongBatch(refused: readonly Read[], read: readonly Read[]): HttpProblem {
  const problems = refused.flatMap((event) => event.problems).slice(0, PROBLEMS_MAX);
  const what = `${refused.length} of ${read.length} events are wrong; none was written.`;
  const mend = 'Mend what is named, or send with ?partial=true to have the others written.';
  return new HttpProblem('CAR710', what, { problems, mend });
}

function readEvent(
  { type, json }: Reader,
  event: unknown,
  path: string,
  given: string | undefined,
): Read {
  const problems: FieldProblem[] = [];
  const value = json.read(event, path, problems);
  if (problems.length > 0) return { record: { key: '', value }, problems };
  const key = keyOf(type, value, given);
  if (!('key' in key)) problems.push({ path: `${path}${key.path}`, what: key.what });
  if (type.id !== null && fieldAt(value, type.id) === '') {
    const what = "expected text that is not empty: it is the event's id";
    problems.push({ path: `${path}${pointerOf(type.id)}`, what });
  }
  return { record: { key: 'key' in key ? key.key : '', value }, problems };
}

/** A batch is an array, or an object with nothing but `records`; anything else is one event. */
function batchOf(
  body: unknown,
  recordsMax: number,
): { events: readonly unknown[]; path: string } | undefined {
  let batch: { events: readonly unknown[]; path: string } | undefined;
  if (Array.isArray(body)) batch = { events: body, path: '' };
  else if (typeof body === 'object' && body !== null && 'records' in body) {
    const { records } = body;
    if (Object.keys(body).length === 1 && Array.isArray(records)) {
      batch = { events: records, path: '/records' };
    }
  }
  if (batch === undefined) return undefined;
  if (batch.events.length > recordsMax) {
    throw new HttpProblem('CAR707', `a batch has at most ${recordsMax} records.`);
  }
  if (batch.events.length > 0) return batch;
  const problems = [{ path: batch.path || '/', what: 'expected at least one event' }];
  throw new HttpProblem('CAR710', 'the batch is empty.', { problems });
}

function readerOf(readers: ReadonlyMap<string, Reader>, name: string): Reader {
  const reader = readers.get(name);
  if (reader !== undefined) return reader;
  // A type is the last part of its topic's name, which is what a producer has at hand.
  const meant = nearest(name.replace(/^events\./, ''), readers.keys());
  const known = [...readers.keys()].sort().join(', ');
  const mend = meant === undefined ? `Known types: ${known}.` : `Did you mean "${meant}"?`;
  throw new HttpProblem('CAR706', `there is no event type "${name.slice(0, 64)}".`, { mend });
}
