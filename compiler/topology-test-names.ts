/** The names that a test file uses, against the plan of its topology. */
import { nodeName, type Plan, type StepPlan } from './plan.ts';
import { didYouMean, listed, type Report, type Span } from './report.ts';
import type { Section } from './section.ts';
import type { TopologyTest } from './topology-test.ts';

/** What the engine itself drops, by the names of its own nodes. */
const SOURCE_DROPS = ['other_priority'];
const BRANCH_DROPS = ['no_branch'];
const LANE_DROPS = ['no_transport', 'moved'];
/** Of the nodes of a derived table, by its part. */
const DERIVING_DROPS = {
  pair: { join: ['no_match', 'no_row'] },
  left: {
    ask: ['no_match', 'no_row', 'null_key'],
    join: ['no_match', 'no_row', 'null_key', 'overtaken'],
  },
  right: { answer: ['no_match', 'no_row'] },
} as const;

export function checkNames(report: Report, file: Section, test: TopologyTest, plan: Plan): void {
  const { topology } = test;
  if (topology !== plan.topology) {
    const span = file.tree('topology')!.span;
    const what = `test file: topology "${topology}" is not the one beside it.`;
    report.error(
      'CAR222',
      span,
      what,
      didYouMean(topology, [plan.topology], `It is "${plan.topology}".`),
    );
  }
  const streams = namesOfStreams(plan);
  const sinks = plan.sinks.map(({ name }) => name);
  const drops = dropsOf(plan);
  const check = (line: Section, key: string, what: string, known: readonly string[]): boolean => {
    const text = line.text(key);
    if (text === undefined || known.includes(text.value)) return true;
    unknown(report, text.span, `${line.subject}: ${what} "${text.value}"`, text.value, known);
    return false;
  };
  for (const lines of eachTest(file)) {
    for (const line of lines.feed) check(line, 'stream', 'stream', streams);
    for (const line of lines.expect) {
      check(line, 'sink', 'sink', sinks);
      check(line, 'priority', 'priority', plan.priorities.names);
    }
    for (const line of lines.dropped) {
      if (!check(line, 'step', 'step', [...drops.keys()])) continue;
      const step = line.text('step');
      if (step !== undefined) check(line, 'reason', 'reason', drops.get(step.value) ?? []);
    }
  }
}

function unknown(
  report: Report,
  span: Span,
  what: string,
  written: string,
  known: readonly string[],
): void {
  const mend = didYouMean(written, known, `Known: ${listed(known)}.`);
  report.error('CAR222', span, `${what} is not in the topology.`, mend);
}

function namesOfStreams(plan: Plan): string[] {
  const names = plan.subTopologies
    .filter(({ role }) => !role.startsWith('devices/'))
    .flatMap(({ streams }) => streams.map(({ name }) => name));
  return [...new Set(names)];
}

/** Reasons by `stream/step` and `sink/step`. */
function dropsOf(plan: Plan): Map<string, readonly string[]> {
  const drops = new Map<string, readonly string[]>();
  const add = (owner: string, steps: readonly StepPlan[]) => {
    for (const { name, spec } of steps)
      drops.set(`${owner}/${name}`, Object.keys(spec.drops ?? {}));
  };
  for (const { role, streams, deriving } of plan.subTopologies) {
    if (deriving !== undefined) {
      const ofPart = Object.entries(DERIVING_DROPS[deriving.part]);
      for (const [step, reasons] of ofPart) drops.set(`${role}/${step}`, reasons);
    }
    for (const { name, part, steps } of streams) {
      drops.set(`${name}/${nodeName(part, 'source')}`, SOURCE_DROPS);
      drops.set(`${name}/lane`, LANE_DROPS);
      drops.set(`${name}/branch`, BRANCH_DROPS);
      add(name, steps);
    }
  }
  for (const { name, steps } of plan.sinks) add(name, steps);
  return drops;
}

function* eachTest(file: Section) {
  const count = file.list('tests')?.items.length ?? 0;
  for (let i = 0; i < count; i++) {
    const test = file.item('tests', i);
    if (test === undefined) continue;
    const lines = (key: string) =>
      (test.list(key)?.items ?? []).flatMap(
        (_, n) => test.item(key, n)?.as(`${key} ${n + 1}`) ?? [],
      );
    yield { feed: lines('feed'), expect: lines('expect'), dropped: lines('dropped') };
  }
}
