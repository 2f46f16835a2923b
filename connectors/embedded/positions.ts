/** Where the groups of the file stand: to look at, and to be moved by edits of a topology. */
import { CarillonError } from '../../core/error.ts';
import type { GroupPosition, LogPositions, PositionReader } from '../../core/log.ts';
import type { Offsets } from './offsets.ts';
import type { Topics } from './topics.ts';

/** A topic that is not there has no positions and no bounds. */
export function positionReader(topics: Topics, offsets: Offsets): PositionReader {
  const partitionsOf = (topic: string) => {
    return topics.spec(topic) === undefined ? [] : topics.partitionsOf(topic);
  };
  return {
    committed: async (group, names) =>
      names.flatMap((topic) =>
        partitionsOf(topic).map(({ slot, partition }) => {
          const { offset = -1, metadata = '' } = offsets.get(group, slot) ?? {};
          return { topic, partition, offset, metadata };
        }),
      ),
    bounds: async (topic) =>
      topics.spec(topic) === undefined
        ? undefined
        : topics.partitionsOf(topic).map(({ startOffset, committedOffset }) => ({
            start: startOffset,
            end: committedOffset,
          })),
    topics: async () => [...new Set(topics.all.map(({ spec }) => spec.name))],
    offsetsAt: async (topic, timeMs) =>
      partitionsOf(topic).map((partition) => partition.offsetAtTime(timeMs)),
  };
}

/** What positions need of their log. */
export interface PositionsLog {
  isOpen(group: string): boolean;
  /** In the open transaction. */
  set(group: string, positions: readonly GroupPosition[]): void;
  committed(): Promise<void>;
}

export function embeddedPositions(reader: PositionReader, log: PositionsLog): LogPositions {
  return {
    ...reader,
    members: async (group) => (log.isOpen(group) ? 1 : 0),
    set: async (group, positions) => {
      if (log.isOpen(group)) {
        const what = `Group ${group} is open: its positions are its own.`;
        throw new CarillonError('CAR653', what, { where: { at: group } });
      }
      log.set(group, positions);
      await log.committed();
    },
    // The file has one process at a time.
    alone: (_topic, _isDone, body) => body(() => {}),
  };
}
