/**
 * What each role of a topology does on Kafka, and so what its principal must be allowed to do, and
 * nothing more. Who runs several roles needs the sum of theirs.
 */
import { asideTopicOf } from '../compiler/asides.ts';
import type { DerivingPlan, Plan, SinkPlan, SubTopologyPlan } from '../compiler/plan.ts';
import type { Priority } from '../core/priority.ts';
import { GATEWAY_TOPICS } from '../gateway/gateway-options.ts';
import { topicSpecs } from '../runtime/engine.ts';
import { redrivable } from './redrive/redriven.ts';
import { sinkRole } from './run/roles.ts';

export type Operation = 'Create' | 'Delete' | 'Describe' | 'DescribeConfigs' | 'Read' | 'Write';

export interface Grant {
  readonly resource: 'topic' | 'group' | 'transactional-id';
  readonly name: string;
  /** True: of all whose names begin so. */
  readonly prefixed: boolean;
  readonly operations: readonly Operation[];
}

export interface RoleAccess {
  /** As `carillon run --role` has it; or `deploy`, `producer`, `analyst`. */
  readonly role: string;
  readonly what: string;
  readonly grants: readonly Grant[];
}

export interface AccessOptions {
  /** `log.client_id`: the names of readers' own groups begin with it. */
  readonly clientId: string;
  /** What producers write. */
  readonly events: readonly string[];
}

export function accessOf(plan: Plan, options: AccessOptions): RoleAccess[] {
  const { events, clientId } = options;
  const topics = topicSpecs(plan, 1).map(({ name }) => name);
  const readers = group(`${clientId}.read.`, ['Read', 'Delete'], true);
  // A process finds out at its start that all topics are as they must be, and which topology runs.
  const process = [
    ...topics.map((name) => topic(name, ['Describe', 'DescribeConfigs'])),
    topic(appliedOf(plan), ['Read']),
    readers,
  ];
  const role = (name: string, what: string, grants: readonly Grant[]) => ({
    role: name,
    what,
    grants: summed(grants),
  });
  return [
    role('deploy', 'makes topics, and carries positions and state along an edit', [
      ...everything(plan, topics),
      readers,
    ]),
    ...plan.subTopologies.map((sub) =>
      role(sub.role, 'the streams of a sub-topology', [...process, ...streamsGrants(plan, sub)]),
    ),
    ...plan.sinks.flatMap((sink) =>
      sink.lane.priorities.map((priority) =>
        role(sinkRole(sink, priority), 'the lanes of a sink', [
          ...process,
          ...sinkGrants(plan, sink, priority),
        ]),
      ),
    ),
    role('gateway', 'sockets, pulls, registration', [...process, ...gatewayGrants(topics)]),
    role('ingest', 'events over HTTP, registration', [
      ...process,
      ...events.map((name) => topic(name, ['Write'])),
      topic(GATEWAY_TOPICS.keys, ['Read', 'Write']),
      ...registrationGrants(),
    ]),
    role('console', 'the page: looks into all topics, and sends dead letters back', [
      ...process,
      ...topics.map((name) => topic(name, ['Read'])),
      ...[...redrivable(plan)].map((name) => topic(name, ['Write'])),
    ]),
    role(
      'producer',
      'a Kafka client that sends events',
      events.map((name) => topic(name, ['Describe', 'Write'])),
    ),
    role('analyst', 'carillon tail, record, delivery: looks, and changes nothing', [
      ...topics.map((name) => topic(name, ['Describe', 'DescribeConfigs', 'Read'])),
      readers,
    ]),
  ];
}

const topic = (name: string, operations: readonly Operation[]): Grant => ({
  resource: 'topic',
  name,
  prefixed: false,
  operations,
});

const group = (name: string, operations: readonly Operation[], prefixed = false): Grant => ({
  resource: 'group',
  name,
  prefixed,
  operations,
});

/** A transactional id stands for a task: the group's name and a number. */
const transactions = (of: string): Grant => ({
  resource: 'transactional-id',
  name: `${of}-`,
  prefixed: true,
  operations: ['Describe', 'Write'],
});

const appliedOf = ({ topology }: Plan) => topicSpecs({ topology, topics: [] }, 1)[0]!.name;

function everything(plan: Plan, topics: readonly string[]): Grant[] {
  const streams = plan.subTopologies.map((sub) => sub.group);
  const sinks = plan.sinks.flatMap((sink) => sink.lane.priorities.map((of) => sink.groupOf(of)));
  return [
    ...topics.map((name) =>
      topic(name, ['Create', 'Describe', 'DescribeConfigs', 'Read', 'Write']),
    ),
    // Whoever has the group of this name is the only one that applies an edit.
    ...[appliedOf(plan), ...streams, ...sinks].map((name) => group(name, ['Describe', 'Read'])),
    ...streams.map(transactions),
  ];
}

function streamsGrants(plan: Plan, sub: SubTopologyPlan): Grant[] {
  const stores = sub.stores.map(({ changelog }) => changelog);
  const ticks = sub.clock === undefined ? [] : [sub.clock.topic];
  const reads = [
    ...ticks,
    ...sub.streams.flatMap(({ source }) => source.topic ?? []),
    ...[...sub.tables, ...sub.tableInputs].map((table) => table.topic),
    ...(sub.deriving === undefined ? [] : hopsOf(sub.deriving).reads),
    ...stores,
  ];
  const writes = [
    ...ticks,
    ...sub.streams.flatMap((stream) => [...targetsOf(stream, sub), ...asidesOf(stream)]),
    ...(sub.deriving === undefined ? [] : hopsOf(sub.deriving).writes),
    ...stores,
  ];
  return [
    ...reads.map((name) => topic(name, ['Read'])),
    ...[...writes, plan.deadLetters].map((name) => topic(name, ['Write'])),
    group(sub.group, ['Read']),
    transactions(sub.group),
  ];
}

/** What makes a derived table reads of its other half, and writes. */
function hopsOf({ derived, part, asks, answers }: DerivingPlan) {
  const { topic } = derived.table;
  if (part === 'pair') return { reads: [], writes: [topic] };
  if (part === 'right') return { reads: [asks], writes: [answers] };
  return { reads: [answers], writes: [asks, topic] };
}

/** Topics of what its steps put aside. */
function asidesOf({ steps }: SubTopologyPlan['streams'][number]): string[] {
  return steps.flatMap((step) => asideTopicOf(step) ?? []);
}

function targetsOf(
  { to }: SubTopologyPlan['streams'][number],
  { priority }: SubTopologyPlan,
): string[] {
  if (to.kind === 'streams') return [];
  if (to.kind === 'repartition') return [to.topic];
  if (to.kind === 'topic') return to.topics.map((target) => target.topic);
  return to.transports.map((transport) => to.lane.topicOf(priority as Priority, transport));
}

function sinkGrants(plan: Plan, sink: SinkPlan, priority: Priority): Grant[] {
  const { lane, transport } = sink;
  const topicsOf = (of: typeof lane.transports) => of.map((one) => lane.topicOf(priority, one));
  const retry = sink.retryTopicOf === undefined ? [] : [sink.retryTopicOf(priority)];
  const owners = plan.tables.filter(({ schema }) => schema === 'Device');
  const gateways = sink.spec.type === 'websocket' ? [GATEWAY_TOPICS.gateways] : [];
  const tables = [...sink.tables, ...owners].map((table) => table.topic);
  const reads = [...topicsOf(transport === 'all' ? lane.transports : [transport]), ...retry];
  // What could not be told by one transport is handed on to the lane of the next.
  const handsOn = sink.spec.keeps === true ? [] : topicsOf(lane.transports);
  const { outcomes, registration } = GATEWAY_TOPICS;
  return [
    ...[...reads, ...tables, ...gateways].map((name) => topic(name, ['Read'])),
    ...[...retry, ...handsOn, outcomes, registration, plan.deadLetters].map((name) =>
      topic(name, ['Write']),
    ),
    group(sink.groupOf(priority), ['Read']),
  ];
}

function registrationGrants(): Grant[] {
  const { owners, registration, outcomes } = GATEWAY_TOPICS;
  return [
    topic(owners, ['Read']),
    ...[registration, outcomes].map((name) => topic(name, ['Write'])),
  ];
}

function gatewayGrants(topics: readonly string[]): Grant[] {
  const { presence, connections, gateways, acknowledgements } = GATEWAY_TOPICS;
  const writes = [connections, gateways, acknowledgements].filter((one) => topics.includes(one));
  return [
    ...registrationGrants(),
    topic(presence, ['Read']),
    ...writes.map((name) => topic(name, ['Write'])),
  ];
}

/** One grant a resource, in the order in which they came. */
function summed(grants: readonly Grant[]): Grant[] {
  const sums = new Map<string, Grant>();
  for (const grant of grants) {
    const key = `${grant.resource} ${grant.prefixed} ${grant.name}`;
    const operations = [...(sums.get(key)?.operations ?? []), ...grant.operations];
    sums.set(key, { ...grant, operations: [...new Set(operations)].sort() });
  }
  return [...sums.values()];
}

/** The user of a role, as it is named in what `topics acls` prints. */
export const userOf = (topology: string, role: string): string =>
  `${topology}-${role.replaceAll('/', '-')}`;

/**
 * The commands that give a role's user its rights; resources with the same ones share a command.
 */
export function aclCommands(
  { grants }: Pick<RoleAccess, 'grants'>,
  { user, brokers }: { readonly user: string; readonly brokers: readonly string[] },
): string[] {
  const alike = new Map<string, Grant[]>();
  for (const grant of grants) {
    const key = `${grant.resource} ${grant.prefixed} ${grant.operations.join()}`;
    alike.set(key, [...(alike.get(key) ?? []), grant]);
  }
  return [...alike.values()].map((same) => {
    const { operations, prefixed, resource } = same[0]!;
    const words = [
      'kafka-acls.sh',
      `--bootstrap-server ${brokers.join(',')}`,
      `--add --allow-principal 'User:${user}'`,
      ...operations.map((operation) => `--operation ${operation}`),
      ...(prefixed ? ['--resource-pattern-type prefixed'] : []),
      ...same.map(({ name }) => `--${resource} ${name}`),
    ];
    return words.join(' ');
  });
}
