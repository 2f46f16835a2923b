/** Streams of a task that go on with what others of it give: no topic lies between them. */
import { partId, type UpstreamPlan } from '../../compiler/plan.ts';
import { OtherStream } from './other-stream.ts';
import type { Stream } from './stream.ts';
import { type StreamReader, StreamsWriter } from './streams-writer.ts';

/** Hands each stream that reads others, and each step that does, to the ends of those. */
export function linkStreams(streams: readonly Stream[]): void {
  const link = (of: UpstreamPlan, reader: StreamReader) => {
    const upstream = streams.find(({ plan }) => partId(plan) === partId(of));
    if (!(upstream?.writer instanceof StreamsWriter)) throw new Error(`${of.name} gives nothing`);
    upstream.writer.add(of.branch, reader, of.mark);
  };
  for (const stream of streams) {
    const { source, steps } = stream.plan;
    for (const of of source.streams ?? []) link(of, stream);
    for (const [i, { other }] of steps.entries()) {
      if (other !== undefined) link(other, new OtherStream(stream.steps.others.get(i)!));
    }
  }
}
