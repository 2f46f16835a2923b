/**
 * What goes over the port between the worker that runs the engine and its log, and the thread of
 * the gateway. All bytes are copied tightly and transferred: a Buffer is a view, and cloning a view
 * clones everything below it.
 *
 * Main → worker: `call` (answered by `done` or `failed` with the same id) and the messages of a
 * group or subscription. Worker → main: the answers, and
 *
 *   group:  task ─▶ restore* ─▶ table* ─▶ ready ─▶ (offer | table)* ─▶ close ─▶ (main: closed)
 *   read:   chunk* ─▶ end          follow: chunk* until `unsubscribe`
 *
 * Backpressure: main answers each `offer` and each `chunk` of a read with `taken` once its consumer
 * has it; the worker pauses a topic, or stops reading, while too much is on its way.
 */
import { CarillonError, type Place } from '../../core/error.ts';
import type { ErrorCode } from '../../core/error-table.ts';
import type { CommitSet, EncodedBatch, GroupSpec, TopicSpec } from '../../core/log.ts';
import { asBuffer } from './database.ts';
import type { Chunk } from './partition.ts';

/** What can be asked; the arguments are structured-cloneable. */
export type Call =
  | { readonly method: 'applyTopics'; readonly specs: readonly TopicSpec[] }
  | { readonly method: 'partitionsOf'; readonly topic: string }
  | { readonly method: 'probe' }
  | { readonly method: 'send'; readonly batches: readonly EncodedBatch[] }
  | { readonly method: 'openGroup'; readonly group: number; readonly spec: GroupSpec }
  | { readonly method: 'closeGroup' | 'lag'; readonly group: number }
  | { readonly method: 'commit'; readonly task: number; readonly set: CommitSet }
  | {
      readonly method: 'subscribe';
      readonly subscription: number;
      readonly topic: string;
      /** Undefined: `follow`. */
      readonly read:
        | { readonly from: 'start' | 'end' | number; readonly follow: boolean }
        | undefined;
    }
  | {
      /**
       * `registry.fetch`, `inbox.write` and so on: a method of a service that the worker serves.
       */
      readonly method: 'service';
      readonly service: 'registry' | 'inbox';
      readonly name: string;
      readonly args: readonly unknown[];
    };

export type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly call: Call }
  | {
      readonly kind: 'taken';
      readonly task: number;
      readonly topic: string;
      readonly records: number;
    }
  | { readonly kind: 'closed'; readonly task: number; readonly error: SentError | undefined }
  | { readonly kind: 'fail'; readonly task: number; readonly error: SentError }
  | { readonly kind: 'more' | 'unsubscribe'; readonly subscription: number };

export type ToMain =
  | { readonly kind: 'done'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SentError }
  | {
      readonly kind: 'task';
      readonly group: number;
      readonly task: number;
      readonly partition: number;
    }
  | {
      readonly kind: 'restore';
      readonly task: number;
      readonly store: string;
      readonly rows: readonly { readonly key: Uint8Array; readonly value: Uint8Array | null }[];
    }
  | {
      readonly kind: 'ready';
      readonly task: number;
      /** What was committed with each input's offset. */
      readonly metadata: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'table' | 'offer'; readonly task: number; readonly chunk: Chunk }
  | {
      readonly kind: 'close';
      readonly task: number;
      readonly why: 'revoked' | 'stopped' | 'fenced';
    }
  | { readonly kind: 'chunk'; readonly subscription: number; readonly chunk: Chunk }
  | {
      readonly kind: 'end';
      readonly subscription: number;
      readonly error: SentError | undefined;
    };

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

/** A copy that owns its bytes, to be named in the transfer list. */
export function tight(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

export function sendChunk(chunk: Chunk): { chunk: Chunk; transfer: ArrayBuffer[] } {
  const bytes = tight(chunk.bytes);
  // It arrives as a plain Uint8Array; `receiveChunk` makes it a Buffer again.
  return { chunk: { ...chunk, bytes: bytes as Buffer }, transfer: [bytes.buffer] };
}

export function receiveChunk(chunk: Chunk): Chunk {
  return { ...chunk, bytes: asBuffer(chunk.bytes) };
}

export function sendBatches(batches: readonly EncodedBatch[]): {
  batches: EncodedBatch[];
  transfer: ArrayBuffer[];
} {
  const copies = batches.map((batch) => tight(batch.bytes));
  return {
    batches: batches.map((batch, i) => ({ ...batch, bytes: copies[i] as Buffer })),
    transfer: copies.map((copy) => copy.buffer),
  };
}

export function receiveBatches(batches: readonly EncodedBatch[]): EncodedBatch[] {
  return batches.map((batch) => ({ ...batch, bytes: asBuffer(batch.bytes) }));
}
