/** From totals that only grow to what happens in a second, and how the picture names them. */
import type { Counts, FlowAnswer, LaneCounts, StepCounts } from './answers.ts';

/** Rates are over so many answers, or they would jump with every burst. */
const ANSWERS_MAX = 6;

/** The last answers of a process. */
export class FlowHistory {
  #answers: FlowAnswer[] = [];

  /** A process that was started anew counts from nothing: what was before is forgotten. */
  add(answer: FlowAnswer): void {
    const last = this.#answers.at(-1);
    if (last !== undefined && startedAnew(last, answer)) this.#answers = [];
    this.#answers.push(answer);
    if (this.#answers.length > ANSWERS_MAX) this.#answers.shift();
  }

  get last(): FlowAnswer | undefined {
    return this.#answers.at(-1);
  }

  /** Per second, of a number that is read from each answer; 0 until there are two. */
  rate(read: (answer: FlowAnswer) => number): number {
    const [first, last] = [this.#answers[0], this.#answers.at(-1)];
    if (first === undefined || last === undefined || last.at <= first.at) return 0;
    return Math.max(0, ((read(last) - read(first)) * 1_000) / (last.at - first.at));
  }
}

/** Threads come and go, but what all have read together never gets less. */
function startedAnew(before: FlowAnswer, after: FlowAnswer): boolean {
  const total = ({ steps }: FlowAnswer) => steps.reduce((sum, step) => sum + step.in, 0);
  return after.at < before.at || total(after) < total(before);
}

export const sumOf = (counts: Counts): number =>
  Object.values(counts).reduce((sum, n) => sum + n, 0);

/** Records of another priority of the same topic: passed by, and told there. */
const PASSED_BY = 'other_priority';

/** What a step was given for this priority. */
export const givenTo = (step: StepCounts): number => step.in - (step.dropped[PASSED_BY] ?? 0);

export const SOURCE = 'source';

/** Events that were read for any use case; the engine's own folds of devices are none. */
export function eventsIn({ steps, lanes }: FlowAnswer): number {
  const sinks = new Set(lanes.map(({ sink }) => sink));
  return steps
    .filter(({ stream, step }) => step === SOURCE && !sinks.has(stream) && !isDevices(stream))
    .reduce((sum, step) => sum + givenTo(step), 0);
}

const isDevices = (stream: string) => stream.startsWith('devices-');

export const toldBy = ({ outcomes }: LaneCounts): number => outcomes.delivered ?? 0;

/** What a place of the picture shows: a text, empty while there is nothing to say. */
export type Shown = (key: string) => string;

/** `rate` and `count` set numbers as people read them. */
export function shownBy(
  history: FlowHistory,
  words: { readonly rate: (n: number) => string; readonly count: (n: number) => string },
): Shown {
  const perSecond = (read: (answer: FlowAnswer) => number) => {
    const rate = history.rate(read);
    return rate === 0 ? '' : `${words.rate(rate)}/s`;
  };
  return (key) => {
    const [what, ...of] = key.split('|');
    const { last } = history;
    if (last === undefined) return '';
    if (what === 'lag') {
      const groups = (of[0] ?? '').split(',');
      const mine = last.lags.filter(({ group }) => groups.includes(group));
      const lag = mine.reduce((sum, one) => sum + one.lag, 0);
      return lag === 0 ? '' : `${words.count(lag)} behind`;
    }
    if (what === 'told') return perSecond((answer) => sum(lanesOf(answer, of), toldBy));
    if (what === 'wait') {
      const waiting = sum(lanesOf(last, of), (lane) => lane.waiting + lane.inFlight);
      return waiting === 0 ? '' : `${words.count(waiting)} wait`;
    }
    if (what === 'in') return perSecond((answer) => sum(stepsOf(answer, of), givenTo));
    if (what === 'held') {
      const held = sum(stepsOf(last, of), (step) => step.held);
      return held === 0 ? '' : `${words.count(held)} held`;
    }
    const reason = of[3] ?? '';
    return perSecond((answer) => sum(stepsOf(answer, of), (step) => step.dropped[reason] ?? 0));
  };
}

type Of = readonly (string | undefined)[];

function stepsOf({ steps }: FlowAnswer, [priority, stream, step]: Of): StepCounts[] {
  return steps.filter(
    (one) => (one.priority ?? '') === priority && one.stream === stream && one.step === step,
  );
}

function lanesOf({ lanes }: FlowAnswer, [priority, sink]: Of): LaneCounts[] {
  return lanes.filter((one) => one.priority === priority && one.sink === sink);
}

function sum<T>(list: readonly T[], read: (one: T) => number): number {
  return list.reduce((total, one) => total + read(one), 0);
}

/** The bound of the bucket in which a quantile lies; undefined: nothing was told yet. */
export function ageAt(
  lanes: readonly LaneCounts[],
  boundsMs: readonly number[],
  quantile: number,
): number | undefined {
  const total = sum(lanes, (lane) => lane.ageCount);
  if (total === 0) return undefined;
  let rest = total * quantile;
  for (const [n, bound] of boundsMs.entries()) {
    rest -= sum(lanes, (lane) => lane.ageBuckets[n] ?? 0);
    if (rest <= 0) return bound;
  }
  return Number.POSITIVE_INFINITY;
}
