/** Which of a device's transports a stream takes. */
import { REACHES, type Reach } from './plan.ts';
import type { Report } from './report.ts';
import type { Section } from './section.ts';
import type { ResolvedSteps } from './steps.ts';

/** The `reach:` of a lane target, or the default. */
export function resolveReach(report: Report, section: Section, { steps }: ResolvedSteps): Reach {
  const reach = section.choice('reach', REACHES) ?? REACHES[0];
  const narrowing = steps.find(({ spec }) => spec.narrows === true);
  if (reach !== 'first_reachable' || narrowing === undefined) return reach;
  // A sink that cannot reach the device hands on to its next transport, and knows of no wish.
  const what =
    `${section.subject}: ${narrowing.name} leaves some transports, but a device that cannot be ` +
    'reached by them would be told by its others.';
  report.error('CAR282', section.span, what, 'Write reach: first, or reach: all.');
  return reach;
}
