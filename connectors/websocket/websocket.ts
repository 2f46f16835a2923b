/**
 * The sink for devices that hold a WebSocket: finds the gateway that holds the connection and hands
 * it the notifications in batches, one HTTP request per gateway.
 */
import { CarillonError } from '../../core/error.ts';
import { type Delivery, delivered, type Outcome } from '../../core/outcome.ts';
import { defineSink, type Sink, type SinkContext } from '../../core/spec.ts';
import type { DeliverOutcome } from '../../schemas/deliveries.ts';
import { SinkSettings } from '../sink-settings.ts';
import { GatewayLink, type LinkAnswer, type LinkSettings } from './gateway-link.ts';

/**
 * Below the sink's `timeout` (2 s), so that one silent gateway does not cost the others' answers.
 */
const TIMEOUT_MS = 1_500;
const CONNECTIONS_MAX = 8;
/** A gateway that does not know a device's new epoch yet follows the table within this. */
const AHEAD_AFTER_MS = 100;

/** The row of `tables.presence` that `gate_online` joined. */
interface Presence {
  readonly gatewayId: string;
  readonly connectionId: string;
}

export interface GatewayRow {
  readonly gatewayId: string;
  readonly url: string;
  /** Epoch ms; after it its connections do not count (rule D10). */
  readonly leaseUntil: number;
}

/** The service `gateways`: the rows of `tables.gateways`. */
export interface Gateways {
  get(gatewayId: string): GatewayRow | undefined;
  /** For the probe; without it only gateways that were used are asked. */
  all?(): Iterable<GatewayRow>;
}

export const websocket = defineSink({
  type: 'websocket',
  summary: 'Hands notifications to the gateways that hold the WebSockets of devices.',
  description:
    'Needs `gate_online` before it: its presence row names gateway and connection. A device whose ' +
    'connection is gone, or whose gateway has let its lease lapse, ends as `offline`; one that reads ' +
    'too slowly is closed and ends as `slow`: both find the notification in the inbox.',
  config: {},
  promises: [
    'At least once; the gateway sends a repeat to the same connection only once.',
    'Delivered means handed to the socket, not read by the device: that is the acknowledgement.',
    'What waits for a device goes in one request, in order, up to 32 records.',
    'One gateway that is away holds up no other.',
    'A time-out or a cut connection is told as ambiguous.',
  ],
  batchMax: 256,
  needsOwner: false,
  transport: 'websocket',
  needs: 'gate_online',
  /**
   * The gateway tells a connection's records in the order of the request. Only those of an epoch
   * that it does not know yet are to be tried again, and then all of that epoch are.
   */
  together({ joined: before }, { joined: next }) {
    const [a, b] = [before as Presence | undefined, next as Presence | undefined];
    return a?.connectionId === b?.connectionId && a?.gatewayId === b?.gatewayId;
  },
  example: 'to: { type: websocket, in_flight_max: 512, timeout: 2s }',
  async open(_config, context): Promise<Sink> {
    return new WebsocketSink(context);
  },
});

class WebsocketSink implements Sink {
  readonly #context: SinkContext;
  readonly #gateways: Gateways;
  readonly #settings: LinkSettings;
  readonly #links = new Map<string, GatewayLink>();

  constructor(context: SinkContext) {
    const settings = new SinkSettings('connectors.websocket', 'CAR723', context.settings);
    this.#context = context;
    this.#gateways = context.service('gateways');
    this.#settings = {
      internalToken: settings.text('internalToken'),
      timeoutMs: settings.duration('requestTimeout', TIMEOUT_MS),
      connectionsMax: settings.count('connectionsPerGateway', CONNECTIONS_MAX, 64),
      ca: settings.has('internalCa') ? settings.text('internalCa') : undefined,
    };
  }

  /** No gateway: nobody is online, and nothing is wrong. */
  async probe(): Promise<void> {
    const now = this.#context.clock.now();
    const rows = [...(this.#gateways.all?.() ?? [])].filter((row) => row.leaseUntil > now);
    const links = this.#gateways.all ? rows.map((row) => this.#link(row)) : this.#links.values();
    const answers = await Promise.all([...links].map((link) => link.deliver([], now)));
    if (answers.some((answer) => answer.kind === 'refused')) {
      throw new CarillonError('CAR723', 'A gateway refused the internal token.', {
        where: { at: 'connectors.websocket.internalToken' },
      });
    }
    if (answers.length > 0 && answers.every((answer) => answer.kind === 'away')) {
      const [first] = answers;
      const why = first?.kind === 'away' ? first.why : '';
      throw new CarillonError('CAR722', `No gateway answers (${why}).`, { retryable: true });
    }
  }

  async deliver(batch: readonly Delivery[]): Promise<readonly Outcome[]> {
    const now = this.#context.clock.now();
    const outcomes: Outcome[] = batch.map(() => OFFLINE);
    const groups = new Map<GatewayLink, number[]>();
    batch.forEach(({ joined }, i) => {
      const row = this.#rowOf(joined as Presence | undefined, now);
      if (row === undefined) return;
      const link = this.#link(row);
      const group = groups.get(link);
      if (group === undefined) groups.set(link, [i]);
      else group.push(i);
    });
    const answered = await Promise.all(
      [...groups].map(async ([link, group]) => {
        const items = group.map((i) => ({
          connectionId: (batch[i]!.joined as Presence).connectionId,
          value: batch[i]!.bytes,
        }));
        return { group, answer: await link.deliver(items, now) };
      }),
    );
    // Only when all gateways are away is it the service that is in trouble, not some devices.
    const scope = this.#allDown(now) ? 'lane' : 'device';
    for (const { group, answer } of answered) {
      group.forEach((i, at) => {
        outcomes[i] = outcomeOf(answer, at, scope);
      });
    }
    return outcomes;
  }

  async close(): Promise<void> {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #rowOf(presence: Presence | undefined, nowMs: number): GatewayRow | undefined {
    if (presence === undefined || presence === null) return undefined;
    const row = this.#gateways.get(presence.gatewayId);
    if (row !== undefined && row.leaseUntil > nowMs) return row;
    this.#drop(presence.gatewayId);
    return undefined;
  }

  /** A gateway that comes back under its id may have another address. */
  #link({ gatewayId, url }: GatewayRow): GatewayLink {
    const known = this.#links.get(gatewayId);
    if (known?.url === url) return known;
    known?.close();
    const link = new GatewayLink(url, this.#settings);
    this.#links.set(gatewayId, link);
    return link;
  }

  #drop(gatewayId: string): void {
    this.#links.get(gatewayId)?.close();
    this.#links.delete(gatewayId);
  }

  /** A gateway that was not asked yet is not away: its devices must not wait for another's. */
  #allDown(nowMs: number): boolean {
    for (const row of this.#gateways.all?.() ?? []) {
      if (row.leaseUntil > nowMs && !this.#links.has(row.gatewayId)) return false;
    }
    for (const link of this.#links.values()) if (!link.down) return false;
    return true;
  }
}

const OFFLINE: Outcome = { kind: 'rejected', reason: 'offline' };

const OUTCOMES: Readonly<globalThis.Record<DeliverOutcome, Outcome>> = {
  delivered: delivered(),
  offline: OFFLINE,
  slow: { kind: 'rejected', reason: 'slow' },
  moved: { kind: 'rejected', reason: 'moved' },
  ahead: { kind: 'retry', why: 'ahead', afterMs: AHEAD_AFTER_MS, scope: 'device' },
  expired: { kind: 'rejected', reason: 'expired' },
  unreadable: { kind: 'rejected', reason: 'unreadable', deadLetter: true },
};

function outcomeOf(answer: LinkAnswer, at: number, scope: 'device' | 'lane'): Outcome {
  if (answer.kind === 'outcomes') return OUTCOMES[answer.outcomes[at]!];
  if (answer.kind === 'refused') {
    return { kind: 'retry', why: 'CAR723: the gateway refused the internal token', scope: 'lane' };
  }
  const { why, ambiguous, afterMs } = answer;
  const after = afterMs === undefined ? {} : { afterMs };
  return { kind: 'retry', why: `gateway away: ${why}`, ambiguous, scope, ...after };
}
