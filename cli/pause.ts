import { setTimeout } from 'node:timers/promises';

/** Ends early, and without an error, when the signal is given. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {});
}
