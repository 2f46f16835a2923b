/**
 * The queries of NEXMark that are run, as topologies of ours, and how their answers are compared.
 */
import { readFileSync } from 'node:fs';
import { compile } from '../../compiler/compile.ts';
import type { Plan } from '../../compiler/plan.ts';
import { sinks } from '../../connectors/index.ts';
import { steps } from '../../processors/index.ts';
import { readSchemaFolder, type SchemaFolder } from '../../schemas/folder.ts';
import type { EventKind } from './events.ts';

export interface Query {
  /** `q5`. */
  readonly name: string;
  readonly reads: readonly EventKind[];
  /** Schema of what it tells; the topic is `nexmark.<name>`. */
  readonly tells: string;
  /**
   * `in_order`: the same records one after the other. `each`: the same records, in any order.
   * `last`: the same last record of each key, where one answer takes the place of another.
   */
  readonly compared: 'in_order' | 'each' | 'last';
}

export const QUERIES: readonly Query[] = [
  { name: 'q0', reads: ['bid'], tells: 'Bid', compared: 'in_order' },
  { name: 'q1', reads: ['bid'], tells: 'BidInEuro', compared: 'in_order' },
  { name: 'q2', reads: ['bid'], tells: 'AuctionPrice', compared: 'in_order' },
  { name: 'q5', reads: ['bid'], tells: 'HotItem', compared: 'last' },
  { name: 'q7', reads: ['bid'], tells: 'HighestBid', compared: 'each' },
  { name: 'q8', reads: ['person', 'auction'], tells: 'NewSeller', compared: 'each' },
  { name: 'q11', reads: ['bid'], tells: 'BidderSession', compared: 'each' },
  { name: 'q18', reads: ['bid'], tells: 'Bid', compared: 'in_order' },
];

type Named = Pick<Query, 'name'>;

export const inputTopic = (kind: EventKind): string => `nexmark.${kind}`;
export const outputTopic = ({ name }: Named): string => `nexmark.${name}`;
const topologyFile = ({ name }: Named): string =>
  new URL(`./topology/${name}.yaml`, import.meta.url).pathname;

export function nexmarkSchemas(): SchemaFolder {
  return readSchemaFolder(new URL('./schemas', import.meta.url).pathname);
}

/** Throws with the errors of a topology that does not compile. */
export function planOf(query: Named): Plan {
  const file = topologyFile(query);
  const text = readFileSync(file, 'utf8');
  const catalog = { steps, sinks };
  const { plan, diagnostics } = compile(text, {
    file,
    catalog,
    schemas: nexmarkSchemas(),
    env: {},
  });
  if (plan !== undefined) return plan;
  const lines = diagnostics.map(({ code, what }) => `  ${code} ${what}`);
  throw new Error(`${file} does not compile:\n${lines.join('\n')}`);
}
