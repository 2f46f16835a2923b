/**
 * What a token, an address and a connection may use, so that nobody's flood is paid for by others.
 * docs/threats.md says why each is as it is. Defaults are those that a normal device, or a backend
 * at full speed, never meets; over one: 429 (CAR726) with Retry-After, or close code 3009.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { Buckets, type Budget } from './buckets.ts';
import type { Identity } from './identity.ts';
import { HttpProblem } from './problem.ts';

export interface BudgetLimits {
  /** Requests of a device's token. */
  readonly deviceRequests: Budget;
  /** Registrations and deletions by a device's token: it registers when its app starts. */
  readonly registrations: Budget;
  /** Reports of a device: some for each notification that asks for one. */
  readonly reports: Budget;
  /** Handshakes of a device's token. */
  readonly connects: Budget;
  /** Handshakes from one address; the machine's own are not counted, a proxy may stand there. */
  readonly addressConnects: Budget;
  /** Tokens of one address that are not good. Over it only tokens that are known are let in. */
  readonly failures: Budget;
  /** Requests, and bytes of bodies, of a producer's, registrar's or admin's token. */
  readonly backendRequests: Budget;
  readonly backendBytes: Budget;
  /**
   * The same of one producer, by its token's `sub`, at events alone: requests, and bytes of bodies
   * as they are unpacked. The deployment sets it.
   */
  readonly producerRequests: Budget;
  readonly producerBytes: Budget;
  /** Frames that a device sends; each notification that it is sent earns one more. */
  readonly frames: Budget;
  /** Requests under way, answers that were not read yet included, of a device's token. */
  readonly deviceUnderWayMax: number;
  readonly backendUnderWayMax: number;
  /** The same, of one HTTP connection (pipelining). */
  readonly pipelinedMax: number;
}

export const BUDGET_LIMITS: BudgetLimits = {
  deviceRequests: { burst: 300, perSecond: 30 },
  registrations: { burst: 20, perSecond: 0.1 },
  reports: { burst: 60, perSecond: 1 },
  connects: { burst: 100, perSecond: 2 },
  addressConnects: { burst: 5_000, perSecond: 500 },
  failures: { burst: 1_000, perSecond: 100 },
  backendRequests: { burst: 40_000, perSecond: 20_000 },
  backendBytes: { burst: 256 * 1024 * 1024, perSecond: 64 * 1024 * 1024 },
  producerRequests: { burst: 40_000, perSecond: 20_000 },
  producerBytes: { burst: 256 * 1024 * 1024, perSecond: 64 * 1024 * 1024 },
  frames: { burst: 500, perSecond: 20 },
  deviceUnderWayMax: 8,
  backendUnderWayMax: 4_096,
  pipelinedMax: 64,
};

/** Tokens and addresses whose budgets are remembered; about 100 bytes each. */
const KEYS_MAX = 100_000;
/** A body of unknown length counts as so many bytes. */
const UNKNOWN_BYTES = 64 * 1024;

export class Budgets {
  readonly limits: BudgetLimits;
  readonly #deviceRequests: Buckets;
  readonly #registrations: Buckets;
  readonly #reports: Buckets;
  readonly #connects: Buckets;
  readonly #addressConnects: Buckets;
  readonly #failures: Buckets;
  readonly #backendRequests: Buckets;
  readonly #backendBytes: Buckets;
  readonly #producerRequests: Buckets;
  readonly #producerBytes: Buckets;
  readonly #underWay = new UnderWay();

  constructor(clock: Clock, limits: BudgetLimits) {
    const open = (budget: Budget) => new Buckets(clock, budget, KEYS_MAX);
    this.limits = limits;
    this.#deviceRequests = open(limits.deviceRequests);
    this.#registrations = open(limits.registrations);
    this.#reports = open(limits.reports);
    this.#connects = open(limits.connects);
    this.#addressConnects = open(limits.addressConnects);
    this.#failures = open(limits.failures);
    this.#backendRequests = open(limits.backendRequests);
    this.#backendBytes = open(limits.backendBytes);
    this.#producerRequests = open(limits.producerRequests);
    this.#producerBytes = open(limits.producerBytes);
  }

  /** Before a token that is not known yet is looked at. Throws CAR726. */
  mayTry(address: string): void {
    demand(this.#failures.wait(address), 'too many tokens that are not good came from there.');
  }

  hasFailed(address: string): void {
    this.#failures.spend(address);
  }

  /** A handshake from an address, before its token is looked at. Throws CAR726. */
  shakesHands(address: string): void {
    if (isOwn(address)) return;
    demand(this.#addressConnects.spend(address), 'too many connects came from this address.');
  }

  /** A report of a device. Throws CAR726. */
  reports(deviceId: string): void {
    demand(this.#reports.spend(deviceId), 'this device reports too often.');
  }

  /** A request with events, of so many bytes. Neither is spent when one lacks. Throws CAR726. */
  produces(producer: string, bytes: number): void {
    const lacks = this.#producerBytes.wait(producer, bytes);
    const what = `the quota of this producer is ${quotaOf(this.limits)}.`;
    demand(lacks || this.#producerRequests.spend(producer), what);
    this.#producerBytes.spend(producer, bytes);
  }

  /** A handshake of a device. Throws CAR726. */
  connects(deviceId: string): void {
    demand(this.#connects.spend(deviceId), 'this device connects too often.');
  }

  /** A request whose token is good. Throws CAR726. */
  asks(identity: Identity, request: FastifyRequest): void {
    const key = `${identity.scopes.join(' ')}/${identity.subject}`;
    const isDevice = identity.scopes.length === 1 && identity.scopes[0] === 'device';
    const { deviceUnderWayMax, backendUnderWayMax } = this.limits;
    const most = isDevice ? deviceUnderWayMax : backendUnderWayMax;
    this.#underWay.begin(request, key, most, 'too many requests of this token are under way.');
    const writes = request.method === 'PUT' || request.method === 'DELETE';
    if (isDevice) {
      if (writes) demand(this.#registrations.spend(key), 'this device registers too often.');
      demand(this.#deviceRequests.spend(key), 'this device asks too often.');
      return;
    }
    demand(this.#backendRequests.spend(key), 'this token asks too often.');
    if (request.method === 'GET') return;
    const bytes = Number(request.headers['content-length'] ?? UNKNOWN_BYTES);
    demand(this.#backendBytes.spend(key, bytes), 'this token sends too many bytes.');
  }

  /** Bounds the requests of one connection, and sees when a request ends. */
  watch(app: FastifyInstance): void {
    const keys = new WeakMap<object, string>();
    let number = 0;
    app.addHook('onRequest', async (request, reply) => {
      const { socket } = request.raw;
      const key = keys.get(socket) ?? `connection ${++number}`;
      keys.set(socket, key);
      // Also of an answer that waits behind others when its connection is cut.
      reply.raw.once('close', () => this.#underWay.end(request));
      const what = 'too many requests of this connection are under way.';
      this.#underWay.begin(request, key, this.limits.pipelinedMax, what);
    });
  }
}

function quotaOf({ producerRequests, producerBytes }: BudgetLimits): string {
  return `${producerRequests.perSecond} requests and ${producerBytes.perSecond} bytes a second`;
}

/** Requests under way, by key. */
class UnderWay {
  readonly #counts = new Map<string, number>();
  readonly #keys = new WeakMap<FastifyRequest, string[]>();

  begin(request: FastifyRequest, key: string, most: number, what: string): void {
    const count = this.#counts.get(key) ?? 0;
    if (count >= most) throw new HttpProblem('CAR726', what);
    this.#counts.set(key, count + 1);
    const keys = this.#keys.get(request);
    if (keys === undefined) this.#keys.set(request, [key]);
    else keys.push(key);
  }

  end(request: FastifyRequest): void {
    for (const key of this.#keys.get(request) ?? []) {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    }
    this.#keys.delete(request);
  }
}

function demand(waitMs: number, what: string): void {
  if (waitMs === 0) return;
  throw new HttpProblem('CAR726', what, { retryAfterSeconds: Math.ceil(waitMs / 1_000) });
}

/** Of this machine itself. */
export function isOwn(address: string): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(address);
}
