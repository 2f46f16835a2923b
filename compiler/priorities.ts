/**
 * The priorities of a topology: names, most urgent first, how much of a process's time each gets,
 * and which of them wake a sleeping device.
 */
import {
  isUrgentAt,
  PRIORITIES_MAX,
  PRIORITY_NAME,
  Priorities,
  type PriorityLevel,
  RENO_PRIORITIES,
  weightAt,
} from '../core/priority.ts';
import type { Scope } from './declarations.ts';
import { readCount } from './quantity.ts';
import { listed, type Report } from './report.ts';
import type { Section } from './section.ts';
import { prioritiesOf } from './stream-checks.ts';
import type { ResolvedStream } from './streams.ts';

const WEIGHT_MAX = 1_000;
/** Names of roles and groups stand where a priority does. */
const TAKEN: readonly string[] = [
  'all',
  'applied',
  'devices',
  'gateway',
  'ingest',
  'sink',
  'streams',
];

/** RENO's where there are none. Broken ones are told, and stand, so that who names them is not. */
export function resolvePriorities(report: Report, topology: Section): Priorities {
  const section = topology.section('priorities');
  if (section === undefined) return RENO_PRIORITIES;
  const entries = [...section.entries];
  if (entries.length < 1 || entries.length > PRIORITIES_MAX) {
    const what = `priorities: there are ${entries.length}, and a topology has 1 to ${PRIORITIES_MAX}.`;
    report.error('CAR352', section.span, what);
  }
  const levels = entries.map(({ key, keySpan, value }, i): PriorityLevel => {
    if (!PRIORITY_NAME.test(key)) {
      const what = `priorities: "${key}" is not a name of a priority: one word of a-z and 0-9.`;
      const like = key
        .toLowerCase()
        .replace(/[^a-z0-9]/g, '')
        .replace(/^[0-9]+/, '')
        .slice(0, 32);
      report.error('CAR353', keySpan, what, like === '' ? undefined : `write ${like}.`);
    } else if (TAKEN.includes(key)) {
      const what = `priorities: "${key}" is a word of roles and groups.`;
      report.error('CAR353', keySpan, what, 'Give it another name.');
    }
    const written =
      value.kind === 'scalar' && value.value === null ? undefined : section.section(key);
    return { name: key, ...levelOf(report, written, i, entries.length) };
  });
  return levels.length === 0 ? RENO_PRIORITIES : new Priorities(levels);
}

function levelOf(
  report: Report,
  written: Section | undefined,
  at: number,
  count: number,
): Omit<PriorityLevel, 'name'> {
  const section = written?.only(['weight', 'urgent']);
  const scalar = section?.scalar('weight');
  const weight =
    scalar === undefined
      ? undefined
      : readCount(report, `${section!.subject}: weight`, scalar, { min: 1, max: WEIGHT_MAX });
  const urgent = section?.flag('urgent') ?? isUrgentAt(at, count);
  return { weight: weight ?? weightAt(at, count), urgent };
}

/** Those that are written, and no stream gives: they are empty lanes, or one was forgotten. */
export function checkPrioritiesUsed(
  { report, priorities }: Scope,
  topology: Section,
  streams: readonly ResolvedStream[],
): void {
  const given = new Set(
    streams.flatMap(({ priority }) => (priority === null ? [] : prioritiesOf(priority))),
  );
  if (report.hasErrors) return;
  for (const { key, keySpan } of topology.section('priorities')?.entries ?? []) {
    const number = priorities.find(key);
    if (number === undefined || given.has(number)) continue;
    const what = `priority "${key}": no stream gives it.`;
    const names = [...given].sort().map((one) => priorities.nameOf(one));
    report.warning(
      'CAR246',
      keySpan,
      what,
      names.length === 0 ? undefined : `Given: ${listed(names)}.`,
    );
  }
}
