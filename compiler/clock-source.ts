/**
 * A stream that begins with a clock: `from: { clock: { cron, zone, missed } }`. Its ticks are
 * records of a topic of its own, so that all that follows is as with any event.
 */
import { TimeZone } from '../core/time-zone.ts';
import { cronOf } from './cron-of.ts';
import type { Scope } from './declarations.ts';
import { readerOf } from './field-path.ts';
import { type ClockRule, MISSED } from './plan.ts';
import { didYouMean } from './report.ts';
import { type Schedule, scheduleOf } from './schedule.ts';
import { isTold, type Placed, type Section } from './section.ts';
import type { ResolvedSource } from './sources.ts';
import type { ScalarTree, Tree } from './tree.ts';

export const TICK_SCHEMA = 'ClockTick';
const KEYS = ['cron', 'zone', 'missed'];
/** What others call a period. */
const EVERY = ['every', 'interval', 'period', 'fixed_rate', 'rate', 'schedule', 'at'];
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
  const { report } = scope;
  const written = from.only(['clock']).tree('clock');
  if (isPeriod(written)) {
    const what = `${from.subject}: clock is a text, not a mapping.`;
    report.error('CAR103', written.span, what, cronMend(written));
    return undefined;
  }
  const section = from.section('clock');
  const every = section && EVERY.map((key) => section.entry(key)).find((one) => one !== undefined);
  if (every !== undefined && !section?.has('cron')) {
    const what = `${section?.subject}: key "${every.key}" is not known here.`;
    report.error('CAR104', every.keySpan, what, cronMend(every.value));
    return undefined;
  }
  section?.only(KEYS);
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

/** A text in the place of the mapping. */
function isPeriod(tree: Tree | undefined): tree is ScalarTree {
  return tree?.kind === 'scalar' && typeof tree.value === 'string' && !isTold(tree);
}

/** A cron expression, or a period that is one: as it is written here. */
function cronMend(tree: Tree): string {
  const text = tree.kind === 'scalar' && !tree.expanded ? String(tree.value) : '';
  const cron = typeof scheduleOf(text, ZONE_DEFAULT) === 'string' ? cronOf(text) : text;
  if (cron !== undefined) return `Write clock: { cron: "${cron}" }.`;
  return 'Say when, as minute, hour, day of month, month and day of week: clock: { cron: "0 8 * * *" }.';
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
    const every = cronOf(cron.value);
    report.error('CAR360', cron.span, what, every && `Write cron: "${every}".`);
    return undefined;
  }
  // Whatever comes at all comes within the years in which the days of the week come round.
  if (schedule.next(0) !== Number.POSITIVE_INFINITY) return schedule;
  report.error('CAR361', cron.span, `${subject}: "${cron.value}" names no time that ever comes.`);
  return undefined;
}
