/**
 * What the console shows of this process: its topology, what its tasks have counted, and what lies
 * in the log and the inbox. The log is read beside the pipeline, by a reader that is opened when
 * somebody looks and closed when the answer is given.
 */
import type {
  DeadLettersAnswer,
  DeviceAnswer,
  FlowAnswer,
  RedriveAnswer,
  StateAnswer,
  TopologyAnswer,
} from '../../console/answers.ts';
import type { Clock } from '../../core/clock.ts';
import type { InboxStore } from '../../core/inbox.ts';
import type { Log, ReadOptions } from '../../core/log.ts';
import type { Schemas } from '../../core/schema.ts';
import type {
  ConsoleSource,
  LiveQuestion,
  RedriveQuestion,
  StateQuestion,
} from '../../gateway/console.ts';
import type { LogLine } from '../../gateway/problem.ts';
import type { FlowSnapshot } from '../../runtime/flow.ts';
import { AGE_BUCKETS_MS } from '../../runtime/sinks/age-histogram.ts';
import { planStores } from '../../runtime/streams/plan-stores.ts';
import type { Deployment } from '../deployment.ts';
import { describePlan } from '../describe/description.ts';
import { livePicture } from '../describe/picture.ts';
import type { LoadedTopology } from '../load-topology.ts';
import { type LogReader, openLogReader } from '../log-reader.ts';
import { type StoredRow, storedRows } from '../query/stored-rows.ts';
import { storesAt } from '../query/stores-at.ts';
import { useCaseNames } from '../use-case-names.ts';
import { version } from '../version.ts';
import { newestDeadLetters } from './dead-letters.ts';
import { aboutDevice } from './device.ts';
import { liveLines } from './live-query.ts';
import { pageFile } from './page-files.ts';
import { redriveFromPage } from './redrive.ts';

export interface ConsoleParts {
  readonly deployment: Deployment;
  readonly topology: LoadedTopology;
  readonly schemas: Schemas;
  readonly clock: Clock;
  readonly inbox: InboxStore | null;
  /** What is sent back goes through it. */
  readonly log: Pick<Log, 'producer' | 'partitionsOf'>;
  readonly say: LogLine;
  /** Of all processes that can be asked. */
  flow(): Promise<{ readonly flow: FlowSnapshot; readonly connections: number }>;
}

/** A look that takes longer says what it has not looked at. */
const LOOK_MS_MAX = 8_000;
/** One that sends longer than this goes on at the next call. */
const REDRIVE_MS_MAX = 60_000;
/** Of each priority's store. */
const STATE_ROWS_MAX = 500;

export function consoleSource(parts: ConsoleParts): ConsoleSource {
  const { clock, topology, inbox, schemas, deployment } = parts;
  const { plan } = topology;
  const look = async <T>(
    at: (reader: LogReader, signal: AbortSignal) => Promise<T>,
    msMax = LOOK_MS_MAX,
  ): Promise<T> => {
    const reader = await openLogReader(deployment);
    try {
      return await at(reader, AbortSignal.timeout(msMax));
    } finally {
      await reader.close();
    }
  };
  return {
    file: pageFile,
    topology: () => topologyAnswer(topology),
    async flow(): Promise<FlowAnswer> {
      const { flow, connections } = await parts.flow();
      return {
        ...flow,
        at: clock.now(),
        connections,
        ageBoundsMs: AGE_BUCKETS_MS,
      };
    },
    device: (id, sinceMs): Promise<DeviceAnswer> =>
      look((reader, signal) =>
        aboutDevice({ reader, plan, inbox, schemas, clock }, { id, sinceMs, signal }),
      ),
    deadLetters: (sinceMs): Promise<DeadLettersAnswer> =>
      look((reader, signal) => newestDeadLetters(reader, plan, { sinceMs, signal })),
    redrive: (question: RedriveQuestion): Promise<RedriveAnswer> =>
      look(
        (reader, signal) =>
          redriveFromPage({ reader, plan, log: parts.log, say: parts.say }, question, signal),
        REDRIVE_MS_MAX,
      ),
    state: (question: StateQuestion): Promise<StateAnswer> =>
      look((reader, signal) => stateAnswer(reader, topology, question, signal)),
    async live(question: LiveQuestion, signal: AbortSignal) {
      return liveLines(() => openLogReader(deployment), topology, question, signal);
    },
  };
}

async function stateAnswer(
  reader: LogReader,
  { plan }: LoadedTopology,
  { store, key, range }: StateQuestion,
  signal: AbortSignal,
): Promise<StateAnswer> {
  const within = {
    read: (topic: string, options: ReadOptions) => reader.read(topic, { ...options, signal }),
    partitionsOf: (topic: string) => reader.partitionsOf(topic),
    schema: (id: number) => reader.schema(id),
  };
  const rows: StoredRow[] = [];
  const sums = { matched: 0, total: 0 };
  for (const of of storesAt(planStores(plan), store)) {
    const asked = { key, ...(range === undefined ? {} : { range }) };
    const found = await storedRows(within, of, asked, STATE_ROWS_MAX);
    rows.push(...found.rows);
    sums.matched += found.matched;
    sums.total += found.total;
  }
  return { store, ...sums, rows, unread: signal.aborted ? [store] : [] };
}

function topologyAnswer({ plan }: LoadedTopology): TopologyAnswer {
  const described = describePlan(plan);
  return {
    topology: described.topology,
    doc: described.doc,
    hash: described.hash,
    version: version(),
    picture: livePicture(described),
    useCases: [...useCaseNames(plan)].map(([id, name]) => ({ id, name })),
    topics: described.topics
      .filter(({ use }) => use !== 'changelog')
      .map(({ name, use }) => ({ name, use })),
    deadLetters: described.deadLetters,
  };
}
