/**
 * Priorities that pass by a step at once: none of them comes there, or all that come are among
 * them. A step of a chain stands in several streams, and is judged by all of these.
 */
import type { Scope } from './declarations.ts';
import type { Span } from './report.ts';
import { prioritiesOf } from './stream-checks.ts';
import type { ResolvedStream } from './streams.ts';

interface Bypass {
  readonly step: string;
  readonly span: Span;
  readonly named: readonly string[];
  readonly come: Set<string>;
}

export function checkBypasses(
  { report, priorities }: Scope,
  streams: readonly ResolvedStream[],
): void {
  const found = new Map<number, Bypass>();
  const unknown = new Set<number>();
  for (const { name, priority, parts, isWhole } of streams) {
    const come =
      priority === null ? [] : prioritiesOf(priority).map((one) => priorities.nameOf(one));
    for (const step of parts.flatMap(({ steps }) => steps.steps)) {
      const named = step.config.bypass as readonly string[] | null | undefined;
      const span = step.places.get('bypass');
      if (named === null || named === undefined || span === undefined) continue;
      const known = found.get(span.start);
      if (priority === null && !isWhole) unknown.add(span.start);
      if (known === undefined) {
        const subject = `stream "${name}", ${step.name}`;
        found.set(span.start, { step: subject, span, named, come: new Set(come) });
      } else for (const one of come) known.come.add(one);
    }
  }
  for (const { step, span, named, come } of found.values()) {
    if (unknown.has(span.start)) continue;
    const passes = [...come].filter((one) => named.includes(one)).length;
    if (passes > 0 && passes < come.size) continue;
    const why =
      passes === 0
        ? 'names no priority that comes here'
        : 'names every priority that comes here, so the step does nothing';
    report.warning('CAR246', span, `${step}: option "bypass" ${why}.`);
  }
}
