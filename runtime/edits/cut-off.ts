/**
 * Devices that an edit cuts off: a transport by which a stream goes no more, and what no inbox
 * keeps any more for those that are away. How many devices that are is known to nobody; each way
 * that goes is a loss.
 */
import type { Applied, AppliedLane } from './applied.ts';
import type { Loss } from './stakes.ts';

export function cutOff(was: Applied | null, is: Applied): readonly Loss[] {
  return was === null ? [] : [...unreached(was, is), ...unkept(was, is)];
}

function loss(of: string, step: string, what: string, id?: string): Loss {
  const named = id === undefined ? {} : { id };
  return { code: 'CAR818', of, step, changelog: '', count: 0, unit: 'devices', what, ...named };
}

/** A stream that is removed is told as that. What an older version stored names no transports. */
function unreached(was: Applied, is: Applied): readonly Loss[] {
  return is.streams.flatMap(({ id, name }) => {
    // Parts behind a step that changes the key are told with their stream.
    if (id !== rootOf(id)) return [];
    const former = transportsOf(was, id);
    const transports = transportsOf(is, id);
    const lost = former?.filter((one) => transports?.includes(one) !== true) ?? [];
    if (lost.length === 0) return [];
    const what = `stream "${name}": it goes by ${lost.join(', ')} no more, and devices that have no other way are told nothing.`;
    return [loss(name, 'to', what, id)];
  });
}

function unkept(was: Applied, is: Applied): readonly Loss[] {
  const still = waysOf(is.lanes.filter(({ keeps }) => keeps));
  const told = waysOf(is.lanes.filter(({ keeps }) => !keeps));
  const losses = new Map<string, Loss>();
  for (const { sink, lane, transports = [] } of was.lanes.filter(({ keeps }) => keeps)) {
    const lost = transports.filter((one) => {
      const way = `${lane} ${one}`;
      return told.has(way) && !still.has(way);
    });
    if (lost.length === 0) continue;
    const what = `sink "${sink}": what goes by ${lost.join(', ')} is kept no more, and devices that are away find none of it.`;
    losses.set(what, loss(sink, 'from', what));
  }
  return [...losses.values()];
}

const waysOf = (lanes: readonly AppliedLane[]): ReadonlySet<string> =>
  new Set(lanes.flatMap(({ lane, transports = [] }) => transports.map((one) => `${lane} ${one}`)));

const rootOf = (id: string) => id.split('/')[0]!;

/** Of all parts of a stream; undefined: none of them names any. */
function transportsOf({ streams }: Applied, id: string): readonly string[] | undefined {
  const own = streams.flatMap((one) => (rootOf(one.id) === id ? [one.transports] : []));
  return own.every((one) => one === undefined) ? undefined : own.flatMap((one) => one ?? []);
}
