/** Streams of a task that go on with what others of it give: no topic lies between them. */
import { partId } from '../../compiler/plan.ts';
import type { Stream } from './stream.ts';
import { StreamsWriter } from './streams-writer.ts';

/** Hands each stream that reads others to the ends of those. */
export function linkStreams(streams: readonly Stream[]): void {
  for (const stream of streams) {
    for (const of of stream.plan.source.streams ?? []) {
      const upstream = streams.find(({ plan }) => partId(plan) === partId(of));
      if (!(upstream?.writer instanceof StreamsWriter)) throw new Error(`${of.name} gives nothing`);
      upstream.writer.add(of.branch, stream, of.mark);
    }
  }
}
