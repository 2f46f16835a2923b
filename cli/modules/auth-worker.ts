/**
 * The thread of a module that knows tokens (`auth.module`): what it does there, even if it never
 * ends, keeps no device of the gateway waiting.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Authenticate } from '../../core/authenticate.ts';
import { CarillonError, type Place } from '../../core/error.ts';
import type { ErrorCode } from '../../core/error-table.ts';
import { codeHash } from './code-hash.ts';
import { importFailure } from './import-failure.ts';
import { moduleUrl, registerResolution } from './resolution.ts';

export interface AuthWorkerStart {
  readonly file: string;
  /** As messages show it. */
  readonly shown: string;
}

export type ToAuthWorker =
  | { readonly kind: 'ask'; readonly id: number; readonly token: string }
  | { readonly kind: 'ping' };

export type FromAuthWorker =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'unusable';
      readonly code: ErrorCode;
      readonly what: string;
      readonly mend: string;
      readonly where: Place;
    }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly why: string }
  | { readonly kind: 'pong' };

const port = parentPort!;
const tell = (message: FromAuthWorker) => port.postMessage(message);

async function moduleOf({ file, shown }: AuthWorkerStart): Promise<Authenticate> {
  registerResolution();
  let given: unknown;
  try {
    ({ default: given } = await import(moduleUrl(file, codeHash(file))));
  } catch (error) {
    throw importFailure(error, file, shown);
  }
  if (typeof given === 'function') return given as Authenticate;
  const what = given === undefined ? 'it has no default export.' : 'it exports no function.';
  throw new CarillonError('CAR774', what, { where: { file: shown } });
}

async function answer(ask: Authenticate, id: number, token: string): Promise<void> {
  try {
    // What cannot be sent to another thread is no answer either, and is told as a failure.
    tell({ kind: 'answer', id, answer: await ask(token) });
  } catch (error) {
    tell({ kind: 'failed', id, why: error instanceof Error ? error.message : String(error) });
  }
}

async function serve(): Promise<void> {
  const ask = await moduleOf(workerData as AuthWorkerStart);
  port.on('message', (message: ToAuthWorker) => {
    if (message.kind === 'ping') tell({ kind: 'pong' });
    else void answer(ask, message.id, message.token);
  });
  tell({ kind: 'ready' });
}

serve().catch((error: CarillonError) => {
  const { code, what, mend, where } = error;
  tell({ kind: 'unusable', code, what, mend, where });
});
