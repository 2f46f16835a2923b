/**
 * What is written beside a notification that is put off, handed on or told again, as headers: the
 * value stays the bytes that it was.
 */
import { TRANSPORTS, type Transport } from './device.ts';
import type { Header } from './headers.ts';

export interface Marks {
  /** Not to be tried before, epoch ms; 0: at once. */
  readonly dueMs: number;
  /** True: the device itself rests until then, so what is behind it waits as well. */
  readonly rests: boolean;
  /** Tries so far, and those that count against it. */
  readonly attempt: number;
  readonly tries: number;
  /** Transports that could not reach the device; empty: it lies in its first lane. */
  readonly handedBy: readonly Transport[];
  /** True: nobody has acknowledged it, and it is told again (`guarantee: acked`). */
  readonly again?: boolean;
}

const NO_MARKS: Marks = { dueMs: 0, rests: false, attempt: 0, tries: 0, handedBy: [] };
const DUE = 'carillon.due';
const RESTS = 'carillon.rests';
const ATTEMPT = 'carillon.attempt';
const TRIES = 'carillon.tries';
const HANDED_BY = 'carillon.handed-by';
const AGAIN = 'carillon.again';

/** What is not understood reads as not there: a mark never keeps a record from its device. */
export function marksOf(headers: readonly Header[] | null): Marks {
  if (headers === null || headers.length === 0) return NO_MARKS;
  const text = (key: string) =>
    headers.findLast((header) => header.key === key)?.value.toString('utf8') ?? '';
  const number = (key: string) => (/^\d{1,15}$/.test(text(key)) ? Number(text(key)) : 0);
  const handed = text(HANDED_BY).split(',');
  return {
    dueMs: number(DUE),
    rests: text(RESTS) === 'true',
    attempt: number(ATTEMPT),
    tries: number(TRIES),
    handedBy: TRANSPORTS.filter((transport) => handed.includes(transport)),
    ...(text(AGAIN) === 'true' ? { again: true } : {}),
  };
}

export function headersOf(marks: Marks): Header[] {
  const header = (key: string, value: string) => ({ key, value: Buffer.from(value, 'utf8') });
  const headers: Header[] = [];
  if (marks.dueMs > 0) {
    headers.push(
      header(DUE, String(Math.ceil(marks.dueMs))),
      header(RESTS, String(marks.rests)),
      header(ATTEMPT, String(marks.attempt)),
      header(TRIES, String(marks.tries)),
    );
  }
  if (marks.again === true) headers.push(header(AGAIN, 'true'));
  if (marks.handedBy.length > 0) headers.push(header(HANDED_BY, marks.handedBy.join(',')));
  return headers;
}
