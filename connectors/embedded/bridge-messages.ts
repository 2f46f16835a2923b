/**
 * What goes over the port between the worker that runs the engine and its log, and the thread of
 * the gateway. All bytes are copied tightly and transferred: a Buffer is a view, and cloning a view
 * clones everything below it.
 *
 * Main → worker: calls of the services that the worker serves, answered with the same id. Worker →
 * main: batches, in *flows*: a flow is a task of a group, a `read` or a `follow`.
 *
 *   task:   open ─▶ (restore | table)* ─▶ ready ─▶ (input | at-end | table)* ─▶ close ─▶ closed
 *   read:   input* ─▶ end          follow: table* until `stop`
 *
 * Backpressure: `input` batches are sent ahead within a window a topic (see `Window`); main tells
 * with `taken` what its consumer has had.
 */
import { CarillonError, type Place } from '../../core/error.ts';
import type { ErrorCode } from '../../core/error-table.ts';
import type { EncodedBatch, Group, LogBatch } from '../../core/log.ts';
import { asBuffer } from './database.ts';

/** What is sent ahead of what was taken, of one topic: enough for a turn of its taker's loop. */
const WINDOW_BATCHES = 64;
const WINDOW_BYTES = 256 * 1024;

/** How a group stands: what the other thread is told of it when it asks. */
export interface Standing {
  readonly lags: Awaited<ReturnType<Group['lag']>>;
  readonly missed: ReturnType<Group['missed']>;
}

export type Role = 'restore' | 'table' | 'input';
export type CloseReason = 'revoked' | 'stopped' | 'fenced';

export type ToWorker =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly service: string;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  | {
      readonly kind: 'taken';
      readonly flow: number;
      readonly topic: string;
      readonly batches: number;
      readonly bytes: number;
    }
  | { readonly kind: 'closed'; readonly flow: number; readonly error: SentError | undefined }
  | { readonly kind: 'fail'; readonly flow: number; readonly error: SentError }
  | { readonly kind: 'stop'; readonly flow: number };

/** What happens to a flow that main has opened. */
export type FlowMessage =
  | {
      readonly kind: 'batch';
      readonly flow: number;
      readonly role: Role;
      /** Of `restore`: the store. */
      readonly store: string;
      readonly batch: LogBatch;
    }
  | {
      readonly kind: 'ready';
      readonly flow: number;
      /** What was committed with each input's offset. */
      readonly metadata: ReadonlyMap<string, string>;
    }
  /** All there is of an input has been sent; another batch of it says that there is more. */
  | { readonly kind: 'at-end'; readonly flow: number; readonly topic: string }
  | { readonly kind: 'close'; readonly flow: number; readonly why: CloseReason }
  | { readonly kind: 'end'; readonly flow: number; readonly error: SentError | undefined };

export type ToMain =
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly value: unknown;
      readonly error: SentError | undefined;
    }
  | {
      /** A task; those of one member commit together. */
      readonly kind: 'open';
      readonly group: number;
      readonly member: number;
      readonly flow: number;
      readonly partition: number;
    }
  | FlowMessage;

/** How much of one topic of a flow is on its way. One batch always may be. */
export class Window {
  #batches = 0;
  #bytes = 0;

  get isFull(): boolean {
    return this.#batches >= WINDOW_BATCHES || this.#bytes >= WINDOW_BYTES;
  }

  sent(bytes: number): void {
    this.#batches++;
    this.#bytes += bytes;
  }

  taken(batches: number, bytes: number): void {
    this.#batches -= batches;
    this.#bytes -= bytes;
  }
}

/** What was taken of one topic, told when it is a good part of the window, or nothing is left. */
export class TakenCount {
  #batches = 0;
  #bytes = 0;

  /** What is to be told now; undefined: nothing yet. */
  add(bytes: number, isLast: boolean): { batches: number; bytes: number } | undefined {
    this.#batches++;
    this.#bytes += bytes;
    if (!isLast && this.#batches < WINDOW_BATCHES / 4 && this.#bytes < WINDOW_BYTES / 4) {
      return undefined;
    }
    const told = { batches: this.#batches, bytes: this.#bytes };
    this.#batches = 0;
    this.#bytes = 0;
    return told;
  }
}

/** An error as it goes over the port: classes do not survive cloning. */
export interface SentError {
  readonly code: ErrorCode | undefined;
  readonly what: string;
  readonly where: Place;
  readonly mend: string;
  readonly retryable: boolean;
}

export function sendError(error: unknown): SentError {
  if (error instanceof CarillonError) {
    const { code, what, where, mend, retryable } = error;
    return { code, what, where, mend, retryable };
  }
  const what = error instanceof Error ? error.message : String(error);
  return { code: undefined, what, where: {}, mend: '', retryable: false };
}

export function receiveError(sent: SentError): Error {
  const { code, what, where, mend, retryable } = sent;
  if (code === undefined) return new Error(what);
  return new CarillonError(code, what, { where, mend, retryable });
}

/** A copy that owns its bytes; it arrives as a plain Uint8Array, and `received` mends that. */
export function tight<T extends { readonly bytes: Buffer }>(batch: T): T {
  return { ...batch, bytes: new Uint8Array(batch.bytes) };
}

/** What to transfer of tight ones. */
export function transferOf(batches: readonly { readonly bytes: Uint8Array }[]): ArrayBuffer[] {
  return batches.map(({ bytes }) => bytes.buffer as ArrayBuffer);
}

export function received<T extends EncodedBatch | LogBatch>(batch: T): T {
  return { ...batch, bytes: asBuffer(batch.bytes) };
}
