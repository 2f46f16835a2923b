/**
 * The parts of a topology that others name: tables and lanes, and the topics behind all of them.
 */

import { TRANSPORTS, type Transport } from '../core/device.ts';
import { nearest } from '../core/nearest.ts';
import type { Priorities, Priority } from '../core/priority.ts';
import type { Words } from '../core/words.ts';
import type { AvroRecord, SchemaFolder } from '../schemas/folder.ts';
import { resolvePath } from './field-path.ts';
import type { LanePlan, TablePlan, TopicPlan } from './plan.ts';
import { readBytes } from './quantity.ts';
import { didYouMean, listed, type Report, type Span } from './report.ts';
import { checkKeyIsThere, isRowKey } from './row-keys.ts';
import type { Placed, Section } from './section.ts';
import { type RecordShape, shapeOf } from './shape.ts';
import { checkLaneKey, checkWholeTable, isNotification, NOTIFICATION } from './use-checks.ts';

const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const NAME_CHARS_MAX = 64;
/** Kafka's own rule. */
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;
/** A push is a hint; FCM and APNs take 4 KiB, a frame of the gateway 64. */
const LANE_BYTES_MAX_DEFAULT = 64 * 1024;
const LANE_BYTES_MAX = 1024 * 1024;

/** Whether a name can be a part of a topic, a group and a metric label. */
export function isName(name: string): boolean {
  return NAME.test(name) && name.length <= NAME_CHARS_MAX;
}

/** The name that was probably meant: `MyPipe 2` as `my-pipe-2`. */
export function nameLike(text: string): string | undefined {
  const kebab = text
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  return isName(kebab) ? kebab : undefined;
}

/** Tells a name that could not be a part of a topic, a group or a metric label. */
export function checkName(report: Report, subject: string, name: string, span: Span): boolean {
  if (isName(name)) return true;
  const like = nameLike(name);
  const mend = like === undefined ? undefined : `write ${like}.`;
  report.error('CAR108', span, `${subject}: "${name}" is not a name.`, mend);
  return false;
}

/** The schemas that a topology names, by shape; each is made once. */
export class SchemaShapes {
  readonly #folder: SchemaFolder;
  readonly #report: Report;
  readonly #shapes = new Map<string, RecordShape>();

  constructor(folder: SchemaFolder, report: Report) {
    this.#folder = folder;
    this.#report = report;
  }

  /**
   * As the folder finds it, so that one schema has one name, whichever way it is written. Undefined
   * when it was told that several records have that name.
   */
  placed(subject: string, name: Placed | undefined): Placed | undefined {
    if (name === undefined) return undefined;
    const records = this.#folder.named(name.value);
    if (records.length > 1) {
      const files = records.map(({ fullName, file }) => `${fullName} in ${file}`);
      const what = `${subject}: "${name.value}" is ${files.join(', and ')}.`;
      const mend = `Write the full name: ${records.map(({ fullName }) => fullName).join(' or ')}.`;
      this.#report.error('CAR408', name.span, what, mend);
      return undefined;
    }
    const record = this.#folder.get(name.value);
    const short = name.value.slice(name.value.lastIndexOf('.') + 1);
    const isSame = record !== undefined && this.#folder.get(short) === record;
    return isSame ? { ...name, value: short } : name;
  }

  /** Undefined when it was told that there is no such schema. */
  named(subject: string, name: Placed): RecordShape | undefined {
    const known = this.#shapes.get(name.value);
    if (known !== undefined) return known;
    const record: AvroRecord | undefined = this.#folder.get(name.value);
    if (record === undefined) {
      const names = this.#folder.names();
      this.#report.error(
        'CAR401',
        name.span,
        `${subject}: schema "${name.value}" is in none of the schema folders.`,
        didYouMean(name.value, names, `Add an .avsc file of the record "${name.value}".`),
      );
      return undefined;
    }
    const shape = shapeOf(record);
    this.#shapes.set(name.value, shape);
    return shape;
  }
}

type TopicUse = TopicPlan['use'];

/** A topic, where a file names it, or has the engine name it. */
export interface TopicMention {
  readonly subject: string;
  readonly topic: Placed;
  readonly use: TopicUse;
}

/** Every topic that a topology touches, with one schema each. */
export class Topics {
  readonly #report: Report;
  readonly #plans = new Map<string, TopicPlan>();
  readonly #mentions: TopicMention[] = [];

  constructor(report: Report) {
    this.#report = report;
  }

  get mentions(): readonly TopicMention[] {
    return this.#mentions;
  }

  /** In the order in which they were met. */
  get plans(): readonly TopicPlan[] {
    return [...this.#plans.values()];
  }

  /** A topic of the engine's own, which has its place before any file is read. */
  builtIn(plan: TopicPlan): void {
    this.#plans.set(plan.name, plan);
  }

  /** True when the topic is good for this use; else it was told why not. */
  use(subject: string, topic: Placed, use: TopicUse, schema: string | undefined): boolean {
    const { value: name, span } = topic;
    this.#mentions.push({ subject, topic, use });
    if (!TOPIC.test(name) || name === '.' || name === '..') {
      this.#report.error('CAR214', span, `${subject}: "${name}" is not a topic's name.`);
      return false;
    }
    const known = this.#plans.get(name);
    if (known === undefined) {
      this.#plans.set(name, topicPlan(name, use, schema));
      return true;
    }
    if (hasOtherWriter(use, known.use)) {
      const what = `${subject}: topic "${name}" has a writer of its own (${known.use}).`;
      this.#report.error('CAR215', span, what, 'Write to a topic of its own.');
      return false;
    }
    if (known.schema === schema) return true;
    const has = known.schema === undefined ? 'raw bytes' : `schema ${known.schema}`;
    this.#report.error(
      'CAR215',
      span,
      `${subject}: topic "${name}" has ${has} elsewhere (${known.use}), and ${schema ?? 'raw bytes'} here.`,
    );
    return false;
  }
}

/** Lanes, tables and what the engine writes have one writer each; events may have any number. */
function hasOtherWriter(use: TopicUse, known: TopicUse): boolean {
  if (use === 'lane' || use === 'dead-letters' || use === 'retry') return true;
  return use === 'output' && known !== 'events' && known !== 'output';
}

const DAY_MS = 86_400_000;
/** As long as the inbox keeps what it was told, so that a replay can be compared with it. */
const EVENTS_KEPT_MS = 7 * DAY_MS;
/** Long enough to look at what went wrong last month. */
const DEAD_LETTERS_KEPT_MS = 30 * DAY_MS;

export function topicPlan(
  name: string,
  use: TopicUse,
  schema: string | undefined,
  more: Partial<Pick<TopicPlan, 'cleanup' | 'retentionMs'>> = {},
): TopicPlan {
  const isCompacted = use === 'table' || use === 'changelog';
  return {
    name,
    use,
    cleanup: isCompacted ? 'compact' : 'delete',
    ...(isCompacted
      ? {}
      : { retentionMs: use === 'dead-letters' ? DEAD_LETTERS_KEPT_MS : EVENTS_KEPT_MS }),
    ...more,
    ...(schema === undefined ? {} : { schema }),
  };
}

export interface Scope {
  readonly report: Report;
  readonly schemas: SchemaShapes;
  readonly topics: Topics;
  readonly priorities: Priorities;
  readonly words: Words;
}

/**
 * Null: it is declared, and not known what its rows are, so that who names it is not blamed. Of
 * one that is broken in another way what is known stands.
 */
export function resolveTables(
  scope: Scope,
  section: Section | undefined,
): Map<string, TablePlan | null> {
  const tables = new Map<string, TablePlan | null>();
  if (section === undefined) return tables;
  for (const { key: name, keySpan } of section.entries) {
    checkName(scope.report, 'tables', name, keySpan);
    const part = section.section(name);
    tables.set(name, part === undefined ? null : resolveTable(scope, name, part));
  }
  return tables;
}

function resolveTable(scope: Scope, name: string, written: Section): TablePlan | null {
  const subject = `table "${name}"`;
  const section = written.as(subject).only(['topic', 'schema', 'key', 'whole', 'id', 'from']);
  const topic = section.neededText('topic');
  const schema = scope.schemas.placed(subject, section.neededText('schema'));
  const key = section.neededText('key');
  const shape = schema === undefined ? undefined : scope.schemas.named(subject, schema);
  const isWhole = section.flag('whole') === true;
  if (schema === undefined || shape === undefined) return null;
  // Of two that contradict each other nobody knows which one is meant.
  if (topic !== undefined && !scope.topics.use(subject, topic, 'table', schema.value)) return null;
  if (key !== undefined && !isRowKey(scope.report, subject, schema.value, shape, key)) return null;
  // The engine writes the key into each row that it makes.
  if (key !== undefined && !section.has('from')) checkKeyIsThere(scope.report, subject, shape, key);
  const place = section.entry('whole')?.keySpan ?? section.span;
  if (isWhole) checkWholeTable(scope.report, subject, schema.value, place);
  const [at, by] = [topic?.value ?? '', key?.value ?? ''];
  const plan = { name, topic: at, schema: schema.value, key: by };
  return isWhole ? { ...plan, whole: true } : plan;
}

/** Null: it is no mapping. */
export function resolveLanes(
  scope: Scope,
  section: Section | undefined,
): Map<string, LanePlan | null> {
  const lanes = new Map<string, LanePlan | null>();
  if (section === undefined) return lanes;
  for (const { key: name, keySpan } of section.entries) {
    checkName(scope.report, 'lanes', name, keySpan);
    const part = section.section(name);
    lanes.set(name, part === undefined ? null : resolveLane(scope, name, part));
  }
  return lanes;
}

const LANE_KEYS = ['topic', 'schema', 'key', 'priorities', 'transports', 'bytes_max'];

function resolveLane(scope: Scope, name: string, written: Section): LanePlan {
  const { report, priorities: order } = scope;
  const subject = `lane "${name}"`;
  const section = written.as(subject).only(LANE_KEYS);
  const topic = section.neededText('topic');
  const schema = scope.schemas.placed(subject, section.neededText('schema'));
  const shape = schema === undefined ? undefined : scope.schemas.named(subject, schema);
  const key = section.neededText('key');
  if (schema !== undefined && shape !== undefined && isNotification(report, subject, schema)) {
    const path = key === undefined ? undefined : resolvePath(report, subject, key, shape);
    if (key !== undefined && path !== undefined) checkLaneKey(report, subject, key);
  }
  const priorities = section.choices('priorities', order.names) ?? order.names;
  const transports = section.choices('transports', TRANSPORTS) ?? TRANSPORTS;
  const size = section.scalar('bytes_max');
  const bytesMax =
    size === undefined
      ? LANE_BYTES_MAX_DEFAULT
      : readBytes(report, `${subject}: bytes_max`, size, { min: 1, max: LANE_BYTES_MAX });
  const isPattern = topic !== undefined && isLaneTopic(report, subject, topic);
  const lane: LanePlan = {
    name,
    // Whatever is written there, they are the engine's.
    schema: NOTIFICATION,
    order,
    priorities: [...order.names.keys()].filter((p) => priorities.includes(order.nameOf(p))),
    transports,
    bytesMax: bytesMax ?? LANE_BYTES_MAX_DEFAULT,
    topicOf: laneTopics(topic?.value ?? '', order),
  };
  if (!isPattern) return lane;
  for (const priority of lane.priorities) {
    for (const transport of lane.transports) {
      const of = { value: lane.topicOf(priority, transport), span: topic.span };
      scope.topics.use(subject, of, 'lane', NOTIFICATION);
    }
  }
  return lane;
}

function isLaneTopic(report: Report, subject: string, { value, span }: Placed): boolean {
  for (const slot of ['{priority}', '{transport}']) {
    if (value.split(slot).length !== 2) {
      report.error('CAR213', span, `${subject}: topic "${value}" does not have ${slot} once.`);
      return false;
    }
  }
  return true;
}

/** The names are made once: the lane writer asks for one with every record. */
function laneTopics(
  pattern: string,
  order: Priorities,
): (priority: Priority, transport: Transport) => string {
  const names = new Map<Transport, readonly string[]>(
    TRANSPORTS.map((transport) => [
      transport,
      order.names.map((priority) =>
        pattern.replace('{priority}', priority).replace('{transport}', transport),
      ),
    ]),
  );
  return (priority, transport) => {
    const name = names.get(transport)?.[priority];
    if (name === undefined) throw new RangeError(`no lane ${priority}/${transport}`);
    return name;
  };
}

/**
 * `lane` by its name; where it was told that there is none, the one that was probably meant, if
 * any.
 */
export function namedLane(
  report: Report,
  subject: string,
  lanes: ReadonlyMap<string, LanePlan | null>,
  name: Placed,
): LanePlan | undefined {
  const lane = lanes.get(name.value);
  if (lane !== undefined) return lane ?? undefined;
  const names = [...lanes.keys()];
  report.error(
    'CAR202',
    name.span,
    `${subject}: lane "${name.value}" is not declared.`,
    didYouMean(name.value, names, `Lanes: ${listed(names)}.`),
  );
  const near = nearest(name.value, names);
  return near === undefined ? undefined : (lanes.get(near) ?? undefined);
}

export function priorityList({ order, priorities }: LanePlan): string {
  return listed(priorities.map((priority) => order.nameOf(priority)));
}
