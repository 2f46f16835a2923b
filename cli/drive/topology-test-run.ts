/**
 * Runs the tests beside a topology: each case on a driver of its own, outputs and drops exact. What
 * differs is shown as `-` (expected, not seen) and `+` (seen, not expected).
 */
import type { Plan, TablePlan } from '../../compiler/plan.ts';
import type {
  DropLine,
  ExpectLine,
  FeedLine,
  Json,
  TestCase,
  TestDevice,
  TopologyTest,
} from '../../compiler/topology-test.ts';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { HandClock } from '../../core/clock.ts';
import { formatDuration } from '../../core/duration.ts';
import { CarillonError, type Place } from '../../core/error.ts';
import type { Record } from '../../core/record.ts';
import { DRIVER_START_MS, Driver } from '../../runtime/driver/driver.ts';
import { totalsGap } from '../../runtime/driver/totals.ts';
import type { SchemaFolder } from '../../schemas/folder.ts';
import { recorder } from './recorder.ts';
import { DriveWorld } from './world.ts';

/** After the last line timers may still fire; what they let go must have been expected too. */
const AFTERWARDS_MS = 7 * 86_400_000;
/** Outputs of these topics must be listed; the others (tables, lanes, changelogs) may be. */
const EXACT_USES: readonly string[] = ['output', 'dead-letters'];

export interface Difference {
  readonly where: Place;
  /** `-`: expected and not seen; `+`: seen and not expected; `!`: something else. */
  readonly sign: '-' | '+' | '!';
  readonly what: string;
}

export interface CaseResult {
  readonly it: string;
  readonly differences: readonly Difference[];
}

interface Output {
  readonly atMs: number;
  readonly sink: string | undefined;
  readonly topic: string | undefined;
  readonly priority: string | undefined;
  readonly key: string;
  /** Of a dead letter, and why it is one. */
  readonly code: string | undefined;
  readonly why: string;
  readonly value: unknown;
  readonly exact: boolean;
}

interface Seen {
  readonly outputs: Output[];
  readonly drops: { atMs: number; stream: string; step: string; reason: string; count: number }[];
}

export async function runTopologyTest(
  test: TopologyTest,
  plan: Plan,
  folder: SchemaFolder,
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const one of test.tests) {
    const devices = [...test.devices, ...one.devices];
    results.push({ it: one.it, differences: await runCase(one, devices, plan, folder) });
  }
  return results;
}

async function runCase(
  test: TestCase,
  devices: readonly TestDevice[],
  plan: Plan,
  folder: SchemaFolder,
): Promise<Difference[]> {
  const world = await DriveWorld.open(plan, folder, new HandClock(DRIVER_START_MS));
  const seen: Seen = { outputs: [], drops: [] };
  let live = false;
  const driver: Driver = await Driver.open({
    plan,
    log: new MemoryLog(),
    schemas: world.schemas,
    openSink: async (sink, priority, nowMs) =>
      recorder(sink, priority, nowMs, ({ sink: name, priority: of, atMs, delivery }) => {
        const { deviceId, payload, payloadSchemaId } = delivery.notification;
        seen.outputs.push({
          atMs: atMs - DRIVER_START_MS,
          sink: name,
          topic: undefined,
          priority: of,
          key: deviceId,
          code: undefined,
          why: '',
          value: world.payload(payload, payloadSchemaId),
          exact: true,
        });
      }),
    onRecord: (record) => {
      if (live) seen.outputs.push(outputOf(world, record, driver.clock.now() - DRIVER_START_MS));
    },
    onDrop: (_record, stream, step, reason, by) =>
      addDrop(seen, { stream, step, reason, by }, driver.clock.now() - DRIVER_START_MS),
  });
  try {
    await registerDevices(driver, world, devices);
    live = true;
    for (const line of test.feed) await feed(driver, world, line);
    await driver.advanceTo(DRIVER_START_MS + lastMsOf(test));
    // What is still held comes out; a clock would tick on and on.
    driver.stopClocks();
    await driver.advance(AFTERWARDS_MS);
    await driver.close();
  } catch (error) {
    const what = error instanceof CarillonError ? error.what : String(error);
    return [{ where: test.where, sign: '!', what }];
  }
  const gap = totalsGap(driver.totals());
  const differences = [...compareOutputs(test, seen.outputs), ...compareDrops(test, seen)];
  if (gap !== 0)
    differences.push({ where: test.where, sign: '!', what: `${gap} records are lost.` });
  return differences;
}

/** Of all that it feeds and expects. */
function lastMsOf({ feed, expect, dropped = [] }: TestCase): number {
  return Math.max(0, ...[...feed, ...expect, ...dropped].map(({ atMs }) => atMs));
}

function outputOf(world: DriveWorld, record: Record, atMs: number): Output {
  const shown = world.valueOf(record);
  const use = world.plan.topics.find(({ name }) => name === record.topic)?.use ?? '';
  const said = (name: string) => {
    return record.headers?.find(({ key }) => key === `carillon.${name}`)?.value.toString();
  };
  return {
    atMs,
    sink: undefined,
    topic: record.topic,
    priority: undefined,
    key: record.key ?? '',
    code: said('code'),
    why: said('reason') ?? '',
    value: 'raw' in shown ? shown.raw : shown.value,
    exact: EXACT_USES.includes(use),
  };
}

function addDrop(
  seen: Seen,
  { stream, step, reason, by }: { stream: string; step: string; reason: string; by: number },
  atMs: number,
): void {
  const same = seen.drops.find(
    (one) =>
      one.atMs === atMs && one.stream === stream && one.step === step && one.reason === reason,
  );
  if (same === undefined) seen.drops.push({ atMs, stream, step, reason, count: by });
  else same.count += by;
}

/** Devices are there from the start: straight into the tables, by what their schemas are. */
async function registerDevices(
  driver: Driver,
  world: DriveWorld,
  devices: readonly TestDevice[],
): Promise<void> {
  const at = DRIVER_START_MS;
  const byMember = Map.groupBy(devices, (device) => device.memberId);
  for (const { schema, topic } of tablesOf(world.plan)) {
    const put = (key: string, value: object) =>
      driver.feed({ topic, key, value: world.schemas.encoder(schema).toBuffer(value) });
    if (schema === 'MemberDevices') {
      for (const [memberId, own] of byMember) {
        const rows = own.map(({ deviceId, class: of, transport }) => ({
          deviceId,
          epoch: 1,
          class: of,
          transports: [transport],
          updatedAt: at,
        }));
        await put(memberId, { memberId, devices: rows });
      }
    }
    for (const device of devices) {
      if (schema === 'Device') await put(device.deviceId, ownerRow(device, at));
      if (schema === 'Presence' && device.online) {
        const { deviceId } = device;
        const row = {
          gatewayId: 'gateway',
          connectionId: deviceId,
          generation: 0,
          connectedAt: at,
        };
        await put(deviceId, { deviceId, ...row });
      }
    }
  }
}

/** Also those that nobody declares, as sinks and reminders look up whose a device is. */
function tablesOf({ tables, sinks, subTopologies }: Plan): readonly TablePlan[] {
  const all = [tables, ...[...sinks, ...subTopologies].map((one) => one.tables)].flat();
  return [...new Map(all.map((table) => [table.topic, table])).values()];
}

function ownerRow(device: TestDevice, at: number): object {
  const { deviceId, memberId, class: of, transport } = device;
  const token = transport === 'fcm' || transport === 'apns' ? `token-${deviceId}` : null;
  const transports = [{ kind: transport, token, environment: null, registeredAt: at }];
  const rest = { epoch: 1, status: 'ACTIVE', platform: '', app: '', locale: '', updatedAt: at };
  return { deviceId, memberId, class: of, transports, ...rest };
}

async function feed(driver: Driver, world: DriveWorld, line: FeedLine): Promise<void> {
  const atMs = DRIVER_START_MS + line.atMs;
  await driver.advanceTo(atMs);
  const stream = world.plan.subTopologies
    .flatMap((sub) => sub.streams)
    .find(({ name, part }) => name === line.stream && part === '');
  const topic = line.topic ?? stream?.source.topic ?? '';
  const value =
    line.value === null ? null : world.encode(topic, withTime(line.value, stream, atMs));
  await driver.feed({ topic, key: line.key, value, timestamp: atMs });
}

/** The field that `time:` names is the line's time, where it is not given. */
function withTime(
  value: Json,
  stream: Plan['subTopologies'][number]['streams'][number] | undefined,
  atMs: number,
): Json {
  const field = stream?.source.time?.path.replace(/^value\./, '');
  if (field === undefined || field.includes('.')) return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return field in value ? value : { ...value, [field]: atMs };
}

function compareOutputs(test: TestCase, outputs: readonly Output[]): Difference[] {
  const left = [...outputs];
  const missed: ExpectLine[] = [];
  const differences: Difference[] = [];
  for (const line of test.expect) {
    const at = left.findIndex((output) => outputMatches(line, output));
    if (at >= 0) {
      left.splice(at, 1);
      continue;
    }
    missed.push(line);
    differences.push({ where: line.where, sign: '-', what: expectText(line) });
  }
  for (const output of left) {
    if (!output.exact) continue;
    const because = output.why === '' ? '' : `   ${output.why}`;
    differences.push({ where: test.where, sign: '+', what: besideText(output, missed) + because });
  }
  return differences;
}

/**
 * An output as it is set beside the line that was probably meant: of a wide event only the fields
 * that the line names, so that the two can be compared by eye.
 */
function besideText(output: Output, missed: readonly ExpectLine[]): string {
  const meant = missed.find(
    ({ sink, topic, key }) => sink === output.sink && topic === output.topic && key === output.key,
  );
  const { value } = output;
  if (!isObject(meant?.value) || !isObject(value)) return outputText(output);
  const named = Object.keys(meant.value).filter((field) => Object.hasOwn(value, field));
  const text = outputText({
    ...output,
    value: Object.fromEntries(named.map((f) => [f, value[f]])),
  });
  return named.length === Object.keys(value).length ? text : text.replace(/\} \}$/, ', …} }');
}

function isObject(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function outputMatches(line: ExpectLine, output: Output): boolean {
  if (line.atMs !== output.atMs || line.key !== output.key) return false;
  if (line.sink !== output.sink || line.topic !== output.topic) return false;
  if (line.priority !== undefined && line.priority !== output.priority) return false;
  if (line.code !== undefined && line.code !== output.code) return false;
  return line.value === undefined || valueMatches(line.value, output.value);
}

/** Fields that are listed must match; lists must be as long. */
function valueMatches(expected: Json, seen: unknown): boolean {
  if (Array.isArray(expected)) {
    if (!Array.isArray(seen) || seen.length !== expected.length) return false;
    return expected.every((item, i) => valueMatches(item, seen[i]));
  }
  if (typeof expected !== 'object' || expected === null) return expected === seen;
  if (typeof seen !== 'object' || seen === null) return false;
  return Object.entries(expected).every(([field, value]) =>
    valueMatches(value, (seen as { [field: string]: unknown })[field]),
  );
}

function compareDrops(test: TestCase, { drops }: Seen): Difference[] {
  if (test.dropped === undefined) return [];
  const left = [...drops];
  const differences: Difference[] = [];
  for (const line of test.dropped) {
    const at = left.findIndex((drop) => dropText(drop) === dropText(line));
    if (at >= 0) left.splice(at, 1);
    else differences.push({ where: line.where, sign: '-', what: `dropped ${dropText(line)}` });
  }
  for (const drop of left) {
    differences.push({ where: test.where, sign: '+', what: `dropped ${dropText(drop)}` });
  }
  return differences;
}

type DropFacts = Pick<DropLine, 'atMs' | 'stream' | 'step' | 'reason' | 'count'>;

function dropText({ atMs, stream, step, reason, count }: DropFacts): string {
  return `{ at: ${timeText(atMs)}, step: ${stream}/${step}, reason: ${reason}, count: ${count} }`;
}

function timeText(ms: number): string {
  return ms === 0 ? '0s' : formatDuration(ms);
}

function expectText(line: ExpectLine): string {
  return outputText({ ...line, value: line.value, why: '', exact: true });
}

function outputText({ atMs, sink, topic, priority, key, code, value }: Output): string {
  const to = sink === undefined ? `topic: ${topic}` : `sink: ${sink}`;
  const of = priority === undefined ? '' : `, priority: ${priority}`;
  const shown = value === undefined ? '' : `, value: ${JSON.stringify(value)}`;
  const letter = code === undefined ? '' : `, code: ${code}`;
  return `{ at: ${timeText(atMs)}, ${to}${of}, key: ${key}${letter}${shown} }`;
}
