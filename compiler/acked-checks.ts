/**
 * What `guarantee: acked` needs: a deadline, and an inbox that keeps until then what is told again.
 */
import { formatDuration } from '../core/duration.ts';
import type { SinkPlan, UpstreamPlan } from './plan.ts';
import type { Report } from './report.ts';
import type { Section } from './section.ts';
import type { ResolvedStep } from './steps.ts';
import { stepsOf, type WholeStream } from './streams.ts';

/** Of streams and sinks that are whole. */
export function checkAcked(
  report: Report,
  streams: readonly WholeStream[],
  sinks: readonly SinkPlan[],
  placeOf: (stream: string) => Section | undefined,
): void {
  for (const stream of streams) {
    const { to, name } = stream;
    const section = placeOf(name)?.section('to');
    if (to.kind !== 'lane' || to.acked === undefined || section === undefined) continue;
    const span = section.entry('guarantee')!.keySpan;
    const subject = `stream "${name}"`;
    const isKept = sinks.some(
      ({ spec, lane, transport }) => spec.keeps === true && lane === to.lane && transport === 'all',
    );
    if (!isKept) {
      const what = `${subject}: no inbox keeps all of lane "${to.lane.name}", so what is not acknowledged is gone.`;
      report.error('CAR770', span, what);
    }
    const lives = livesOf(stream, streams);
    const endless = lives.find((life) => 'why' in life);
    if (endless !== undefined) report.error('CAR771', span, `${subject}: ${endless.why}.`);
    const { againAfterMs } = to.acked;
    const ends = lives.flatMap((life) => ('ms' in life ? life.ms : []));
    const longest = Math.max(...ends);
    if (againAfterMs === null || ends.length === 0 || againAfterMs < longest) continue;
    const what = `${subject}: its deadline is ${formatDuration(longest)} after the event, before again_after is over.`;
    report.error('CAR772', section.entry('again_after')!.keySpan, what);
  }
}

/** One for each way on which records come to the end of a stream. */
type Life =
  /** How long after the event the deadline lies. */
  | { readonly ms: number }
  /** There is none; `why`, of a stream. */
  | { readonly why: string };

const UNSTAMPED: Life = { why: 'no step gives it a deadline' };

/** By its steps, and by those of the streams before it. */
function livesOf(stream: WholeStream, all: readonly WholeStream[]): readonly Life[] {
  const { streams } = stream.parts[0]!.from;
  let lives = streams.length === 0 ? [UNSTAMPED] : streams.flatMap((one) => livesBy(one, all));
  for (const step of stepsOf(stream)) {
    const { lifeMs, isAnew } = step.spec.times?.(step.config) ?? {};
    if (isAnew === true) {
      const why = `${step.name} makes its results anew, and no step behind it gives them a deadline`;
      lives = [{ why }];
    }
    if (goesOnAlone(step)) lives = [...lives, ...livesBy(step.joined!.upstream, all)];
    if (lifeMs !== undefined) lives = [{ ms: lifeMs }];
  }
  return lives;
}

function livesBy({ name, useCase }: UpstreamPlan, all: readonly WholeStream[]): readonly Life[] {
  const before = all.find((one) => one.useCase === useCase);
  if (before === undefined) return [];
  return livesOf(before, all).map((life) =>
    life === UNSTAMPED ? { why: `no step gives what comes of stream "${name}" a deadline` } : life,
  );
}

/** Whether records of its other stream go on without one of the stream's own. */
function goesOnAlone({ spec, config, joined }: ResolvedStep): boolean {
  const { gives } = spec;
  return joined !== undefined && gives?.kind === 'paired' && config[gives.type] === 'outer';
}
