/**
 * A plan as Kafka Streams prints a topology (`TopologyDescription#toString`): sources, processors
 * with their stores, and sinks, by sub-topology, each with what it gives to (`-->`) and gets from
 * (`<--`).
 */
import {
  type ClockPlan,
  type DerivingPlan,
  type LanePlan,
  nodeName,
  type Plan,
  partId,
  partName,
  type SinkPlan,
  type StepPlan,
  type StreamPlan,
  type StreamsTarget,
  type SubTopologyPlan,
  type UpstreamPlan,
  upstreamsOf,
} from './plan.ts';

interface Node {
  readonly kind: 'Source' | 'Processor' | 'Sink';
  readonly name: string;
  /** `topics: [events.plan-change]`. */
  readonly about: string;
  readonly to: string[];
  readonly from: string[];
}

class Graph {
  readonly #nodes = new Map<string, Node>();

  /** The node of that name; the first call says what it is. */
  node(kind: Node['kind'], name: string, about: string): Node {
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = { kind, name, about, to: [], from: [] };
      this.#nodes.set(name, node);
    }
    return node;
  }

  link(from: Node, to: Node): void {
    if (!from.to.includes(to.name)) from.to.push(to.name);
    if (!to.from.includes(from.name)) to.from.push(from.name);
  }

  print(): string {
    return [...this.#nodes.values()].map(printNode).join('');
  }
}

function printNode({ kind, name, about, to, from }: Node): string {
  const names = (of: readonly string[]) => (of.length === 0 ? 'none' : of.join(', '));
  const onward = kind === 'Sink' ? '' : `      --> ${names(to)}\n`;
  const back = kind === 'Source' ? '' : `      <-- ${names(from)}\n`;
  return `    ${kind}: ${name} (${about})\n${onward}${back}`;
}

/** Sub-topologies in the order of the plan, then one for each sink. Ends with a newline. */
export function describe(plan: Plan): string {
  const parts = [
    ...plan.subTopologies.map((sub) => ({
      title: `${sub.role} (group: ${sub.group})`,
      nodes: subTopology(sub),
    })),
    ...plan.sinks.map((sink) => ({
      title: `sink/${sink.name} (groups: ${plan.topology}.sink.${sink.name}.<priority>)`,
      nodes: sinkTopology(sink),
    })),
  ];
  const printed = parts.map(
    ({ title, nodes }, i) => `   Sub-topology: ${i} for ${title}\n${nodes}`,
  );
  return `Topologies:\n${printed.join('\n')}`;
}

function subTopology(sub: SubTopologyPlan): string {
  const graph = new Graph();
  if (sub.deriving !== undefined) describeDeriving(graph, sub, sub.deriving);
  if (sub.clock !== undefined) describeClock(graph, sub.clock);
  const lasts = sub.streams.map((stream) => describeSteps(graph, sub, stream));
  // The lane writer is the streams' common end, so it stands after all of them.
  for (const [i, stream] of sub.streams.entries()) describeTarget(graph, sub, stream, lasts[i]!);
  for (const stream of sub.streams) linkUpstreams(graph, sub, stream);
  return graph.print();
}

/** Its halves meet over the topics between them. */
function describeDeriving(
  graph: Graph,
  sub: SubTopologyPlan,
  { derived, part, asks, answers, asked }: DerivingPlan,
): void {
  const { name, topic } = derived.table;
  const inputs = sub.tableInputs.map((of) => tableInput(graph, of.name, of.topic, of.store));
  const hop = part === 'left' ? answers : asks;
  const node = (of: string, store: string | null) =>
    graph.node('Processor', `${name}/${of}`, storesOf(store));
  const work = node(part === 'pair' ? 'join' : part === 'left' ? 'ask' : 'answer', asked || null);
  for (const input of inputs) graph.link(input, work);
  if (part === 'left') {
    graph.link(work, graph.node('Sink', `${name}/asks`, `topic: ${asks}`));
  }
  const last = part === 'left' ? node('join', null) : work;
  if (hop !== '') {
    graph.link(graph.node('Source', `${name}/${part}/source`, `topics: [${hop}]`), last);
  }
  const to = part === 'right' ? answers : topic;
  graph.link(last, graph.node('Sink', `${name}/to:${to}`, `topic: ${to}`));
}

/** It reads what it has told, to know it. */
function describeClock(graph: Graph, { stream, topic, schedule, missed }: ClockPlan): void {
  const source = graph.node('Source', `${stream}/ticks`, `topics: [${topic}]`);
  const about = `cron: ${schedule.cron}, zone: ${schedule.zone}, missed: ${missed}`;
  const clock = graph.node('Processor', `${stream}/clock`, about);
  graph.link(source, clock);
  graph.link(clock, graph.node('Sink', `${stream}/clock:to`, `topic: ${topic}`));
}

/** The last node of the stream's steps. */
function describeSteps(graph: Graph, sub: SubTopologyPlan, stream: StreamPlan): Node {
  const { name, part, source, steps } = stream;
  const first = `${name}/${nodeName(part, 'source')}`;
  let last =
    source.topic === null
      ? graph.node('Processor', first, storesOf(null))
      : graph.node('Source', first, `topics: [${source.topic}]`);
  for (const step of steps) {
    const node = graph.node('Processor', `${name}/${step.name}`, storesOf(step.store));
    for (const table of sub.tables.filter((of) => readsTable(step, of.name))) {
      const from = graph.node('Source', `tables/${table.name}`, `topics: [${table.topic}]`);
      graph.link(from, node);
    }
    for (const { name: table, topic } of sub.wholeTables.filter((of) =>
      readsTable(step, of.name),
    )) {
      const from = graph.node('Source', `tables/${table}`, `topics: [${topic}], whole`);
      graph.link(from, node);
    }
    for (const { name: table, topic, store } of sub.tableInputs) {
      if (readsTable(step, table)) graph.link(tableInput(graph, table, topic, store), node);
    }
    graph.link(last, node);
    last = node;
  }
  return last;
}

/** A stream that others go on with ends in a node of its own, with an edge for each of them. */
function linkUpstreams(graph: Graph, sub: SubTopologyPlan, stream: StreamPlan): void {
  const { name, part, source, steps } = stream;
  const link = (of: UpstreamPlan, to: string) => {
    const upstream = sub.streams.find((one) => partId(one) === partId(of))!;
    const end = endName(of.name, upstream.to as StreamsTarget);
    const node = (name: string) => graph.node('Processor', name, storesOf(null));
    graph.link(node(end), node(to));
  };
  for (const of of source.streams ?? []) link(of, `${name}/${nodeName(part, 'source')}`);
  for (const { name: step, other } of steps)
    if (other !== undefined) link(other, `${name}/${step}`);
}

const endName = (stream: string, { branches }: StreamsTarget) =>
  `${stream}/${branches[0]!.name === '' ? 'to' : 'branch'}`;

/** As Kafka Streams shows a table: the source, and the processor that keeps its rows. */
function tableInput(graph: Graph, name: string, topic: string, store: string): Node {
  const from = graph.node('Source', `tables/${name}/source`, `topics: [${topic}]`);
  const table = graph.node('Processor', `tables/${name}`, storesOf(store));
  graph.link(from, table);
  return table;
}

function describeTarget(
  graph: Graph,
  sub: SubTopologyPlan,
  { name, to }: StreamPlan,
  last: Node,
): void {
  if (to.kind === 'topic') {
    for (const { topic } of to.topics) {
      graph.link(last, graph.node('Sink', `${name}/to:${topic}`, `topic: ${topic}`));
    }
    return;
  }
  if (to.kind === 'repartition') {
    const sink = `${name}/${nodeName(to.step, 'to')}`;
    graph.link(last, graph.node('Sink', sink, `topic: ${to.topic}`));
    return;
  }
  if (to.kind === 'streams') {
    graph.link(last, graph.node('Processor', endName(name, to), storesOf(null)));
    return;
  }
  const writer = graph.node('Processor', `${to.lane.name}/number`, storesOf(sub.numbers));
  graph.link(last, writer);
  for (const transport of to.transports) {
    const topic = to.lane.topicOf(sub.priority, transport);
    graph.link(writer, graph.node('Sink', `${to.lane.name}/${transport}`, `topic: ${topic}`));
  }
}

function sinkTopology(sinkPlan: SinkPlan): string {
  const { name, lane, transport, steps, tables, spec, retryTopicOf } = sinkPlan;
  const graph = new Graph();
  const transports = transport === 'all' ? lane.transports : [transport];
  const topics = lane.priorities.flatMap((priority) =>
    transports.map((of) => lane.topicOf(priority, of)),
  );
  const retries = retryTopicOf === undefined ? [] : lane.priorities.map(retryTopicOf);
  const sources = [...topics, ...retries].join(', ');
  let last = graph.node('Source', `${name}/source`, `topics: [${sources}]`);
  const readers = new Map<string, Node>();
  for (const step of steps) {
    const node = graph.node('Processor', `${name}/${step.name}`, storesOf(step.store));
    for (const table of tables) if (readsTable(step, table.name)) readers.set(table.name, node);
    graph.link(last, node);
    last = node;
  }
  const sink = graph.node('Sink', `${name}/to`, `connector: ${spec.type}`);
  graph.link(last, sink);
  if (retries.length > 0) {
    graph.link(last, graph.node('Sink', `${name}/retry`, `topics: [${retries.join(', ')}]`));
  }
  for (const table of tables) {
    const from = graph.node('Source', `tables/${table.name}`, `topics: [${table.topic}]`);
    graph.link(from, readers.get(table.name) ?? sink);
  }
  return graph.print();
}

function storesOf(store: string | null): string {
  return `stores: [${store ?? ''}]`;
}

function readsTable({ spec, config }: StepPlan, table: string): boolean {
  return Object.entries(spec.config).some(
    ([option, of]) => (of as { kind: string }).kind === 'table' && config[option] === table,
  );
}

/**
 * The same as a picture: topics as drums, a box for each stream, one frame for each sub-topology.
 */
export function mermaid(plan: Plan): string {
  const lines = ['flowchart LR'];
  const edges: string[] = [];
  const drums = new Map<string, string>();
  const drum = (topic: string, label = topic): string => {
    const id = `t_${idOf(topic)}`;
    drums.set(id, label);
    return id;
  };
  for (const sub of plan.subTopologies) {
    const frame = idOf(sub.role);
    lines.push(`  subgraph ${frame}["${sub.role}"]`);
    if (sub.clock !== undefined) {
      const { stream, schedule, topic } = sub.clock;
      lines.push(`    ${frame}_clock["<b>${stream}</b><br/>${schedule.cron} ${schedule.zone}"]`);
      edges.push(`  ${frame}_clock --> ${drum(topic)}`);
    }
    for (const stream of sub.streams) {
      const id = `${frame}_${idOf(partId(stream))}`;
      const steps = stream.steps.map(({ name }) => name).join(' → ');
      lines.push(`    ${id}["<b>${partName(stream)}</b><br/>${steps}"]`);
      const { topic } = stream.source;
      if (topic !== null) edges.push(`  ${drum(topic)} --> ${id}`);
      for (const of of upstreamsOf(stream)) {
        const label = of.branch === '' ? '' : `|${of.branch}|`;
        edges.push(`  ${frame}_${idOf(partId(of))} -->${label} ${id}`);
      }
      for (const [topic, label] of targetsOf(sub, stream))
        edges.push(`  ${id} --> ${drum(topic, label)}`);
    }
    if (sub.deriving !== undefined) {
      const id = `${frame}_made`;
      lines.push(`    ${id}["<b>${sub.deriving.derived.table.name}</b><br/>${sub.deriving.part}"]`);
      for (const [from, to] of derivingEdges(sub.deriving, id, drum))
        edges.push(`  ${from} --> ${to}`);
    }
    lines.push('  end');
    for (const { topic } of [...sub.tables, ...sub.tableInputs, ...sub.wholeTables])
      edges.push(`  ${drum(topic)} -.-> ${frame}`);
  }
  for (const sink of plan.sinks) {
    const id = `sink_${idOf(sink.name)}`;
    lines.push(`  ${id}(["sink ${sink.name}"])`);
    for (const priority of sink.lane.priorities) {
      edges.push(`  ${drum(...laneDrum(sink.lane, priority))} --> ${id}`);
    }
    for (const step of sink.steps) {
      for (const table of sink.tables.filter((of) => readsTable(step, of.name))) {
        edges.push(`  ${drum(table.topic)} -.-> ${id}`);
      }
    }
  }
  for (const [id, label] of drums) lines.push(`  ${id}[("${label}")]`);
  return `${[...lines, ...new Set(edges)].join('\n')}\n`;
}

function derivingEdges(
  { derived, part, asks, answers }: DerivingPlan,
  id: string,
  drum: (topic: string) => string,
): readonly (readonly [from: string, to: string])[] {
  const { topic } = derived.table;
  if (part === 'pair') return [[id, drum(topic)]];
  if (part === 'right')
    return [
      [drum(asks), id],
      [id, drum(answers)],
    ];
  return [
    [id, drum(asks)],
    [drum(answers), id],
    [id, drum(topic)],
  ];
}

function targetsOf(sub: SubTopologyPlan, { to }: StreamPlan): readonly [string, string][] {
  if (to.kind === 'topic') return to.topics.map(({ topic }) => [topic, topic]);
  if (to.kind === 'repartition') return [[to.topic, to.topic]];
  if (to.kind === 'streams') return [];
  return [laneDrum(to.lane, sub.priority)];
}

/** The transports of one priority are one drum: sixteen of them would hide the picture. */
function laneDrum(lane: LanePlan, priority: number): [string, string] {
  const name = `${lane.name}.${lane.order.nameOf(priority)}`;
  return [name, `${name}.*`];
}

function idOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, '_');
}
