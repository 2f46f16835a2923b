/**
 * What a topology text becomes: everything resolved, typed and named, nothing left to look up. The
 * compiler makes it, the runtime brings it to life; it can be printed, diffed and tested without a
 * log.
 */
import type { Transport } from '../core/device.ts';
import type { Priorities, Priority } from '../core/priority.ts';
import type { Projection } from '../core/schema.ts';
import type { Show } from '../core/show.ts';
import type { Expression, FieldReader, SinkSpec, StepSpec } from '../core/spec.ts';
import type { Words } from '../core/words.ts';
import type { Schedule } from './schedule.ts';

export interface Plan {
  readonly topology: string;
  readonly doc: string;
  /**
   * SHA-256 (hex, 16 characters) of the resolved plan: what decides, not comments or order of keys.
   */
  readonly hash: string;
  readonly priorities: Priorities;
  readonly words: Words;
  readonly tables: readonly TablePlan[];
  /** Those of the tables that are made of others. */
  readonly derived: readonly DerivedTablePlan[];
  /** Empty: the topology has no priorities and is one graph. */
  readonly lanes: readonly LanePlan[];
  readonly subTopologies: readonly SubTopologyPlan[];
  readonly sinks: readonly SinkPlan[];
  readonly topics: readonly TopicPlan[];
  readonly deadLetters: string;
  /** Tries of a delivery before it is abandoned to the inbox (`on_error.attempts`). */
  readonly attempts: number;
}

/** Of the topic where the topology that runs is stored. */
export const appliedName = (topology: string): string => `${topology}.applied`;

export interface TopicPlan {
  readonly name: string;
  readonly use:
    | 'events'
    | 'ticks'
    | 'table'
    | 'lane'
    | 'repartition'
    | 'changelog'
    | 'outcomes'
    | 'retry'
    | 'dead-letters'
    | 'output';
  readonly cleanup: 'delete' | 'compact' | 'compact,delete';
  readonly retentionMs?: number;
  /** The schema of its values (name in schemas/); undefined: raw. */
  readonly schema?: string;
}

export interface TablePlan {
  readonly name: string;
  readonly topic: string;
  readonly schema: string;
  /** The field of the value that the key repeats. */
  readonly key: string;
  /** True: every process that joins it holds all of its rows, of all partitions. */
  readonly whole?: true;
}

export interface LanePlan {
  readonly name: string;
  readonly schema: string;
  /** All of the topology's. */
  readonly order: Priorities;
  /** Of these the lane has: */
  readonly priorities: readonly Priority[];
  readonly transports: readonly Transport[];
  /** Bytes a lane record may have; over it: dead letter CAR507. */
  readonly bytesMax: number;
  topicOf(priority: number, transport: Transport): string;
}

/** A table that a task reads as an input, in the order of times with its streams. */
export interface TableInputPlan extends TablePlan {
  /** Its rows; named by the topic, as its position is: the two stay together. */
  readonly store: string;
}

/** A table that is made of two others, and written to its own topic. */
export interface DerivedTablePlan {
  /** Outlives the name, and names its state. */
  readonly id: string;
  /** SHA-256 (hex, 8 characters) of what it is made of and how: another one begins anew. */
  readonly hash: string;
  readonly table: TablePlan;
  readonly left: TablePlan;
  readonly right: TablePlan;
  readonly type: 'inner' | 'left' | 'outer';
  /** The field of left rows that names the right one; null: both have one key. */
  readonly by: string | null;
  /** The field that holds the right row. */
  readonly as: string;
  /** The field that holds the left row; null: its fields stand alone. */
  readonly ownAs: string | null;
}

/**
 * What a sub-topology does for a derived table. `pair`: all of it. By a foreign key it is two:
 * where a left row is, it asks for the right one, in the partition of that one's key; there it is
 * answered, and again at each change.
 */
export interface DerivingPlan {
  readonly derived: DerivedTablePlan;
  readonly part: 'pair' | 'left' | 'right';
  /** Between the two, and back; empty for a pair. */
  readonly asks: string;
  readonly answers: string;
  /** Where the right one keeps who has asked; empty elsewhere. */
  readonly asked: string;
}

/** What becomes of planned times that have passed before they could be told. */
export const MISSED = ['latest', 'all', 'none'] as const;

/** When a stream that begins with a clock is given a tick. */
export interface ClockRule {
  readonly schedule: Schedule;
  /** Of those that are due at once: the last, each, or only what is less than a minute late. */
  readonly missed: (typeof MISSED)[number];
}

/** Makes the ticks of a stream: its task p writes to partition p of their topic. */
export interface ClockPlan extends ClockRule {
  readonly stream: string;
  readonly useCase: string;
  readonly topic: string;
}

/** One scaling unit: a consumer group whose task p has partition p of all that is named here. */
export interface SubTopologyPlan {
  /**
   * `streams/critical`, `devices/register`, `devices/fold`, `devices/presence`; or `streams`; of a
   * derived table `tables/<id>`, `tables/<id>/right`.
   */
  readonly role: string;
  /** `reno.streams.critical`. */
  readonly group: string;
  /** -1: no priority. */
  readonly priority: Priority | -1;
  readonly streams: readonly StreamPlan[];
  /** It has no streams then. */
  readonly clock?: ClockPlan;
  /** Followed beside the inputs, as they are when a record is processed. */
  readonly tables: readonly TablePlan[];
  /** Inputs, beside those of the streams. */
  readonly tableInputs: readonly TableInputPlan[];
  /** Of the process, not of a task. */
  readonly wholeTables: readonly TablePlan[];
  readonly stores: readonly { readonly store: string; readonly changelog: string }[];
  /** The store of the lane writer's numbers; null without lanes. */
  readonly numbers: string | null;
  /** It makes a derived table, of its table inputs, and has no streams. */
  readonly deriving?: DerivingPlan;
}

/** Where a stream begins that was never applied: it decides once, and never again. */
export type StartRule =
  | { readonly kind: 'latest' | 'earliest' }
  /** Events of so long before it was first applied, milliseconds. */
  | { readonly kind: 'ago'; readonly ms: number };

/**
 * A stream, or a part of one: a step that changes the key ends a part, and the next one begins with
 * the repartition topic, in a sub-topology of its own.
 */
export interface StreamPlan {
  readonly name: string;
  /** Outlives the name (D13). */
  readonly useCase: string;
  /** Empty as the stream begins; else the step that has changed the key. */
  readonly part: string;
  readonly start: StartRule;
  readonly doc: string;
  readonly source: SourcePlan;
  /** Null in a topology without lanes. */
  readonly priority: PriorityRule | null;
  readonly steps: readonly StepPlan[];
  readonly to: LaneTarget | TopicTarget | RepartitionTarget | StreamsTarget;
  /** What people see of it; null: a push carries data and shows nothing. */
  readonly show: Show | null;
}

export interface SourcePlan {
  /** Null: it goes on with what other streams of its task give (`streams`). */
  readonly topic: string | null;
  readonly streams?: readonly UpstreamPlan[];
  readonly projection: Projection;
  /** What is read are the ticks of a clock. */
  readonly clock?: ClockRule;
  /** Event time; null: the record's own timestamp. */
  readonly time: FieldReader | null;
  /** The event's id; null: its origin. */
  readonly id: FieldReader | null;
  /** The key that the value repeats (value.memberId); null: not checked (D14). */
  readonly member: FieldReader | null;
  /** True: an expression reads the event inside a notification. */
  readonly readsEvent?: true;
  /** Farther in the future than this: dead letter CAR508 (S58). Milliseconds. */
  readonly maxFutureMs: number;
  /**
   * Of what other streams give, or behind a step that changes the key: by what it is keyed. Behind
   * such a step what was known of the record before comes along in a header
   * (`runtime/streams/hop-form.ts`), and is not judged again.
   */
  readonly keyedBy?: string;
}

/** Another stream, in the same task, whose end is this one's beginning. */
export interface UpstreamPlan {
  readonly name: string;
  readonly useCase: string;
  readonly part: string;
  /** Empty: it has none, and gives all. */
  readonly branch: string;
  /**
   * Put behind the id of each event, where the reader may get one event on several ways: what is
   * told of each is a notification of its own (rule D1).
   */
  readonly mark?: string;
}

/** The other stream of a step. */
export interface OtherPlan extends UpstreamPlan {
  /** Of its values; empty: steps have given them. */
  readonly schema: string;
}

/** All streams of its task whose records come to a stream, to its source or to a step. */
export function upstreamsOf({
  source,
  steps,
}: Pick<StreamPlan, 'source' | 'steps'>): readonly UpstreamPlan[] {
  return [...(source.streams ?? []), ...steps.flatMap(({ other }) => other ?? [])];
}

/** What names a part of a stream where positions and state are told apart: `fl`, `fl/rekey`. */
export function partId({ useCase, part }: Pick<StreamPlan, 'useCase' | 'part'>): string {
  return part === '' ? useCase : `${useCase}/${part}`;
}

/** The same for people: `flights`, `flights/rekey`. */
export function partName({ name, part }: Pick<StreamPlan, 'name' | 'part'>): string {
  return part === '' ? name : `${name}/${part}`;
}

/** The names of nodes of the engine's own: `source`, and `rekey:source` behind a rekey. */
export function nodeName(part: string, node: string): string {
  return part === '' ? node : `${part}:${node}`;
}

/** As a file names it: `flights`, `flights.urgent`. */
export function upstreamName({ name, branch }: UpstreamPlan): string {
  return branch === '' ? name : `${name}.${branch}`;
}

/** Read on the event, before any step; the first `unless` that holds wins. */
export interface PriorityRule {
  readonly as: Priority;
  readonly unless: readonly { readonly when: Expression<boolean>; readonly as: Priority }[];
}

export interface StepPlan {
  /** `dedup`, or the `name:` that it was given. */
  readonly name: string;
  readonly spec: StepSpec;
  /** What `open` of the spec gets. */
  readonly config: Readonly<globalThis.Record<string, unknown>>;
  /** The store's name, bound to stream id and step name, never to its number; null: stateless. */
  readonly store: string | null;
  /** Its records are handed to the step, beside those of the stream. */
  readonly other?: OtherPlan;
}

/** How a notification finds its device (`to: { reach: … }`). */
export const REACHES = ['first_reachable', 'first', 'all'] as const;
export type Reach = (typeof REACHES)[number];

/** Which outcomes a use case writes (`to: { outcomes: … }`); what went wrong is always written. */
export const OUTCOME_LEVELS = ['all', 'told', 'failures', 'sampled'] as const;
export type OutcomeLevel = (typeof OUTCOME_LEVELS)[number];

/** What is promised of a notification (`to: { guarantee: … }`). */
export const GUARANTEES = ['told', 'acked'] as const;

/** Of `guarantee: acked`. */
export interface AckedPlan {
  /** So long without an acknowledgement, and it goes by another transport; null: at a reconnect. */
  readonly againAfterMs: number | null;
}

export interface LaneTarget {
  readonly kind: 'lane';
  readonly lane: LanePlan;
  /** What the use case allows; the device's first of these is taken, or each, as `reach` says. */
  readonly transports: readonly Transport[];
  /** Of the value that steps give; undefined: the source's. */
  readonly schema?: string;
  readonly reach: Reach;
  readonly outcomes: OutcomeLevel;
  /** Absent: it is told once, and what the device does with it is its own matter. */
  readonly acked?: AckedPlan;
  /** Fields whose values make the collapse key; empty: no collapsing. */
  readonly collapse: readonly FieldReader[];
}

export interface TopicTarget {
  readonly kind: 'topic';
  /**
   * A record's `output` slot chooses. Values are encoded with `schema`; undefined: passed as bytes.
   */
  readonly topics: readonly { readonly topic: string; readonly schema?: string }[];
}

/** The end of a part: its records go on under the key that its last step gave them. */
export interface RepartitionTarget {
  readonly kind: 'repartition';
  /** The step that changes the key. */
  readonly step: string;
  readonly topic: string;
  /** Of a value that steps have given; undefined: it goes on as the bytes that it came as. */
  readonly schema?: string;
}

/** Other streams of the task go on with its records. */
export interface StreamsTarget {
  readonly kind: 'streams';
  /** In order: a record goes to the first that takes it, and to everybody who reads that one. */
  readonly branches: readonly BranchPlan[];
}

export interface BranchPlan {
  /** Empty: the stream has none, and gives all. */
  readonly name: string;
  /** Null: it takes what is left. */
  readonly when: Expression<boolean> | null;
}

/** Sinks of one transport of a lane share its devices out by their apps. */
export interface AppsPlan {
  /** Null: it has those that no other sink has. */
  readonly own: string | null;
  /** Apps that other sinks have. */
  readonly others: readonly string[];
}

export interface SinkPlan {
  readonly name: string;
  readonly spec: SinkSpec;
  readonly config: Readonly<globalThis.Record<string, unknown>>;
  readonly lane: LanePlan;
  readonly transport: Transport | 'all';
  /** Of which app's devices it tells; absent: of all. */
  readonly apps?: AppsPlan;
  readonly steps: readonly StepPlan[];
  /** True: a step reads the event inside a notification. */
  readonly readsEvent?: true;
  readonly tables: readonly TablePlan[];
  readonly inFlightMax: number;
  /** Deliveries a minute, of all priorities and processes together; null: as fast as it goes. */
  readonly rateMax: number | null;
  readonly timeoutMs: number;
  /** Where it puts what has to wait longer; absent: the sink has none. */
  retryTopicOf?(priority: Priority): string;
  /** One group per priority: `reno.sink.websocket.critical`, role `sink/websocket/critical`. */
  groupOf(priority: Priority): string;
}
