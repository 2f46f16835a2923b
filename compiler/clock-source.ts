/**
 * A stream that begins with a clock: `from: { clock: { cron, zone, missed } }`. Its ticks are
 * records of a topic of its own, so that all that follows is as with any event.
 */
import { TimeZone } from '../core/time-zone.ts';
import type { Scope } from './declarations.ts';
import { readerOf } from './field-path.ts';
import { type ClockRule, MISSED } from './plan.ts';
import { didYouMean } from './report.ts';
import { type Schedule, scheduleOf } from './schedule.ts';
import type { Placed, Section } from './section.ts';
import type { ResolvedSource } from './sources.ts';

export const TICK_SCHEMA = 'ClockTick';
const ZONE_DEFAULT = 'UTC';
const ZONE_MEND = 'Write a name of the IANA database, as Europe/Berlin or UTC.';

/** The topic of the ticks of a use case. */
export const ticksOf = (topology: string, useCase: string) => `${topology}.${useCase}.ticks`;

/** `useCase` undefined: its id is broken. Undefined: it was told why there is none. */
export function resolveClock(
  scope: Scope & { readonly topology: string },
  subject: string,
  from: Section,
  useCase: string | undefined,
): ResolvedSource | undefined {
  const place = from.entry('clock')!.keySpan;
  const section = from.only(['clock']).section('clock')?.only(['cron', 'zone', 'missed']);
  if (section === undefined) return undefined;
  const rule = resolveRule(scope, section);
  const shape = scope.schemas.named(subject, { value: TICK_SCHEMA, span: place });
  if (rule === undefined || shape === undefined || useCase === undefined) return undefined;
  const topic = ticksOf(scope.topology, useCase);
  scope.topics.use(subject, { value: topic, span: place }, 'ticks', TICK_SCHEMA);
  return {
    topic,
    streams: [],
    schema: TICK_SCHEMA,
    time: readerOf('value.plannedAt', ['plannedAt']),
    id: readerOf('value.id', ['id']),
    member: null,
    // What the engine has made itself is not doubted, whatever the clock of another machine says.
    maxFutureMs: Number.MAX_SAFE_INTEGER,
    start: { kind: 'latest' },
    fields: new Set(['id', 'plannedAt']),
    shape,
    isGiven: false,
    keyedBy: null,
    clock: rule,
  };
}

function resolveRule(scope: Scope, section: Section): ClockRule | undefined {
  const cron = section.neededText('cron', 'Say when: cron: "0 8 * * *".');
  const zone = section.has('zone') ? zoneOf(scope, section) : ZONE_DEFAULT;
  const missed = section.has('missed') ? section.choice('missed', MISSED) : 'latest';
  const schedule = cron && plannedBy(scope, section.subject, cron, zone ?? ZONE_DEFAULT);
  if (schedule === undefined || zone === undefined || missed === undefined) return undefined;
  return { schedule, missed };
}

function zoneOf({ report }: Scope, section: Section): string | undefined {
  const zone = section.text('zone');
  if (zone === undefined || TimeZone.named(zone.value) !== null) return zone?.value;
  const what = `${section.subject}: zone names the zone "${zone.value}".`;
  const mend = didYouMean(zone.value, Intl.supportedValuesOf('timeZone'), ZONE_MEND);
  report.error('CAR351', zone.span, what, mend);
  return undefined;
}

function plannedBy(
  { report }: Scope,
  subject: string,
  cron: Placed,
  zone: string,
): Schedule | undefined {
  const schedule = scheduleOf(cron.value, zone);
  if (typeof schedule === 'string') {
    const what = `${subject}: "${cron.value}" is no cron expression: ${schedule.replace(/\.$/, '')}.`;
    report.error('CAR360', cron.span, what);
    return undefined;
  }
  // Whatever comes at all comes within the years in which the days of the week come round.
  if (schedule.next(0) !== Number.POSITIVE_INFINITY) return schedule;
  report.error('CAR361', cron.span, `${subject}: "${cron.value}" names no time that ever comes.`);
  return undefined;
}
