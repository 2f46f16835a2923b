/**
 * `GET /v1/stream`: from an upgrade request to an open connection. `handshake.ts` says where token
 * and cursor come from, and how a handshake is refused.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ServerOptions, WebSocket } from 'ws';
import type { Cursor } from '../core/cursor.ts';
import { Acknowledgements } from './acknowledgements.ts';
import type { Credential } from './auth.ts';
import { CLOSE_CODES, type CloseCode } from './close-codes.ts';
import { type CompressionLimits, SocketMakers } from './compression.ts';
import { Connection, type ConnectionDeps } from './connection.ts';
import { checkOrigin, type Origins } from './cors.ts';
import type { EventStream } from './event-stream.ts';
import type { Filler } from './fill.ts';
import { firstFrame } from './first-frame.ts';
import { type GuardDeps, identify } from './guard.ts';
import {
  addressOf,
  afterOf,
  chosenOf,
  closeOf,
  refusalOf,
  saysLater,
  tokenOf,
} from './handshake.ts';
import type { Hub } from './hub.ts';
import { allow, type Identity } from './identity.ts';
import type { Owners } from './owners.ts';
import type { PollStream } from './poll-stream.ts';
import type { Presence } from './presence.ts';
import { HttpProblem, type LogLine, writeProblem } from './problem.ts';
import { checkRevoked } from './registration.ts';
import { startOf } from './start.ts';

export const STREAM_PATH = '/v1/stream';

export interface StreamDeps extends Omit<ConnectionDeps, 'ended'>, GuardDeps {
  readonly owners: Owners;
  readonly hub: Hub;
  readonly presence: Presence;
  readonly filler: Filler;
  readonly origins: Origins;
  /** Undefined: nothing is packed. */
  readonly compression: CompressionLimits | undefined;
  newId(): string;
  random(): number;
  readonly log: LogLine;
}

export interface Request {
  readonly identity: Identity;
  /** Where the device wants to go on. */
  readonly after: Cursor | undefined;
}

/** A WebSocket that will say who it is with its first frame. */
interface Stranger {
  readonly address: string;
  readonly after: Cursor | undefined;
}

/** What a stop waits for, and cuts: a TCP socket, or what stands for one. */
interface Below {
  on(event: 'close', gone: (this: Below) => void): unknown;
  once(event: 'close', gone: () => void): unknown;
  destroy(): unknown;
}

/** A close code: it is accepted, and turned away with it. */
type Asked = Request | Stranger | CloseCode;

export class Streams {
  readonly #deps: StreamDeps;
  readonly #sockets: SocketMakers;
  /** The TCP sockets below, until they are closed: a stop waits for them, then cuts them. */
  readonly #raw = new Set<Below>();
  /** Hears of each that it is closed: one for all, as a closure each would be kept with it. */
  readonly #gone: (this: Below) => void;
  readonly #connectionDeps: ConnectionDeps;
  #draining = false;
  #handshakes = 0;
  #strangers = 0;

  constructor(deps: StreamDeps) {
    this.#deps = deps;
    const raw = this.#raw;
    this.#gone = function gone() {
      raw.delete(this);
    };
    // The types of ws do not know `closeTimeout` yet.
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      maxPayload: deps.limits.frameBytesMax,
      closeTimeout: deps.limits.closeMs,
      handleProtocols: (offered) => chosenOf(offered),
    };
    this.#sockets = new SocketMakers(options, deps.compression);
    const { auth: _, ...rest } = deps;
    this.#connectionDeps = {
      ...rest,
      ended: (connection, code) => this.#ended(connection, code),
    };
    deps.owners.onChange((deviceId, owner) => {
      const connection = deps.hub.ofDevice(deviceId);
      if (connection === undefined) return;
      if (owner === undefined || !owner.active) connection.close(CLOSE_CODES.deleted);
      else if (owner.epoch !== connection.epoch) connection.close(CLOSE_CODES.moved);
    });
  }

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => {
      // Without a listener a reset during the handshake would end the process.
      socket.on('error', destroy);
      this.#upgrade(request, socket, head).catch((error) => this.#refuse(socket, error));
    });
  }

  /** Tells all devices to come back elsewhere, waits for them, and cuts the rest. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#deps.hub.goAway(CLOSE_CODES.goingAway, this.#deps.limits.comeBackMs);
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, this.#deps.limits.closeMs);
    const closed = [...this.#raw].map(
      (socket) => new Promise<void>((done) => socket.once('close', () => done())),
    );
    await Promise.race([Promise.all(closed), deadline.promise]);
    clearTimeout(timer);
    for (const socket of this.#raw) socket.destroy();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const asked = await this.asks(request);
    if (socket.destroyed) return;
    this.#sockets.upgrade(request, socket, head, (webSocket) => {
      // ws listens itself from here on.
      socket.off('error', destroy);
      this.#accept(webSocket, socket, asked, webSocket.extensions === '' ? socket : null);
    });
  }

  /** What a handshake asks for, or with which code it is closed. Throws what is told by status. */
  async asks(request: IncomingMessage): Promise<Asked> {
    try {
      return await this.#check(request);
    } catch (error) {
      const refusal = refusalOf(request, error);
      if (refusal === undefined) throw error;
      return refusal;
    }
  }

  /** Server-sent events: `asked` is what `asks` has said. */
  acceptEvents(stream: EventStream, socket: Duplex, asked: Asked): void {
    // It has all of a WebSocket that is used here.
    this.#accept(stream as unknown as WebSocket, socket, asked);
  }

  /** A device that asks again and again. Throws CAR716, CAR726. */
  acceptPoll(stream: PollStream, asked: Request): void {
    this.#checkRoom();
    this.#deps.budgets.connects(asked.identity.subject);
    this.#accept(stream as unknown as WebSocket, stream, asked);
  }

  /** Looks into the inbox for what the device's connection here was not told. */
  lookFor(deviceId: string): void {
    const connection = this.#deps.hub.ofDevice(deviceId);
    if (connection !== undefined) this.#deps.filler.start(connection, 1);
  }

  /** `raw`: where frames may be written as they are; null: only the socket may. */
  #accept(webSocket: WebSocket, socket: Below, asked: Asked, raw: Duplex | null = null): void {
    this.#raw.add(socket);
    socket.on('close', this.#gone);
    webSocket.on('error', Connection.onError);
    this.#begin(webSocket, asked, raw).catch((error) => {
      this.#deps.log('A connection could not be opened.', { error });
      webSocket.terminate();
    });
  }

  async #begin(socket: WebSocket, asked: Asked, raw: Duplex | null): Promise<void> {
    const said = 'address' in asked ? await this.#meet(socket, asked) : asked;
    if (said === undefined || socket.readyState !== socket.OPEN) return;
    if ('reason' in said) this.#turnAway(socket, said);
    else await this.#open(socket, said, raw);
  }

  /** Hears who a stranger is. Undefined: the socket is no more. */
  async #meet(socket: WebSocket, stranger: Stranger): Promise<Request | CloseCode | undefined> {
    this.#strangers++;
    try {
      const said = await firstFrame(socket, this.#deps.limits.firstFrameMs);
      if (said === undefined || 'reason' in said) return said;
      const credential = { token: said.token, isCookie: false };
      const identity = await this.#admit(credential, stranger.address);
      return { identity, after: said.after ?? stranger.after };
    } catch (error) {
      const why = closeOf(error);
      if (why === undefined) throw error;
      return why;
    } finally {
      this.#strangers--;
    }
  }

  #turnAway(socket: WebSocket, { code, reason }: CloseCode): void {
    count(this.#deps.counts.closed, code);
    socket.resume();
    socket.close(code, reason);
  }

  /** Throws a problem when the request is not for us to accept. */
  async #check(request: IncomingMessage): Promise<Request | Stranger> {
    const { limits, origins, addresses, budgets } = this.#deps;
    this.#checkRoom();
    const url = addressOf(request);
    if (url?.pathname !== STREAM_PATH) throw new HttpProblem('CAR705', 'no WebSocket is here.');
    checkOrigin(origins, request.headers.origin);
    const address = addresses.of(request);
    budgets.shakesHands(address);
    const { headers } = request;
    const credential = this.#deps.auth.credentialOf(headers, tokenOf(request, url));
    if (saysLater(request, credential)) {
      if (this.#strangers < limits.strangersMax) return { address, after: afterOf(request, url) };
      throw new HttpProblem('CAR716', 'too many are here that have not said who they are.');
    }
    const identity = await this.#admit(credential, address);
    return { identity, after: afterOf(request, url) };
  }

  #checkRoom(): void {
    if (!this.#draining && this.#raw.size < this.#deps.limits.connectionsMax) return;
    throw new HttpProblem('CAR716', 'the gateway takes no more connections.');
  }

  /** Whose token it is, if it may have a stream. Throws a problem. */
  async #admit(credential: Credential, address: string): Promise<Identity> {
    const { owners, budgets } = this.#deps;
    const identity = await identify(this.#deps, credential, address);
    if (!identity.scopes.includes('device')) allow(identity, ['device']);
    budgets.connects(identity.subject);
    // Of one that is deleted now that is told, once it is open.
    if (owners.get(identity.subject)?.active) checkRevoked(owners, identity, identity.subject);
    return identity;
  }

  async #open(socket: WebSocket, { identity, after }: Request, raw: Duplex | null): Promise<void> {
    const { inbox, owners, hub, presence, filler, limits, counts } = this.#deps;
    const deviceId = identity.subject;
    const order = ++this.#handshakes;
    // Nothing is read from the device until its connection can act on it.
    socket.pause();
    const refuse = (why: CloseCode) => this.#turnAway(socket, why);
    const owner = await owners.known(deviceId, limits.ownerWaitMs);
    if (owner === undefined) return refuse(CLOSE_CODES.notRegistered);
    if (!owner.active) return refuse(CLOSE_CODES.deleted);
    let acked: Cursor;
    let from: Cursor;
    try {
      acked = await Acknowledgements.stored(inbox, deviceId, owner.epoch);
      from = await startOf(inbox, deviceId, after, acked);
    } catch (error) {
      this.#deps.log('The inbox does not say what the device has.', { error });
      return refuse(CLOSE_CODES.inboxAway);
    }
    if (socket.readyState !== socket.OPEN) return;
    if (owners.get(deviceId)?.epoch !== owner.epoch) return refuse(CLOSE_CODES.moved);
    if (this.#draining) return refuse(CLOSE_CODES.goingAway);
    // Who came later may have been faster: the newer wins, whichever is open first.
    if ((hub.ofDevice(deviceId)?.order ?? 0) > order) return refuse(CLOSE_CODES.replaced);
    const { epoch } = owner;
    const { expiresAt } = identity;
    const id = this.#deps.newId();
    const { lifetimeMs, lifetimeSpreadMs } = limits;
    const age = lifetimeMs === 0 ? Number.POSITIVE_INFINITY : lifetimeMs;
    const recycleAt = this.#deps.clock.now() + age + this.#deps.random() * lifetimeSpreadMs;
    const facts = { id, order, recycleAt, deviceId, epoch, expiresAt, from, acked, raw };
    // What a stranger sends before its welcome closes it; from here on it is heard.
    socket.removeAllListeners('message');
    const connection = new Connection(this.#connectionDeps, socket, facts);
    counts.opened++;
    connection.welcome();
    hub.add(connection);
    presence.connected(deviceId, id, (generation) => connection.registered(generation));
    socket.resume();
    filler.start(connection);
  }

  #ended(connection: Connection, code: number): void {
    count(this.#deps.counts.closed, code);
    this.#deps.hub.remove(connection);
    this.#deps.presence.closed(connection.deviceId, connection.id, code);
  }

  #refuse(socket: Duplex, error: unknown): void {
    const problem =
      error instanceof HttpProblem ? error : new HttpProblem('CAR717', 'the gateway failed.');
    if (problem !== error) this.#deps.log('An upgrade failed.', { error });
    writeProblem(socket, problem.status, problem);
  }
}

function destroy(this: Duplex): void {
  this.destroy();
}

function count(counts: Map<number, number>, code: number): void {
  counts.set(code, (counts.get(code) ?? 0) + 1);
}
