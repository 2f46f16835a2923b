/** Where a stream begins that was never applied. */
import type { StartRule } from './plan.ts';
import { readDuration } from './quantity.ts';
import type { Report } from './report.ts';
import type { Section } from './section.ts';

/** Undefined: it is not said, or was told why it cannot be. */
export function resolveStart(report: Report, section: Section): StartRule | undefined {
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
