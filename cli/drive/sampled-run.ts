/**
 * A topology on sample events: what each of its steps passes and drops, and who is told. The same
 * seed gives the same; the clock is moved, so that a minute of events takes no time.
 */
import type { Plan } from '../../compiler/plan.ts';
import { makesOthers } from '../../core/step-facts.ts';
import { DRIVER_START_MS } from '../../runtime/driver/driver.ts';
import type { SchemaFolder } from '../../schemas/folder.ts';
import { registrationOf, type SampleDevice, sampleDevices } from '../demo/sample-devices.ts';
import { SampleEvents } from '../demo/sample-events.ts';
import { sampledTypes } from '../demo/sampled-types.ts';
import { topicOfType } from '../run/topology.ts';
import { Drive } from './drive.ts';

export interface SampledStep {
  readonly step: string;
  readonly passed: number;
  /** By reason; a code of the error table for dead letters. */
  readonly dropped: { readonly [reason: string]: number };
}

export interface SampledStream {
  readonly stream: string;
  readonly in: number;
  /** From its source on, up to the step that makes many of one. */
  readonly steps: readonly SampledStep[];
}

export interface SampledRun {
  readonly events: number;
  readonly streams: readonly SampledStream[];
  /** Notifications by sink. */
  readonly told: { readonly [sink: string]: number };
}

export interface SampledOptions {
  readonly seed: number;
  readonly events: number;
  readonly members: number;
}

/** Between two events: bursts of one title come within the windows of coalesce. */
const APART_MS = 250;
/** At the end all windows have fired. */
const AFTERWARDS = '1d';
const REGISTRATIONS = 'events.device-registration';

type Counts = { [reason: string]: number };
type Line = { readonly [field: string]: unknown };

export async function runSamples(
  plan: Plan,
  folder: SchemaFolder,
  options: SampledOptions,
): Promise<SampledRun> {
  const { known, bySchema } = sampledTypes(plan, folder);
  const lost = new Map<string, Counts>();
  const told: Counts = {};
  const fedTo = new Map<string, number>();
  let isFeeding = false;
  const clocks = new Set(plan.topics.filter(({ use }) => use === 'ticks').map(({ name }) => name));
  const take = (text: string) => {
    if (!isFeeding) return;
    const line: Line = JSON.parse(text);
    const topic = String(line.topic);
    if (clocks.has(topic)) fedTo.set(topic, (fedTo.get(topic) ?? 0) + 1);
    count(line, lost, told);
  };
  const settings = { plan, folder, partitions: 1, commitEvery: 1, drops: true };
  const driving = await Drive.open(settings, take);
  const feed = (line: Line) => driving.input(JSON.stringify(line));
  for (const device of sampleDevices(options.members, plan.words.deviceClasses)) {
    for (const line of knownDevice(device, plan)) await feed(line);
  }
  isFeeding = true;
  const samples = new SampleEvents({
    seed: options.seed,
    run: 'sample',
    members: options.members,
    types: known,
    bySchema,
    mistakes: true,
  });
  const events = known.length + bySchema.length === 0 ? 0 : options.events;
  for (let n = 0; n < events; n++) {
    const { type, key, value } = samples.next(DRIVER_START_MS + n * APART_MS);
    const topic = topicOfType(plan, type);
    fedTo.set(topic, (fedTo.get(topic) ?? 0) + 1);
    await feed({ topic, key, value });
    await feed({ advance: `${APART_MS}ms` });
  }
  await feed({ advance: AFTERWARDS });
  await driving.end();
  return { events, streams: streamsOf(plan, fedTo, lost), told };
}

/** Registered, and connected when it is a device that connects. */
function knownDevice(device: SampleDevice, plan: Plan): Line[] {
  const { deviceId, transport } = device;
  const has = (topic: string) => plan.topics.some(({ name }) => name === topic);
  const lines: Line[] = [];
  if (has(REGISTRATIONS)) {
    const value = { deviceId, action: 'REGISTERED', occurredAt: DRIVER_START_MS };
    lines.push({
      topic: REGISTRATIONS,
      key: deviceId,
      value: { ...registrationOf(device), ...value },
    });
  }
  const presence = plan.tables.find(({ schema }) => schema === 'Presence');
  if (presence !== undefined && transport === 'websocket') {
    const connection = { gatewayId: 'gateway', connectionId: deviceId, generation: 0 };
    lines.push({
      topic: presence.topic,
      key: deviceId,
      value: { deviceId, ...connection, connectedAt: DRIVER_START_MS },
    });
  }
  return lines;
}

function count(line: Line, lost: Map<string, Counts>, told: Counts): void {
  const add = (step: string, reason: string, by = 1) => {
    const of = lost.get(step) ?? {};
    of[reason] = (of[reason] ?? 0) + by;
    lost.set(step, of);
  };
  if (typeof line.sink === 'string') {
    told[line.sink] = (told[line.sink] ?? 0) + 1;
  } else if (line.drop !== undefined) {
    const { stream, step, reason, count: by } = line.drop as { [field: string]: string };
    add(`${stream}/${step}`, reason!, Number(by ?? 1));
  } else if (line.headers !== undefined) {
    const headers = line.headers as { readonly [name: string]: string };
    const code = headers['carillon.code'];
    if (code !== undefined) add(`${headers['carillon.stream']}/${headers['carillon.step']}`, code);
  }
}

/** A stream that can give several priorities is one stream here. */
function streamsOf(
  plan: Plan,
  fedTo: ReadonlyMap<string, number>,
  lost: ReadonlyMap<string, Counts>,
): SampledStream[] {
  const all = plan.subTopologies
    .filter(({ role }) => role.startsWith('streams'))
    .flatMap((sub) => sub.streams)
    .filter(({ part, source }) => part === '' && source.topic !== null);
  const streams = [...new Map(all.map((stream) => [stream.name, stream])).values()];
  return streams.map(({ name, source, steps }) => {
    const fed = fedTo.get(source.topic!) ?? 0;
    let passed = fed;
    const manyAt = steps.findIndex(({ spec }) => makesOthers(spec));
    const own = steps.slice(0, manyAt < 0 ? steps.length : manyAt + 1);
    const named = ['source', ...own.map((step) => step.name)];
    return {
      stream: name,
      in: fed,
      steps: named.map((step) => {
        const dropped = lost.get(`${name}/${step}`) ?? {};
        passed -= Object.values(dropped).reduce((sum, by) => sum + by, 0);
        return { step, passed, dropped };
      }),
    };
  });
}
