/**
 * `guarantee: acked`: a notification is told again until its device acknowledges it, or its
 * deadline has passed. So it has a deadline, and an inbox keeps it until then.
 */
import { type AckedPlan, GUARANTEES } from './plan.ts';
import { readDuration } from './quantity.ts';
import type { Report } from './report.ts';
import type { Section } from './section.ts';

/** Less would be sent again while the answer of a device is still on its way. */
const AGAIN_AFTER_MS_MIN = 1_000;

export const ACKED_KEYS = ['guarantee', 'again_after'];

/** Undefined: it is told as others are, or something was told. */
export function resolveAcked(report: Report, section: Section): AckedPlan | undefined {
  const isAcked = section.choice('guarantee', GUARANTEES) === 'acked';
  const written = section.scalar('again_after');
  if (written !== undefined && !isAcked) {
    const what = `${section.subject}: again_after is about what is not acknowledged, and nothing has to be.`;
    report.error('CAR772', section.entry('again_after')!.keySpan, what);
  }
  if (!isAcked) return undefined;
  if (written === undefined) return { againAfterMs: null };
  const bounds = { min: AGAIN_AFTER_MS_MIN };
  const ms = readDuration(report, `${section.subject}: again_after`, written, bounds);
  return ms === undefined ? undefined : { againAfterMs: ms };
}
