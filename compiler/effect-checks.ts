/**
 * What is right word by word and still does nothing, or loses everything: told as warnings, each
 * with its reason. What tells the wrong member is an error.
 */
import { formatDuration } from '../core/duration.ts';
import type { Priority } from '../core/priority.ts';
import type { ConfigWarning, StepTimes } from '../core/step-facts.ts';
import { type Broken, mayBe } from './broken-steps.ts';
import type { Scope } from './declarations.ts';
import type { Report, Span } from './report.ts';
import type { ResolvedStep, ResolvedSteps } from './steps.ts';
import { checkWeaker } from './weaker-checks.ts';

const CODES = { no_effect: 'CAR246', always_lost: 'CAR247' } as const;

/** What a spec says of its own options. */
export function warnConfig(
  report: Report,
  subject: string,
  warnings: readonly ConfigWarning[],
  placeOf: (option: string) => Span,
): void {
  for (const { option, kind, why } of warnings) {
    report.warning(CODES[kind], placeOf(option), `${subject}: option "${option}" ${why}.`);
  }
}

/** One step after the other: who comes before a step decides of what it can still do. */
export function checkEffects(
  { report }: Pick<Scope, 'report'>,
  subject: string,
  { steps, broken }: Pick<ResolvedSteps, 'steps' | 'broken'>,
  isToLane = false,
): void {
  for (const step of steps) checkConfig(report, subject, step);
  checkMarks(report, subject, steps, isToLane, broken);
  // What is broken may be what lets records live for longer.
  if (!mayBe(broken, ({ times }) => times !== undefined)) checkTimes(report, subject, steps);
  checkFanOuts(report, subject, steps);
  if (!mayBe(broken, ({ kind }) => kind === 'timed')) checkWeaker(report, subject, steps);
}

function checkConfig(report: Report, subject: string, step: ResolvedStep): void {
  const placeOf = (option: string) => step.places.get(option) ?? step.span;
  const of = `${subject}, ${step.name}`;
  warnConfig(
    report,
    of,
    step.spec.warns?.(step.config, new Set(step.places.keys())) ?? [],
    placeOf,
  );
  for (const [option, { paths, at }] of step.paths) {
    const names = paths.map(({ reader }) => reader.path);
    const twice = names.find((name, n) => names.indexOf(name) < n);
    if (twice === undefined) continue;
    report.warning('CAR246', at, `${of}: option "${option}" names ${twice} twice.`);
  }
  for (const [option, value] of step.constants) {
    const kind = value ? 'no_effect' : 'always_lost';
    const why = value ? 'holds for every record' : 'holds for no record';
    warnConfig(report, of, [{ option, kind, why }], placeOf);
  }
}

/** A mark that nobody reads, or that the next one replaces before anybody does. */
function checkMarks(
  report: Report,
  subject: string,
  steps: readonly ResolvedStep[],
  isToLane: boolean,
  broken: readonly Broken[],
): void {
  steps.forEach((step, i) => {
    const { marksFor, type } = step.spec;
    if (marksFor === undefined) return;
    if (mayBe(broken, (spec) => spec.type === marksFor || spec.type === type)) return;
    const next = steps
      .slice(i + 1)
      .find(({ spec }) => spec.type === marksFor || spec.type === type);
    if (next?.spec.type === marksFor) return;
    // A lane without any fan_out is told itself.
    if (isToLane && !steps.some(({ spec }) => spec.type === marksFor)) return;
    const why =
      next === undefined
        ? `no ${marksFor} comes after it, which would read what it says`
        : `"${next.name}" replaces what it says before a ${marksFor} reads it`;
    const mend = `Put it before the ${marksFor}, or take it out.`;
    report.warning('CAR246', step.span, `${subject}, ${step.name}: ${why}.`, mend);
  });
}

/** What waits longer than it may live is late whenever it is let go. */
function checkTimes(report: Report, subject: string, steps: readonly ResolvedStep[]): void {
  let waitedMs = 0;
  let by = '';
  let held: { readonly ms: number; readonly by: string } | undefined;
  let life: { readonly ms: number; readonly step: ResolvedStep } | undefined;
  for (const step of steps) {
    const times: StepTimes = step.spec.times?.(step.config) ?? {};
    const { waitMs = 0, holdMs = 0, ageMsMax, lifeMs } = times;
    const of = `${subject}, ${step.name}`;
    if (ageMsMax !== undefined && ageMsMax > 0 && waitedMs > 0 && ageMsMax <= waitedMs) {
      const what = `${of}: whatever comes here has waited ${formatDuration(waitedMs)} in ${by}, and is too old.`;
      report.warning('CAR247', step.span, what, `Put it before ${by}, or let it take longer.`);
    } else if (ageMsMax !== undefined && held !== undefined && ageMsMax < held.ms) {
      const what = `${of}: ${held.by} holds for up to ${formatDuration(held.ms)}, and what is older than ${formatDuration(ageMsMax)} is dropped here.`;
      report.warning('CAR247', step.span, what, `Put it before ${held.by}, or let it take longer.`);
    }
    if (times.isAnew === true) {
      if (life !== undefined) tellUnread(report, subject, steps, life.step, step);
      life = undefined;
    }
    if (lifeMs !== undefined) life = { ms: lifeMs, step };
    if (holdMs > 0) {
      const ms = waitedMs + holdMs;
      if (life !== undefined && life.ms < ms) tellHeldTooLong(report, of, step, ms, life);
      if (held === undefined || held.ms < ms) held = { ms, by: step.name };
    }
    if (waitMs === 0) continue;
    waitedMs += waitMs;
    by = step.name;
    if (life === undefined || life.ms > waitedMs) continue;
    const what =
      `${of}: a record waits ${formatDuration(waitedMs)} at least, and ${life.step.name} ` +
      `lets it live ${formatDuration(life.ms)}: all of them expire.`;
    report.warning('CAR247', step.span, what, `Give ${life.step.name} a longer max_age or ttl.`);
  }
}

/** A deadline of its own, which nothing reads before results are made that have none. */
function tellUnread(
  report: Report,
  subject: string,
  steps: readonly ResolvedStep[],
  stamps: ResolvedStep,
  anew: ResolvedStep,
): void {
  const between = steps.slice(steps.indexOf(stamps) + 1, steps.indexOf(anew));
  // What holds records may drop those whose deadline is too near.
  if (between.some(({ spec }) => spec.kind === 'timed')) return;
  const { ageMsMax, lifeMs } = stamps.spec.times!(stamps.config);
  if (lifeMs === ageMsMax) return;
  const what = `${subject}, ${stamps.name}: its deadline ends with ${anew.name}, whose results have none.`;
  const mend = `Take its ttl out, and put a gate_staleness with one behind ${anew.name}.`;
  report.warning('CAR246', stamps.span, what, mend);
}

function tellHeldTooLong(
  report: Report,
  of: string,
  { span }: ResolvedStep,
  heldMs: number,
  life: { readonly ms: number; readonly step: ResolvedStep },
): void {
  const { name } = life.step;
  const what =
    `${of}: a record is held for up to ${formatDuration(heldMs)}, and ${name} lets it live ` +
    `${formatDuration(life.ms)}: what would wait for longer expires.`;
  report.warning('CAR247', span, what, `Give ${name} a longer max_age or ttl.`);
}

/** Each device's record of an event is the event's: what makes one of several loses devices. */
function checkFanOuts(report: Report, subject: string, steps: readonly ResolvedStep[]): void {
  const first = steps.findIndex(({ spec }) => spec.kind === 'expand' && spec.joins !== undefined);
  if (first < 0) return;
  for (const { spec, name, span } of steps.slice(first + 1)) {
    if (spec.kind === 'expand' && spec.joins !== undefined) {
      const what = `${subject}, ${name}: its records have a device already, so each is told again and again.`;
      report.error('CAR244', span, what, 'Keep one of the two.');
    }
    if (spec.kind !== 'timed') continue;
    const what =
      `${subject}, ${name}: the records of an event's devices have one identity, ` +
      'so of all devices only one is told.';
    report.warning('CAR247', span, what, `Put it before ${steps[first]!.name}.`);
  }
}

export interface WrittenException {
  readonly source: string;
  readonly constant: unknown;
  readonly as: Priority;
  readonly span: Span;
}

/** The first that holds wins, so what stands behind one that always holds is never asked. */
export function checkExceptions(
  { report, priorities }: Pick<Scope, 'report' | 'priorities'>,
  subject: string,
  as: Priority,
  unless: readonly WrittenException[],
): void {
  const seen = new Set<string>();
  let always = false;
  for (const [i, { source, constant, span, as: other }] of unless.entries()) {
    const why = always
      ? 'one above it holds for every event'
      : seen.has(source)
        ? 'one above it asks the same'
        : constant === false
          ? 'it holds for no event'
          : unless.slice(i).every((later) => later.as === as)
            ? `it gives ${priorities.nameOf(other)}, as the rule does without it`
            : undefined;
    if (why !== undefined) {
      report.warning('CAR246', span, `${subject}, priority: ${why}, so this decides nothing.`);
    } else if (constant === true && i === unless.length - 1) {
      const what = `${subject}, priority: it holds for every event, so none has ${priorities.nameOf(as)}.`;
      report.warning('CAR246', span, what);
    }
    always ||= constant === true;
    seen.add(source);
  }
}
