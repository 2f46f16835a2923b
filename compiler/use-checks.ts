/** What is named fits what it is named for: tables, lanes and the sinks that tell from them. */
import type { Transport } from '../core/device.ts';
import type { StepSpec } from '../core/spec.ts';
import { mayBe } from './broken-steps.ts';
import { engineTableOf } from './engine-tables.ts';
import type { LanePlan, SinkPlan, TablePlan } from './plan.ts';
import { listed, type Report, type Span } from './report.ts';
import type { Placed } from './section.ts';
import type { SinkUse } from './sinks.ts';

/** What lanes hold. */
export const NOTIFICATION = 'DeviceNotification';
const DEVICE_PATH = 'value.deviceId';

/** A lane's records are written by the engine, in one form; false: it was told. */
export function isNotification(report: Report, subject: string, { value, span }: Placed): boolean {
  if (value === NOTIFICATION) return true;
  const what = `${subject}: its records are notifications, and cannot be written as ${value}.`;
  report.error('CAR242', span, what);
  return false;
}

/** The order of a lane, and its numbers, are per device. */
export function checkLaneKey(report: Report, subject: string, { value, span }: Placed): void {
  if (value === DEVICE_PATH || value === 'key') return;
  const what = `${subject}: key ${value} is not the device, by which a lane is in order.`;
  report.error('CAR241', span, what, `Write key: ${DEVICE_PATH}.`);
}

/** A table of the engine's own has the key that the engine writes. */
export function checkTableKey(
  report: Report,
  subject: string,
  schema: string,
  key: Placed,
): boolean {
  const known = engineTableOf(schema);
  if (known === undefined || known.key === key.value) return true;
  const what = `${subject}: rows of ${schema} are keyed by ${known.key}, not by ${key.value}.`;
  report.error('CAR241', key.span, what, `Write key: ${known.key}.`);
  return false;
}

/** What the engine itself looks up by the key of a task is held by that task. */
export function checkWholeTable(report: Report, subject: string, schema: string, span: Span): void {
  if (engineTableOf(schema) === undefined) return;
  const what = `${subject}: rows of ${schema} are looked up where their partition is.`;
  report.error('CAR262', span, what);
}

/** Nobody else writes rows of the engine's tables, unless something outside does. */
export function checkTableTopic(
  report: Report,
  { name, schema, topic }: TablePlan,
  span: Span,
): void {
  const known = engineTableOf(schema);
  if (known === undefined || known.topic === topic) return;
  const what =
    `table "${name}": ${schema} is written to ${known.topic}, and nobody here writes ${topic}: ` +
    'what looks up in it finds nothing.';
  report.warning('CAR249', span, what, `Write topic: ${known.topic}.`);
}

/** A topic has one position in a group, whoever reads it there. */
export function checkTableInput(
  report: Report,
  { name, topic }: TablePlan,
  span: Span,
  streams: readonly { readonly name: string; readonly topic: string }[],
): void {
  const reader = streams.find((stream) => stream.topic === topic);
  if (reader === undefined) return;
  const what = `table "${name}": it is joined, and stream "${reader.name}" reads its topic ${topic}.`;
  report.error('CAR260', span, what);
}

interface NamedSink {
  readonly sink: SinkUse;
  readonly span: Span;
}

/** A sink that keeps is there for devices that ask; others must be told. */
function tells({ spec, transport }: SinkUse, by: Transport): boolean {
  if (transport !== 'all' && transport !== by) return false;
  return by === 'inbox' || spec?.keeps !== true;
}

const keeps = ({ spec }: SinkUse): boolean => spec?.keeps === true;

/** Every transport of a lane has one sink that tells its devices. */
export function checkLaneSinks(
  report: Report,
  lane: LanePlan,
  span: Span,
  all: readonly NamedSink[],
): void {
  // One of which lane or transport are not known may be the one that would be missed.
  if (all.some(({ sink }) => sink.lane === undefined)) return;
  const sinks = all.filter(({ sink }) => sink.lane === lane);
  if (sinks.some(({ sink }) => sink.transport === undefined)) return;
  const unread = lane.transports.filter((by) => !sinks.some(({ sink }) => tells(sink, by)));
  if (unread.length > 0) {
    const isKept = sinks.some(({ sink }) => keeps(sink) && sink.transport === 'all');
    const but = isKept && unread.some((by) => by !== 'inbox') ? '; the inbox only keeps' : '';
    report.error('CAR217', span, `lane "${lane.name}": no sink tells ${listed(unread)}${but}.`);
  } else if (sinks.every(({ sink }) => sink.spec !== undefined)) {
    checkKept(report, lane, span, sinks);
  }
  for (const by of lane.transports) {
    checkOnce(report, lane, by, sinks);
    checkApps(report, lane, by, sinks);
  }
}

/**
 * Who is away when it is told finds it in an inbox, when one keeps what goes by the device's
 * transport. Without any inbox, only what goes to a socket is gone: providers keep it themselves.
 */
function checkKept(
  report: Report,
  { name, transports }: LanePlan,
  span: Span,
  sinks: readonly NamedSink[],
): void {
  const inboxes = sinks.filter(({ sink }) => keeps(sink));
  const isKept = (by: Transport) =>
    by === 'inbox' || inboxes.some(({ sink: { transport: of } }) => of === 'all' || of === by);
  const lost = transports.filter((by) => !isKept(by) && (inboxes.length > 0 || by === 'websocket'));
  if (lost.length === 0) return;
  const [inbox] = inboxes;
  const why =
    inbox === undefined
      ? `lane "${name}": no inbox keeps anything`
      : `sink "${inbox.sink.name}": it keeps nothing that goes by ${listed(lost)}`;
  const what = `${why}, so a device of ${listed(lost)} that is away finds none of it when it comes back.`;
  report.warning('CAR223', inbox?.span ?? span, what);
}

const isChoice = ({ type }: Pick<StepSpec, 'type'>) => type === 'filter' || type === 'sample';

/** Two sinks that choose by a filter may share a transport; else one tells what the other told. */
function checkOnce(
  report: Report,
  { name }: LanePlan,
  by: Transport,
  sinks: readonly NamedSink[],
): void {
  const [first, ...others] = sinks.filter(({ sink }) => sink.spec?.transport === by);
  if (first === undefined) return;
  const chooses = ({ sink }: NamedSink) =>
    sink.steps.some(isChoice) || mayBe(sink.broken, isChoice);
  for (const [i, other] of others.entries()) {
    if (chooses(first) && chooses(other)) continue;
    const before = [first, ...others.slice(0, i)];
    if (before.every(({ sink: { app } }) => app !== other.sink.app)) continue;
    const what = `sink "${other.sink.name}": sink "${first.sink.name}" tells ${by} of lane "${name}" already.`;
    report.error('CAR244', other.span, what, 'Keep one of the two, or filter in both.');
  }
}

/** Who is of an app that no sink has would never be told. */
function checkApps(
  report: Report,
  { name }: LanePlan,
  by: Transport,
  sinks: readonly NamedSink[],
): void {
  const telling = sinks.filter(({ sink }) => sink.spec?.transport === by);
  const apps = telling.flatMap(({ sink }) => sink.app ?? []);
  if (telling.length === 0 || apps.length < telling.length) return;
  const what = `sink "${telling[0]!.sink.name}": of lane "${name}" no sink tells ${by} to devices of other apps than ${listed(apps)}.`;
  report.error('CAR684', telling[0]!.span, what);
}

/** Each sink knows which apps others of its lane and transport have. */
export function withApps(sinks: readonly SinkPlan[]): readonly SinkPlan[] {
  return sinks.map((sink) => {
    const others = sinks
      .filter((one) => one.lane === sink.lane && one.transport === sink.transport && one !== sink)
      .flatMap(({ apps }) => apps?.own ?? []);
    if (sink.apps === undefined && (others.length === 0 || sink.spec.byApp !== true)) return sink;
    return { ...sink, apps: { own: sink.apps?.own ?? null, others } };
  });
}
