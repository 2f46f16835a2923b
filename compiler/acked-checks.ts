/**
 * What `guarantee: acked` needs: a deadline, and an inbox that keeps until then what is told again.
 */
import { formatDuration } from '../core/duration.ts';
import type { SinkPlan } from './plan.ts';
import type { Report } from './report.ts';
import type { Section } from './section.ts';
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
    const lives = lifesOf(stream, streams);
    if (lives.length === 0) {
      report.error('CAR771', span, `${subject}: no step gives it a deadline.`);
    }
    const { againAfterMs } = to.acked;
    const longest = Math.max(...lives);
    if (againAfterMs === null || lives.length === 0 || againAfterMs < longest) continue;
    const what = `${subject}: its deadline is ${formatDuration(longest)} after the event, before again_after is over.`;
    report.error('CAR772', section.entry('again_after')!.keySpan, what);
  }
}

/** How long after the event the deadlines lie that its steps stamp, and those of streams before. */
function lifesOf(stream: WholeStream, all: readonly WholeStream[]): number[] {
  const own = stepsOf(stream).flatMap(({ spec, config }) => spec.times?.(config).lifeMs ?? []);
  const before = all.filter(({ useCase }) =>
    stream.parts[0]!.from.streams.some((of) => of.useCase === useCase),
  );
  return [...own, ...before.flatMap((one) => lifesOf(one, all))];
}
