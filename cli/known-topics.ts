/** The topics of a deployment's topology: names, patterns of names, and what their values are. */
import { type Shape, shapeOf } from '../compiler/shape.ts';
import { CarillonError } from '../core/error.ts';
import { nearest } from '../core/nearest.ts';
import { type SchemaFolder, schemaFolderOf } from '../schemas/folder.ts';
import type { LoadedTopology } from './load-topology.ts';
import { useCaseNames } from './use-case-names.ts';

export interface KnownTopics {
  readonly names: readonly string[];
  shapeOf(topic: string): Shape;
  /** True: a table, of which one wants the present rows and not their history. */
  isTable(topic: string): boolean;
  /** The name of a use case, by its id. */
  useCaseOf(id: string): string | undefined;
  /** Those that feed the topology's streams, and the tables that they look into. */
  readonly inputs: readonly string[];
}

/**
 * A topology with errors still has topics to look into; then expressions are only not type-checked.
 */
export async function knownTopics(load: () => Promise<LoadedTopology>): Promise<KnownTopics> {
  try {
    return topicsOf(await load());
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return known([], schemaFolderOf(new Map()), new Map(), []);
  }
}

export function topicsOf({ plan, schemas }: LoadedTopology): KnownTopics {
  const inputs = new Set<string>();
  for (const sub of plan.subTopologies.filter(({ role }) => role.startsWith('streams'))) {
    for (const { source } of sub.streams) {
      // What the engine itself makes on the way feeds nothing.
      if (source.keyedBy === undefined && source.topic !== null) inputs.add(source.topic);
    }
  }
  for (const { topic } of plan.tables) inputs.add(topic);
  for (const { table } of plan.derived) inputs.delete(table.topic);
  return known(plan.topics, schemas, useCaseNames(plan), [...inputs]);
}

function known(
  topics: readonly { name: string; use: string; schema?: string }[],
  schemas: SchemaFolder,
  useCases: ReadonlyMap<string, string>,
  inputs: readonly string[],
): KnownTopics {
  return {
    names: topics.map(({ name }) => name),
    shapeOf(topic) {
      const schema = topics.find(({ name }) => name === topic)?.schema;
      const record = schema === undefined ? undefined : schemas.get(schema);
      return record === undefined ? { kind: 'any' } : shapeOf(record);
    },
    isTable: (topic) => topics.some(({ name, use }) => name === topic && use === 'table'),
    useCaseOf: (id) => useCases.get(id),
    inputs,
  };
}

/**
 * The topics that are meant: each as it is written, and those that a pattern (`events.*`) matches,
 * once each. Throws CAR605 for a pattern that matches none.
 */
export function topicsMeant(written: readonly string[], names: readonly string[]): string[] {
  const meant = new Set<string>();
  for (const text of written) {
    if (!text.includes('*')) {
      meant.add(text);
      continue;
    }
    const parts = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const pattern = new RegExp(`^${parts.join('.*')}$`);
    const matched = names.filter((name) => pattern.test(name));
    if (matched.length === 0) throw noSuchTopic(text, names);
    for (const name of matched) meant.add(name);
  }
  return [...meant];
}

/** CAR605, with the name that was probably meant. */
export function noSuchTopic(topic: string, known: readonly string[]): CarillonError {
  const near = nearest(topic, known);
  const what = topic.includes('*') ? 'there is no topic that fits' : 'there is no topic';
  return new CarillonError('CAR605', `${what} "${topic}".`, {
    where: { at: topic },
    mend: near === undefined ? 'see all: carillon topics plan' : `did you mean "${near}"?`,
  });
}
