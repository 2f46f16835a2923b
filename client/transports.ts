/**
 * The three ways to a gateway, the same to the client: each ends with a close code, never throws,
 * and gives up when nothing is heard.
 */
import type { PullPage, ServerFrame } from '../schemas/frames.ts';
import { readAvroFrame, type SentFrame, writeAvroFrame } from './avro-frames.ts';
import type { ClientLimits, Transport } from './options.ts';
import { BYE, type Ended, GOING_AWAY, LOST, type Requests, refusalOf } from './requests.ts';

/** Sub-protocols. */
const JSON_TEXT = 'carillon.v1';
const AVRO = 'carillon.v1+avro';
const EVENT_STREAM = 'text/event-stream';

/** One connect, from the client's side. */
export interface Link {
  readonly url: string;
  /** True: frames of a WebSocket are Avro, if the gateway knows that. */
  readonly avro: boolean;
  readonly requests: Requests;
  readonly limits: ClientLimits;
  /** Where to go on. */
  cursor(): string | undefined;
  /** Of the welcome; undefined before it. */
  heartbeatMs(): number | undefined;
  hear(frame: ServerFrame): unknown;
  take(page: PullPage): unknown;
  /** Resolves when the application has done what it was told. */
  idle(): Promise<void>;
  /** More waits for the application than shall. */
  full(): boolean;
  /** The way back, where there is one. */
  send: ((frame: SentFrame) => void) | null;
  /** Ends the connection from this side. */
  hangUp: (ended: Ended) => void;
}

/** Calls `late` when nothing was heard for so long; it may be heard again then. */
class Watch {
  readonly #late: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(late: () => void) {
    this.#late = late;
  }

  heard(nextWithinMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#late, nextWithinMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function webSocket(link: Link): Promise<Ended> {
  const { openMs } = link.limits;
  const names = link.avro ? [AVRO, JSON_TEXT] : [JSON_TEXT];
  const socket = new WebSocket(new URL('/v1/stream', link.url.replace(/^http/, 'ws')), names);
  socket.binaryType = 'arraybuffer';
  const isAvro = () => socket.protocol === AVRO;
  const send = (frame: SentFrame) =>
    socket.send(isAvro() ? new Uint8Array(writeAvroFrame(frame)) : JSON.stringify(frame));
  return new Promise((resolve) => {
    let asked = false;
    // A browser does not show the gateway's pings: who hears nothing asks.
    const watch = new Watch(() => {
      const heartbeatMs = link.heartbeatMs();
      if (heartbeatMs === undefined || asked) return end({ code: LOST, reason: 'silence' });
      asked = true;
      send({ type: 'ping' });
      watch.heard(heartbeatMs);
    });
    const end = (ended: Ended) => {
      watch.stop();
      link.send = null;
      socket.onmessage = null;
      // Who is gone does not answer the close either: nobody waits for it.
      socket.close(BYE);
      resolve(ended);
    };
    link.hangUp = end;
    watch.heard(openMs);
    socket.onopen = () => {
      send({ type: 'authenticate', token: link.requests.token, after: link.cursor() });
    };
    socket.onmessage = ({ data }) => {
      asked = false;
      link.send = send;
      const frame = isAvro() ? readAvroFrame(data as ArrayBuffer) : JSON.parse(String(data));
      if (frame !== undefined) link.hear(frame);
      if (socket.onmessage !== null) watch.heard(link.heartbeatMs() ?? openMs);
      if (link.full()) end({ code: LOST, reason: 'the application is slow' });
    };
    socket.onerror = () => undefined;
    socket.onclose = ({ code, reason }) => end({ code, reason });
  });
}

async function eventStream(link: Link): Promise<Ended> {
  const { openMs } = link.limits;
  const { signal, watch } = abortable(link);
  try {
    watch.heard(openMs);
    const cursor = link.cursor();
    const path = `/v1/stream${cursor === undefined ? '' : `?after=${cursor}`}`;
    const answer = await link.requests.ask(path, { signal, headers: { accept: EVENT_STREAM } });
    if (!answer.ok || answer.body === null) return await refusalOf(answer);
    if (answer.headers.get('content-type')?.startsWith(EVENT_STREAM) !== true) {
      return { code: LOST, reason: 'what answers is no gateway' };
    }
    const heard = () => watch.heard(2 * (link.heartbeatMs() ?? openMs / 2));
    for await (const { event, data } of eventsOf(answer.body, heard)) {
      if (event === 'close') return JSON.parse(data ?? '{}');
      if (data !== undefined) link.hear(JSON.parse(data));
      heard();
      // What is not read waits at the gateway, which closes who does not read for long.
      if (link.full()) await link.idle();
    }
    return { code: LOST, reason: 'cut' };
  } catch (error) {
    return endedBy(signal, error);
  } finally {
    watch.stop();
  }
}

async function poll(link: Link): Promise<Ended> {
  const { openMs, pollMs, pollingMs } = link.limits;
  const { signal, watch } = abortable(link);
  const untilMs = performance.now() + pollingMs;
  try {
    while (performance.now() < untilMs) {
      watch.heard(pollMs + openMs);
      const page = await link.requests.pull({ after: link.cursor(), waitMs: pollMs }, signal);
      if ('reason' in page) return page;
      watch.stop();
      link.take(page);
      await link.idle();
    }
    return { code: GOING_AWAY, reason: 'better ways are tried again' };
  } catch (error) {
    return endedBy(signal, error);
  } finally {
    watch.stop();
  }
}

function abortable(link: Link): { readonly signal: AbortSignal; readonly watch: Watch } {
  const controller = new AbortController();
  link.hangUp = (ended) => controller.abort(ended);
  const watch = new Watch(() => link.hangUp({ code: LOST, reason: 'silence' }));
  return { signal: controller.signal, watch };
}

function endedBy(signal: AbortSignal, error: unknown): Ended {
  return signal.aborted ? (signal.reason as Ended) : { code: LOST, reason: String(error) };
}

interface ServerEvent {
  readonly event?: string;
  readonly data?: string;
}

/** The events of a stream; comments (pings) are heard, and are none. */
async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  heard: () => void,
): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      text += decoder.decode(value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) yield eventOf(block);
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function eventOf(block: string): ServerEvent {
  const fields = block.split('\n').map((line) => {
    const at = line.indexOf(': ');
    return [line.slice(0, at), line.slice(at + 2)];
  });
  return Object.fromEntries(fields);
}

export const TRANSPORTS: { readonly [name in Transport]: (link: Link) => Promise<Ended> } = {
  websocket: webSocket,
  sse: eventStream,
  poll,
};
