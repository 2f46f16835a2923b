/**
 * `carillon device`: acts as one device, on its socket or by pulling, and prints what it is told.
 */
import { type ClientState, DeviceClient } from '../../client/client.ts';
import { systemClock } from '../../core/clock.ts';
import type { DeviceClasses } from '../../core/device-classes.ts';
import { parseDuration } from '../../core/duration.ts';
import { CarillonError } from '../../core/error.ts';
import { nearest } from '../../core/nearest.ts';
import { RENO_WORDS, type Words } from '../../core/words.ts';
import { mintToken } from '../../gateway/auth.ts';
import { CLOSE_CODES } from '../../gateway/close-codes.ts';
import type { Scope } from '../../gateway/identity.ts';
import type { PullPage } from '../../schemas/frames.ts';
import { type Deployment, gatewayUrlOf, readDeployment } from '../deployment.ts';
import { DevicePrinter, note } from '../device-printer.ts';
import { GatewayClient } from '../gateway-client.ts';
import { loadTopology } from '../load-topology.ts';
import { pause } from '../pause.ts';
import { secretsOf } from '../secrets.ts';
import { EXIT_OK } from '../show-error.ts';
import { useCaseNames } from '../use-case-names.ts';

export interface DeviceOptions {
  readonly deployment?: string;
  readonly id: string;
  readonly member?: string;
  /** Left out: a television, or the first of the topology's own. */
  readonly class?: string;
  readonly pull?: boolean;
  readonly every?: string;
  readonly after?: string;
  readonly ack: boolean;
  readonly url?: string;
  readonly format: 'pretty' | 'json';
}

/** A person looks on, and does not want to wait. */
const BACKOFF = { backoffFirstMs: 250, backoffMaxMs: 15_000 };
const CLASS_DEFAULT = 'tv';
const TOKEN_TTL_MS = 24 * 3_600_000;
const PULL_LIMIT = 100;
/** A registration is known a moment after its answer; a pull right after it waits for that. */
const KNOWN_AFTER_MS = 5_000;
const LOOK_AGAIN_MS = 200;

export async function device(options: DeviceOptions): Promise<number> {
  const deployment = readDeployment({
    file: options.deployment,
    folder: process.cwd(),
    env: process.env,
  });
  const words = await wordsOf(deployment);
  const everyMs = checkOptions(options, words.deviceClasses);
  const url = options.url ?? gatewayUrlOf(deployment);
  const mint = minter(deployment);
  if (options.member !== undefined) {
    const registrar = new GatewayClient(url, () => mint('carillon-device', 'registrar'));
    const kind = options.pull === true ? 'inbox' : 'websocket';
    const { member } = options;
    const deviceClass = options.class ?? defaultOf(words.deviceClasses);
    await registrar.register(options.id, {
      [words.fields.member]: member,
      class: deviceClass,
      platform: 'carillon',
      app: 'carillon device',
      transports: [{ kind }],
    });
    note(`${options.id} is registered for ${member}, as ${deviceClass}, on ${kind}.`);
  }
  const client = new GatewayClient(url, () => mint(options.id));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const print = new DevicePrinter(options.format, {
    // Programs get the frames as they came, with ids.
    names: options.format === 'json' ? new Map() : await namesOf(deployment),
    nowMs: () => systemClock.now(),
    write: (text) => process.stdout.write(text),
  });
  if (options.pull === true) await pullAll(client, options, everyMs, print, stop.signal);
  else await hold(url, client, () => mint(options.id), options, print, stop.signal);
  return EXIT_OK;
}

const defaultOf = (classes: DeviceClasses): string =>
  classes.has(CLASS_DEFAULT) ? CLASS_DEFAULT : classes.names[0]!;

function checkOptions(
  { class: deviceClass, every }: DeviceOptions,
  classes: DeviceClasses,
): number | undefined {
  const where = { at: 'carillon device' };
  if (deviceClass !== undefined && !classes.has(deviceClass)) {
    const near = nearest(deviceClass, classes.names);
    throw new CarillonError('CAR900', `there is no device class "${deviceClass}".`, {
      where,
      mend: near === undefined ? `classes: ${classes.names.join(', ')}` : `did you mean "${near}"?`,
    });
  }
  if (every === undefined) return undefined;
  const ms = parseDuration(every);
  if (ms !== undefined && ms > 0) return ms;
  throw new CarillonError('CAR900', `--every "${every}" is not a duration.`, {
    where,
    mend: 'write e.g. --every 30s',
  });
}

function minter(deployment: Deployment): (subject: string, scope?: Scope) => Promise<string> {
  const { secret } = secretsOf(deployment);
  return (subject, scope) =>
    mintToken({
      secret,
      subject,
      clock: systemClock,
      ttlMs: TOKEN_TTL_MS,
      ...(scope === undefined ? {} : { scope }),
    });
}

/** Until Ctrl-C, or a close code that is final: CAR913. */
async function hold(
  url: string,
  client: GatewayClient,
  token: () => Promise<string>,
  options: DeviceOptions,
  print: DevicePrinter,
  signal: AbortSignal,
): Promise<void> {
  const refused = Promise.withResolvers<never>();
  let known = false;
  let told = false;
  const waits = ({ code, reason, againMs }: Extract<ClientState, { is: 'waiting' }>) => {
    note(`closed: ${code} ${reason || 'connection lost'}; back in ${Math.round(againMs)} ms.`);
    if (code === CLOSE_CODES.notRegistered.code && options.member === undefined && !told) {
      told = true;
      note('nobody has registered it: do that, or end this, and add --member <id>.');
    }
    // A device that was connected once only waits until its gateway is back.
    if (known || code >= 3000) return;
    known = true;
    // A handshake that broke does not say why, but the same token over HTTP does.
    client.pull(options.id, options.after, 1).catch((error: unknown) => {
      if (error instanceof CarillonError && error.code === 'CAR713') return;
      refused.reject(error);
    });
  };
  let last: ClientState | undefined;
  const socket = new DeviceClient({
    url,
    deviceId: options.id,
    token,
    after: options.after,
    acknowledge: options.ack,
    transports: ['websocket'],
    limits: BACKOFF,
    onNotification: () => {},
    onFrame: (frame) => {
      known = true;
      print.frame(frame);
    },
    onState: (state) => {
      last = state;
      if (state.is === 'waiting' && !signal.aborted) waits(state);
    },
  });
  signal.addEventListener('abort', () => void socket.stop());
  try {
    await Promise.race([socket.start(), refused.promise]);
  } finally {
    await socket.stop();
  }
  if (last?.is === 'stopped' && !signal.aborted) throw turnedAway(options.id, last);
  if (socket.cursor !== undefined) note(`go on later with --after ${socket.cursor}`);
}

function turnedAway(
  id: string,
  { code, reason }: Extract<ClientState, { is: 'stopped' }>,
): CarillonError {
  return new CarillonError('CAR913', `the gateway closed the connection for good: ${reason}.`, {
    where: { at: `${id}, close code ${code}` },
  });
}

async function pullAll(
  client: GatewayClient,
  options: DeviceOptions,
  everyMs: number | undefined,
  print: DevicePrinter,
  signal: AbortSignal,
): Promise<void> {
  let after = options.after;
  let total = 0;
  for (;;) {
    const page = await pullKnown(client, options.id, after, signal);
    if (page === undefined) return;
    total += page.notifications.length;
    print.page(page);
    after = page.cursor;
    const some = page.notifications.length + page.skipped.length > 0;
    if (options.ack && some) await client.acknowledge(options.id, page.cursor);
    if (page.more) continue;
    if (everyMs === undefined || signal.aborted) break;
    await pause(everyMs, signal);
    if (signal.aborted) break;
  }
  const told = total === 1 ? '1 notification' : `${total} notifications`;
  note(`${told}; go on later with --after ${after}`);
}

/** Undefined: Ctrl-C came first. */
async function pullKnown(
  client: GatewayClient,
  id: string,
  after: string | undefined,
  signal: AbortSignal,
): Promise<PullPage | undefined> {
  const untilMs = performance.now() + KNOWN_AFTER_MS;
  for (;;) {
    try {
      return await client.pull(id, after, PULL_LIMIT);
    } catch (error) {
      const early = error instanceof CarillonError && error.code === 'CAR713';
      if (!early || performance.now() > untilMs) throw error;
      await pause(LOOK_AGAIN_MS, signal);
      if (signal.aborted) return undefined;
    }
  }
}

/** RENO's where the topology cannot be read: the gateway may run elsewhere, and judges. */
async function wordsOf(deployment: Deployment): Promise<Words> {
  try {
    const { plan } = await loadTopology(deployment, { folder: process.cwd(), env: process.env });
    return plan.words;
  } catch {
    return RENO_WORDS;
  }
}

/** A gateway elsewhere may run a topology that is not here: then ids are what can be shown. */
async function namesOf(deployment: Deployment): Promise<ReadonlyMap<string, string>> {
  try {
    const { plan } = await loadTopology(deployment, { folder: process.cwd(), env: process.env });
    return useCaseNames(plan);
  } catch {
    return new Map();
  }
}
