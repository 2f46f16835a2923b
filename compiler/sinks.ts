/**
 * One sink: which lane and transport it reads, its gates, and the connector that it hands records
 * to.
 */
import { TRANSPORTS, type Transport } from '../core/device.ts';
import type { Priorities, Priority } from '../core/priority.ts';
import type { SinkSpec, StepSpec } from '../core/spec.ts';
import { type Broken, mayBe } from './broken-steps.ts';
import { readsEvent } from './cel-event.ts';
import { namedLane, type Scope } from './declarations.ts';
import { checkEffects, warnConfig } from './effect-checks.ts';
import { OWNERS } from './engine-tables.ts';
import { resolveOptions } from './options.ts';
import type { LanePlan, SinkPlan, TablePlan } from './plan.ts';
import { readCount, readDuration } from './quantity.ts';
import { didYouMean, listed } from './report.ts';
import type { Placed, Section } from './section.ts';
import { ANY_SHAPE } from './shape.ts';
import { type ResolvedSteps, resolveSteps, type StepScope } from './steps.ts';

export interface SinkScope extends Scope, Omit<StepScope, 'subject' | 'report' | 'words'> {
  readonly topology: string;
  readonly sinks: ReadonlyMap<string, SinkSpec>;
  readonly lanes: ReadonlyMap<string, LanePlan | null>;
}

const SINK_KEYS = ['doc', 'from', 'steps', 'to'];
/** Keys of `to` that every sink has; the others are its spec's options. */
const TO_KEYS = ['type', 'in_flight_max', 'rate_max', 'timeout'];
const IN_FLIGHT_DEFAULT = 256;
const IN_FLIGHT_MAX = 100_000;
/** A minute; far beyond what a provider takes. */
const RATE_MAX = 1_000_000_000;
const TIMEOUT_MS_DEFAULT = 5_000;
/** A longer one would hold the lane's mark beyond what a retry topic is for (design, D8). */
const TIMEOUT_MS_MAX = 30_000;

export const OWNERS_TABLE: TablePlan = { name: 'owners', ...OWNERS };

/** What is known of a sink, also of one that is broken. */
export interface SinkUse {
  readonly name: string;
  readonly lane: LanePlan | undefined;
  readonly transport: Transport | 'all' | undefined;
  /** Of the devices of one app; undefined: of all that no other has. */
  readonly app: string | undefined;
  readonly spec: SinkSpec | undefined;
  /** The specs of its gates. */
  readonly steps: readonly StepSpec[];
  readonly broken: readonly Broken[];
  /** Undefined when something was told. */
  readonly plan: SinkPlan | undefined;
}

export function resolveSink(scope: SinkScope, name: string, written: Section): SinkUse {
  const { report } = scope;
  const errorsBefore = report.errorCount;
  const subject = `sink "${name}"`;
  const section = written.as(subject).only(SINK_KEYS);
  const from = resolveFrom(scope, section);
  const gates = resolveGates(scope, section, from.lane);
  const to = resolveTo(scope, section);
  if (to !== undefined) checkSinkUse(scope, section, from, to.spec, gates);
  checkEffects(scope, subject, gates);
  const { lane, transport, app } = from;
  const steps = gates.steps.map(({ spec }) => spec);
  // Of two that contradict each other nobody knows which one is meant.
  const isEither = to?.spec.transport !== undefined && to.spec.transport !== transport;
  const by = isEither ? undefined : transport;
  const ofApp = to?.spec.byApp === true ? app : undefined;
  const use = {
    name,
    lane,
    transport: by,
    app: ofApp,
    spec: to?.spec,
    steps,
    broken: gates.broken,
  };
  const isWhole = report.errorCount === errorsBefore;
  if (!isWhole || lane === undefined || transport === undefined || to === undefined) {
    return { ...use, plan: undefined };
  }
  return { ...use, plan: planOf(scope, section, name, { lane, transport, app }, gates, to) };
}

/** Undefined when it was told that a retry topic of it is taken. */
function planOf(
  scope: SinkScope,
  section: Section,
  name: string,
  from: {
    readonly lane: LanePlan;
    readonly transport: Transport | 'all';
    readonly app: string | undefined;
  },
  gates: ReturnType<typeof resolveGates>,
  to: NonNullable<ReturnType<typeof resolveTo>>,
): SinkPlan | undefined {
  const { subject } = section;
  const tables = new Map<string, TablePlan>();
  for (const { tables: used } of gates.steps)
    for (const table of used) tables.set(table.name, table);
  if (to.spec.needsOwner || to.spec.keeps !== true) {
    // Every sink that delivers checks the device's current epoch by it (design, D4).
    const declared = [...scope.tables.values()].find(
      (table) => table?.topic === OWNERS_TABLE.topic,
    );
    const owners = declared ?? OWNERS_TABLE;
    tables.set(owners.name, owners);
  }
  const retryTopicOf = to.spec.retries === true ? retryTopics(scope.priorities, name) : undefined;
  for (const priority of retryTopicOf === undefined ? [] : from.lane.priorities) {
    const topic = { value: retryTopicOf!(priority), span: section.span };
    if (!scope.topics.use(subject, topic, 'retry', from.lane.schema)) return undefined;
  }
  return {
    name,
    spec: to.spec,
    config: to.config,
    lane: from.lane,
    transport: from.transport,
    ...(from.app === undefined ? {} : { apps: { own: from.app, others: [] } }),
    steps: gates.steps.map(({ name: step, spec, config }) => ({
      name: step,
      spec,
      config,
      store: null,
    })),
    ...(readsEvent(gates.shape, gates.fields) ? { readsEvent: true as const } : {}),
    tables: [...tables.values()],
    inFlightMax: to.inFlightMax,
    rateMax: to.rateMax,
    timeoutMs: to.timeoutMs,
    groupOf: groups(scope, name),
    ...(retryTopicOf === undefined ? {} : { retryTopicOf }),
  };
}

function groups({ topology, priorities }: SinkScope, sink: string): (priority: Priority) => string {
  return (priority) => `${topology}.sink.${sink}.${priorities.nameOf(priority)}`;
}

/** One a priority, so that what waits stands before nothing that is more urgent. */
function retryTopics(priorities: Priorities, sink: string): (priority: Priority) => string {
  return (priority) => `${sink}-retry.${priorities.nameOf(priority)}`;
}

function resolveFrom(
  scope: SinkScope,
  sink: Section,
): {
  lane: LanePlan | undefined;
  transport: Transport | 'all' | undefined;
  app: string | undefined;
} {
  const like = 'Write from: { lane: notifications, transport: websocket }.';
  const section = sink.neededSection('from', like)?.only(['lane', 'transport', 'app']);
  if (section === undefined) return { lane: undefined, transport: undefined, app: undefined };
  const app = section.text('app')?.value;
  const name = section.neededText('lane');
  const lane =
    name === undefined ? undefined : namedLane(scope.report, sink.subject, scope.lanes, name);
  if (!section.has('transport'))
    section.missing('transport', `One of: ${listed(TRANSPORTS)}, all.`);
  const transport = section.choice('transport', [...TRANSPORTS, 'all'] as const);
  if (lane === undefined || transport === undefined) return { lane, transport, app };
  if (transport !== 'all' && !lane.transports.includes(transport)) {
    const what = `${sink.subject}: lane "${lane.name}" has no transport ${transport}.`;
    const span = section.tree('transport')!.span;
    scope.report.error('CAR211', span, what, `Its transports: ${listed(lane.transports)}.`);
    return { lane, transport: undefined, app };
  }
  return { lane, transport, app };
}

/**
 * A sink's steps only say yes or no: state and fan-out belong to the stream, before the numbers.
 */
function refusedInSink(spec: StepSpec): string | undefined {
  if (spec.rekeys === true) return 'changes the key, and lanes are keyed by device';
  if (spec.kind === 'each' && spec.rows === undefined) return undefined;
  return spec.kind === 'each' || spec.kind === 'timed' ? 'keeps state' : 'makes new records';
}

function resolveGates(scope: SinkScope, section: Section, lane: LanePlan | undefined) {
  const { schemas } = scope;
  const shape =
    lane === undefined
      ? ANY_SHAPE
      : (schemas.named(section.subject, { value: lane.schema, span: section.span }) ?? ANY_SHAPE);
  const resolved = resolveSteps(
    { ...scope, subject: section.subject, refuses: refusedInSink },
    section.list('steps'),
    shape,
  );
  return { ...resolved, shape };
}

/** A sink reaches the devices of its transport, and has before it what it needs. */
function checkSinkUse(
  { report }: Pick<SinkScope, 'report'>,
  sink: Section,
  { transport, app }: Pick<ReturnType<typeof resolveFrom>, 'transport' | 'app'>,
  spec: SinkSpec,
  { steps: gates, broken }: Pick<ResolvedSteps, 'steps' | 'broken'>,
): void {
  const { subject } = sink;
  const isKnown = spec.transport !== undefined && transport !== undefined;
  if (isKnown && transport !== spec.transport) {
    const what = `${subject}: ${spec.type} reaches devices by ${spec.transport} only, and it reads ${transport}.`;
    const span = sink.section('from')?.tree('transport')?.span ?? sink.span;
    report.error('CAR243', span, what, `Write transport: ${spec.transport}.`);
  }
  if (app !== undefined && spec.byApp !== true) {
    const what = `${subject}: ${spec.type} tells a device whatever its app is.`;
    const span = sink.section('from')?.tree('app')?.span ?? sink.span;
    report.error('CAR685', span, what);
  }
  const { needs } = spec;
  const isGate = ({ type }: StepSpec) => type === needs;
  const has = gates.some(({ spec: gate }) => isGate(gate)) || mayBe(broken, isGate);
  if (needs !== undefined && !has) {
    const what = `${subject}: ${spec.type} needs what ${needs} looks up, and reaches nobody without it.`;
    report.error('CAR250', sink.span, what, `Write steps: [{ ${needs}: { table: presence } }].`);
  }
  for (const { name, spec: gate, span } of gates) {
    if (gate.joinsFor === undefined || gate.joinsFor === spec.type) continue;
    const what =
      `${subject}: ${name} drops what is for devices that are away, ` +
      `and ${spec.type} is there for those.`;
    report.warning('CAR247', span, what, 'Take it out.');
  }
}

function resolveTo(scope: SinkScope, sink: Section) {
  const { report } = scope;
  const section = sink.neededSection(
    'to',
    'Write to: { type: … }. All types: carillon explain sinks',
  );
  const type = section?.neededText('type', `One of: ${listed(scope.sinks.keys())}.`);
  if (section === undefined || type === undefined) return undefined;
  const spec = scope.sinks.get(type.value);
  if (spec === undefined) return unknownSink(scope, sink.subject, type);
  const map = sink.tree('to');
  const options = resolveOptions(
    { ...scope, subject: `${sink.subject}, ${type.value}`, shape: ANY_SHAPE },
    spec.config,
    map?.kind === 'map' ? map : undefined,
    section.span,
    TO_KEYS,
  );
  const inFlight = section.scalar('in_flight_max');
  const timeout = section.scalar('timeout');
  const inFlightMax =
    inFlight === undefined
      ? IN_FLIGHT_DEFAULT
      : readCount(report, `${sink.subject}: in_flight_max`, inFlight, {
          min: 1,
          max: IN_FLIGHT_MAX,
        });
  const timeoutMs =
    timeout === undefined
      ? TIMEOUT_MS_DEFAULT
      : readDuration(report, `${sink.subject}: timeout`, timeout, { min: 1, max: TIMEOUT_MS_MAX });
  const rateMax = resolveRate(scope, sink.subject, section);
  if (options.isWhole) {
    const placeOf = (option: string) => options.places.get(option) ?? section.span;
    warnConfig(report, sink.subject, spec.warns?.(options.config) ?? [], placeOf);
  }
  return {
    spec,
    config: options.config,
    inFlightMax: inFlightMax ?? IN_FLIGHT_DEFAULT,
    rateMax: rateMax ?? null,
    timeoutMs: timeoutMs ?? TIMEOUT_MS_DEFAULT,
  };
}

/** Null: none is written. */
function resolveRate({ report }: SinkScope, subject: string, to: Section) {
  const written = to.scalar('rate_max');
  if (written === undefined) return null;
  return readCount(report, `${subject}: rate_max`, written, { min: 1, max: RATE_MAX });
}

function unknownSink(scope: SinkScope, subject: string, type: Placed): undefined {
  scope.report.error(
    'CAR205',
    type.span,
    `${subject}: sink type "${type.value}" is not in the catalog.`,
    didYouMean(type.value, scope.sinks.keys(), 'All sink types: carillon explain sinks'),
  );
  return undefined;
}
