/**
 * What is known of a record beside key, value and headers, on its way through a repartition topic:
 * one header, JSON, with what differs from a record that has just been read. The record's own time
 * in the topic is the task's clock, as retention goes by it.
 */
import { type Header, readHeaders } from '../../core/headers.ts';
import type { Record } from '../../core/record.ts';
import { ANY_TRANSPORT, GIVEN, NO_TARGET, NONE, type Slice } from '../../core/slice.ts';

const NAME = 'carillon.hop';

interface Hop {
  /** Of the event (rule D1). */
  readonly id: string;
  /** Event time, epoch milliseconds. */
  readonly at: number;
  readonly priority?: number;
  readonly deadline?: number;
  readonly count?: number;
  readonly classes?: number;
  readonly except?: string;
  readonly transports?: number;
}

/** Behind the headers that came; those of a hop before it are left out. */
export function hopHeaders(record: Record): readonly Header[] {
  const { priority, deadlineMs, count, classMask, except, transports } = record;
  const hop: Hop = {
    id: record.eventId,
    at: record.timestamp,
    ...(priority < 0 ? {} : { priority }),
    ...(deadlineMs === 0 ? {} : { deadline: deadlineMs }),
    ...(count === 1 ? {} : { count }),
    ...(classMask === NO_TARGET ? {} : { classes: classMask }),
    ...(except === null ? {} : { except }),
    ...(transports === ANY_TRANSPORT ? {} : { transports }),
  };
  const value = Buffer.from(JSON.stringify(hop), 'utf8');
  return [...(withoutHop(record.headers) ?? []), { key: NAME, value }];
}

/** As the producer wrote them. */
export function withoutHop(headers: readonly Header[] | null): readonly Header[] | null {
  const kept = headers?.filter(({ key }) => key !== NAME) ?? [];
  return kept.length === 0 ? null : kept;
}

/**
 * Sets the slots of a record that was read from a repartition topic, and gives its priority (-1: of
 * none); undefined when the header is not there, or is of another form.
 */
export function readHop(record: Record): number | undefined {
  const hop = hopOf(record.slice, record.i);
  if (hop === undefined) return undefined;
  record.eventId = hop.id;
  record.timestamp = hop.at;
  record.deadlineMs = hop.deadline ?? 0;
  record.count = hop.count ?? 1;
  record.transports = hop.transports ?? ANY_TRANSPORT;
  record.setTarget(hop.classes ?? NO_TARGET, null);
  if (hop.except !== undefined) record.setExcept(hop.except);
  return hop.priority ?? -1;
}

/** Event time of a record that has just been read; undefined: it is none of a hop. */
export function hopTimeMs(slice: Slice, i: number): number | undefined {
  return hopOf(slice, i)?.at;
}

function hopOf(slice: Slice, i: number): Hop | undefined {
  const at = slice.headersAt[i]!;
  if (at === NONE || at === GIVEN) return undefined;
  const header = readHeaders(slice.bytes, at).findLast(({ key }) => key === NAME);
  return header === undefined ? undefined : parsed(header.value);
}

function parsed(bytes: Buffer): Hop | undefined {
  try {
    const hop = JSON.parse(bytes.toString('utf8')) as Hop | null;
    return typeof hop?.id === 'string' && typeof hop.at === 'number' ? hop : undefined;
  } catch {
    return undefined;
  }
}
