/** What an application says to its client, and hears from it. */
import type { NotificationForm, ServerFrame, Skipped } from '../schemas/frames.ts';

export type Transport = 'websocket' | 'sse' | 'poll';

/** `code`: a close code, or that which stands for an HTTP answer (docs/close-codes.md). */
export type ClientState =
  | { readonly is: 'open'; readonly transport: Transport }
  | {
      readonly is: 'waiting';
      readonly code: number;
      readonly reason: string;
      /** Until the next connect. */
      readonly againMs: number;
    }
  | { readonly is: 'stopped'; readonly code: number; readonly reason: string };

/** What outlives the application: a few KB of text for a device, in localStorage or a file. */
export interface ClientMemory {
  load(): string | null | undefined | Promise<string | null | undefined>;
  save(text: string): void | Promise<void>;
}

export interface ClientOptions {
  /** The gateway, http or https. */
  readonly url: string;
  readonly deviceId: string;
  /** Asked before each connect. `refused`: the last one had expired, or was not valid yet. */
  token(refused: boolean): string | Promise<string>;
  /**
   * Called for one at a time; the next comes, and this one is acknowledged, when its promise is
   * fulfilled. If it throws, the notification is told again after a pause. `memory` is what
   * `memory.save` is given afterwards.
   */
  onNotification(notification: NotificationForm, memory: string): void | Promise<void>;
  /** Numbers that will not come any more. */
  onSkipped?(skipped: Skipped): void;
  onState?(state: ClientState): void;
  /** Frames of a stream as they come, doubles too. */
  onFrame?(frame: ServerFrame): void;
  readonly memory?: ClientMemory;
  /** Where to go on when the memory is empty; by default at what was acknowledged. */
  readonly after?: string | undefined;
  /** By default websocket, sse, poll: the next one when one does not get through. */
  readonly transports?: readonly Transport[];
  /**
   * Of a WebSocket; by default JSON text. Avro is a third smaller, and the same to the application.
   */
  readonly frames?: 'json' | 'avro';
  /** False: it looks on, and acknowledges nothing. */
  readonly acknowledge?: boolean;
  readonly limits?: Partial<ClientLimits>;
  /** In [0, 1); spreads what many devices do. */
  random?(): number;
}

/** Milliseconds, if nothing else is said. */
export interface ClientLimits {
  /** A transport that brings no welcome, or answer, for so long does not get through. */
  readonly openMs: number;
  /** The n-th reconnect waits up to first × 2ⁿ, at most max, by chance (full jitter). */
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** A connection that lasted so long was a good one: the next wait is short again. */
  readonly goodAfterMs: number;
  /** Added, by chance, to the time at which a gateway that goes away wants the device back. */
  readonly spreadMs: number;
  /** The gateway holds a poll for so long; 1 to 30 s, whole seconds. */
  readonly pollMs: number;
  /** After so long on polls the better transports are tried again. */
  readonly pollingMs: number;
  /** A gap that the gateway has not filled after so long is pulled. */
  readonly gapMs: number;
  /** Frames that wait for the application; over it the connection ends until they are done. */
  readonly queueMax: number;
}

export const CLIENT_LIMITS: ClientLimits = {
  openMs: 10_000,
  backoffFirstMs: 1_000,
  backoffMaxMs: 60_000,
  goodAfterMs: 10_000,
  spreadMs: 1_000,
  pollMs: 25_000,
  pollingMs: 300_000,
  gapMs: 3_000,
  queueMax: 1_000,
};
