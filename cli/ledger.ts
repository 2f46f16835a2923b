/**
 * What became of notifications, from what the log says of them: lanes (born, handed on), retry
 * topics (put off), outcomes (told, acknowledged, refused), dead letters. One line a milestone, in
 * order of time.
 */
import type { Milestone } from '../console/answers.ts';
import { marksOf } from '../core/lane-marks.ts';
import type { DecodedRecord } from './show-record.ts';

export type LedgerTopic = 'lane' | 'retry' | 'outcomes' | 'dead-letters';

type Plain = { readonly [field: string]: unknown };

/** Undefined: it says nothing of a notification. `names`: of use cases, by their ids. */
export function milestoneOf(
  use: LedgerTopic,
  record: DecodedRecord,
  names: ReadonlyMap<string, string>,
): Milestone | undefined {
  const value = record.value;
  if (typeof value !== 'object' || value === null) return undefined;
  const of = value as Plain;
  if (use === 'outcomes') return ofOutcome(of);
  const { id: notificationId, deviceId } = of;
  if (typeof notificationId !== 'string' || typeof deviceId !== 'string') return undefined;
  const base = { notificationId, deviceId, ambiguous: false };
  if (use === 'lane') return { ...base, ...ofLane(record, of, names) };
  if (use === 'retry') {
    const { dueMs, tries } = marks(record);
    const more = `due ${time(dueMs)}, after ${tries} tries`;
    return { ...base, at: record.timestamp, what: 'put off', by: record.topic, more };
  }
  const { headers } = record;
  const said = [headers['carillon.code'], headers['carillon.reason']].filter(Boolean).join(' ');
  const by = `${headers['carillon.stream'] ?? ''}/${headers['carillon.step'] ?? ''}`;
  return { ...base, at: record.timestamp, what: 'dead letter', by, more: said };
}

function ofLane(record: DecodedRecord, of: Plain, names: ReadonlyMap<string, string>) {
  const { handedBy, again } = marks(record);
  const number = `number ${of.sequence} of epoch ${of.epoch}`;
  const born = Number(of.born);
  if (again === true) {
    const more = ['not acknowledged', handedBy.length > 0 ? `after ${handedBy.join(', ')}` : ''];
    const said = [...more, number].filter(Boolean).join('; ');
    return { at: record.timestamp, what: 'told again', by: record.topic, more: said };
  }
  if (handedBy.length > 0) {
    const more = `after ${handedBy.join(', ')}; ${number}`;
    return { at: record.timestamp, what: 'in the next lane', by: record.topic, more };
  }
  const deadline = Number(of.deadline) > 0 ? `, until ${time(Number(of.deadline))}` : '';
  const useCase = names.get(String(of.useCase)) ?? of.useCase;
  const more = `use case ${useCase}, ${number}${deadline}`;
  return { at: born, what: 'born', by: record.topic, more };
}

function ofOutcome(of: Plain): Milestone | undefined {
  const { notificationId, deviceId, outcome, sink, attempt, reason, ambiguous, at } = of;
  if (typeof notificationId !== 'string' || typeof deviceId !== 'string') return undefined;
  const tries = Number(attempt) > 1 ? `try ${attempt}` : '';
  return {
    at: Number(at),
    notificationId,
    deviceId,
    what: String(outcome).replaceAll('_', ' '),
    by: String(sink),
    more: [tries, reason].filter(Boolean).join(': '),
    ambiguous: ambiguous === true,
  };
}

/** The headers were decoded to text, which they are. */
function marks({ headers }: DecodedRecord) {
  return marksOf(
    Object.entries(headers).map(([key, value]) => ({ key, value: Buffer.from(value, 'utf8') })),
  );
}

/** In order of time; what has the same time stands as the log gave it. */
export function inOrder(milestones: readonly Milestone[]): readonly Milestone[] {
  return [...milestones].sort((a, b) => a.at - b.at);
}

/** One line each; `withId` where they are of several notifications. */
export function ledgerLines(milestones: readonly Milestone[], withId: boolean): string {
  const lines = inOrder(milestones).map((one) => {
    const ambiguous = one.ambiguous ? ' (may have been delivered)' : '';
    const id = withId ? `${one.notificationId}  ` : '';
    const more = one.more === '' ? '' : `  ${one.more}`;
    return `${time(one.at)}  ${id}${one.what.padEnd(12)}  ${one.by}${more}${ambiguous}\n`;
  });
  return lines.join('');
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
