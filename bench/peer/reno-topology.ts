/** What the harness must know of topology/reno.yaml, read from the file itself. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const FILE = new URL('../../topology/reno.yaml', import.meta.url);
const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;
const TRANSPORTS = ['websocket', 'fcm', 'apns', 'inbox'] as const;

/** The event topics' use case, by its id. */
export interface UseCase {
  readonly id: string;
  readonly topic: string;
  readonly schema: string;
  /** The field of the event's time. */
  readonly timeField: string;
  readonly coalesces: boolean;
}

export interface RenoTopology {
  /** As the file has it, or without its coalesce steps. */
  readonly text: string;
  readonly useCases: ReadonlyMap<string, UseCase>;
  /** The event topics that each consumer group of Carillon's streams reads. */
  readonly groups: readonly { readonly group: string; readonly topics: readonly string[] }[];
  readonly lanes: readonly string[];
}

interface StreamText {
  readonly id: string;
  readonly priority: { readonly as: string; readonly unless?: readonly { readonly as: string }[] };
  readonly from: { readonly topic: string; readonly schema: string; readonly time: string };
  readonly steps: readonly object[];
}

export function readRenoTopology(withoutCoalesce: boolean): RenoTopology {
  const shipped = readFileSync(FILE, 'utf8');
  const text = withoutCoalesce ? shipped.replaceAll(/^ *- coalesce:.*\n/gm, '') : shipped;
  const { topology, streams } = parse(text) as {
    topology: string;
    streams: { [name: string]: StreamText };
  };
  const all = Object.values(streams);
  const useCases = new Map(all.map((stream) => [stream.id, useCaseOf(stream)]));
  if (withoutCoalesce && all.some((stream) => useCaseOf(stream).coalesces)) {
    throw new Error('a coalesce step of topology/reno.yaml is not on a line of its own');
  }
  const groups = PRIORITIES.map((priority) => ({
    group: `${topology}.streams.${priority}`,
    topics: all
      .filter(({ priority: { as, unless = [] } }) =>
        [as, ...unless.map((one) => one.as)].includes(priority),
      )
      .map(({ from }) => from.topic),
  }));
  const lanes = PRIORITIES.flatMap((priority) =>
    TRANSPORTS.map((transport) => `notifications.${priority}.${transport}`),
  );
  return { text, useCases, groups, lanes };
}

function useCaseOf({ id, from, steps }: StreamText): UseCase {
  return {
    id,
    topic: from.topic,
    schema: from.schema,
    timeField: from.time.replace(/^value\./, ''),
    coalesces: steps.some((step) => 'coalesce' in step),
  };
}
