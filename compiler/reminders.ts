/**
 * The sub-topologies that tell again what is not acknowledged (`again_after`): one for each lane
 * and priority in which a use case asks for it. They read the lanes themselves, so that nothing is
 * written twice, and write to the lanes of the device's other transports.
 */
import { TRANSPORTS, type Transport } from '../core/device.ts';
import type { Priority } from '../core/priority.ts';
import type { Record } from '../core/record.ts';
import type { Catalog } from '../core/spec.ts';
import { ACKNOWLEDGEMENTS, OWNERS } from './engine-tables.ts';
import type {
  BranchPlan,
  LanePlan,
  LaneTarget,
  SinkPlan,
  StreamPlan,
  SubTopologyPlan,
  TablePlan,
} from './plan.ts';
import { prioritiesOf } from './stream-checks.ts';
import type { WholeStream } from './streams.ts';

export const ACKNOWLEDGEMENTS_TABLE: TablePlan = { name: 'acknowledgements', ...ACKNOWLEDGEMENTS };
const OWNERS_TABLE: TablePlan = { name: 'owners', ...OWNERS };

/** All but the payload: it goes on as the bytes that it is. */
const FIELDS = ['id', 'deviceId', 'epoch', 'sequence', 'useCase', 'priority', 'deadline', 'born'];

const STEP = 'remind';

/** A use case whose notifications are told again. */
interface Asking {
  readonly stream: WholeStream;
  readonly to: LaneTarget;
  readonly afterMs: number;
}

/** Whether a use case of the lane, or of any, is to be acknowledged. */
export function hasAcked(streams: readonly WholeStream[], lane?: LanePlan): boolean {
  return streams.some(
    ({ to }) => to.kind === 'lane' && to.acked !== undefined && (lane ?? to.lane) === to.lane,
  );
}

/** Sinks do not tell what is acknowledged by then: they look it up. */
export function withAcknowledgements(
  sinks: readonly SinkPlan[],
  streams: readonly WholeStream[],
): readonly SinkPlan[] {
  return sinks.map((sink) =>
    sink.spec.keeps === true || !hasAcked(streams, sink.lane)
      ? sink
      : { ...sink, tables: [...sink.tables, ACKNOWLEDGEMENTS_TABLE] },
  );
}

export function reminders(
  topology: string,
  lanes: readonly LanePlan[],
  streams: readonly WholeStream[],
  sinks: readonly SinkPlan[],
  catalog: Catalog,
): readonly SubTopologyPlan[] {
  return lanes.flatMap((lane) => {
    const asking = streams.flatMap((stream) => askingOf(stream, lane));
    return [...lane.order.names.keys()].flatMap((priority) => {
      const here = asking.filter(({ stream }) => prioritiesOf(stream.priority!).includes(priority));
      return here.length === 0 ? [] : [subTopology(topology, lane, priority, here, sinks, catalog)];
    });
  });
}

function askingOf(stream: WholeStream, lane: LanePlan): readonly Asking[] {
  const { to } = stream;
  if (to.kind !== 'lane' || to.lane !== lane || stream.priority === null) return [];
  const afterMs = to.acked?.againAfterMs ?? null;
  return afterMs === null ? [] : [{ stream, to, afterMs }];
}

function subTopology(
  topology: string,
  lane: LanePlan,
  priority: Priority,
  asking: readonly Asking[],
  sinks: readonly SinkPlan[],
  catalog: Catalog,
): SubTopologyPlan {
  const place = `${lane.name}.${lane.order.nameOf(priority)}`;
  const transports = TRANSPORTS.filter((one) => lane.transports.includes(one));
  const branches = [...asking.map(branchOf), OTHERS];
  const readers = transports.map((by) => readerOf(lane, priority, by, branches));
  const rest = { priority: null, show: null, start: { kind: 'earliest' } } as const;
  const prefix = `${topology}.devices.remind.${place}`;
  const reminding = asking.map(({ stream: { useCase }, to, afterMs }): StreamPlan => {
    const by = transports.filter((one) => to.transports.includes(one) && tells(sinks, lane, one));
    const topics = transports.map((one) => lane.topicOf(priority, one));
    const config = {
      after: afterMs,
      transports,
      allowed: by,
      topics: topics.join(','),
      owners: OWNERS_TABLE.name,
      acknowledgements: ACKNOWLEDGEMENTS_TABLE.name,
      awaited_max: AWAITED_MAX,
    };
    const store = `${prefix}.${useCase}`;
    return {
      ...rest,
      name: `remind-${useCase}`,
      useCase: `remind-${useCase}`,
      part: '',
      doc: `What of ${useCase} is not acknowledged.`,
      source: {
        ...SOURCE,
        topic: null,
        streams: readers.map((reader) => ({ ...nameOf(reader), branch: useCase })),
      },
      steps: [{ name: STEP, spec: catalog.steps.get(STEP)!, config, store }],
      to: {
        kind: 'topic',
        topics: [
          ...topics.map((topic) => ({ topic, schema: lane.schema })),
          { topic: 'outcomes', schema: 'DeliveryOutcome' },
        ],
      },
    };
  });
  return {
    role: `devices/remind/${lane.name}/${lane.order.nameOf(priority)}`,
    group: prefix,
    priority,
    streams: [...readers, ...reminding],
    tables: [OWNERS_TABLE, ACKNOWLEDGEMENTS_TABLE],
    tableInputs: [],
    wholeTables: [],
    stores: reminding.map(({ steps }) => {
      const store = steps[0]!.store!;
      return { store, changelog: `${store}-changelog` };
    }),
    numbers: null,
  };
}

/** Of each use case and partition; over it a notification waits for its device to reconnect. */
const AWAITED_MAX = 200_000;

const SOURCE = {
  projection: { schema: 'DeviceNotification', fields: FIELDS },
  time: null,
  id: null,
  member: null,
  maxFutureMs: Number.MAX_SAFE_INTEGER,
};

const OTHERS: BranchPlan = { name: 'others', when: null };

function branchOf({ stream: { useCase } }: Asking): BranchPlan {
  const evaluate = (record: Record) => record.value.useCase === useCase;
  return { name: useCase, when: { source: `value.useCase == "${useCase}"`, evaluate } };
}

function readerOf(
  lane: LanePlan,
  priority: Priority,
  by: Transport,
  branches: readonly BranchPlan[],
): StreamPlan {
  return {
    name: `lane-${by}`,
    useCase: `lane-${by}`,
    part: '',
    start: { kind: 'earliest' },
    doc: `What is told by ${by}.`,
    source: { ...SOURCE, topic: lane.topicOf(priority, by) },
    priority: null,
    steps: [],
    to: { kind: 'streams', branches },
    show: null,
  };
}

const nameOf = ({ name, useCase, part }: StreamPlan) => ({ name, useCase, part });

/** A lane that no sink delivers from would be the end of it, in silence; an inbox tells nobody. */
function tells(sinks: readonly SinkPlan[], lane: LanePlan, by: Transport): boolean {
  return sinks.some(
    (sink) =>
      sink.lane === lane &&
      sink.spec.keeps !== true &&
      (sink.transport === by || sink.transport === 'all'),
  );
}
