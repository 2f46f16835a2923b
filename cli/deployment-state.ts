/** What the deployment config says of state: the section `state`. */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Section } from '../compiler/section.ts';
import type { SettingReader } from './deployment-parts.ts';

export interface StateSettings {
  /** Memory that the state of a process may take, bytes; undefined: a share of what it has. */
  readonly memoryMax: number | undefined;
  /** The folder of local checkpoints, with Kafka; undefined: there are none. */
  readonly checkpoints: string | undefined;
}

export const STATE_DEFAULTS: StateSettings = { memoryMax: undefined, checkpoints: undefined };

/** `beside`: from a path as it is written to one from the config's own folder. */
export function stateOf(
  read: SettingReader,
  section: Section | undefined,
  log: 'embedded' | 'kafka',
  beside: (path: string) => string,
): StateSettings {
  if (section === undefined) return STATE_DEFAULTS;
  section.only(['memory_max', 'checkpoints']);
  const folder = section.text('checkpoints');
  if (folder !== undefined && log !== 'kafka') {
    const what =
      'state: checkpoints is for log.kind kafka; an embedded log is on this disk as it is.';
    read.bad(folder.span, what, 'Leave it out.');
  }
  return {
    memoryMax: read.bytes(section, 'memory_max'),
    checkpoints: folder === undefined ? undefined : beside(folder.value),
  };
}

/** What a process has at most, bytes. */
export interface ProcessMemory {
  /** Of the machine. */
  readonly total: number;
  /** Of its container; 0 or beyond the machine's: there is none. */
  readonly constrained: number;
  /** Of V8's heap. */
  readonly heap: number;
}

const now = (): ProcessMemory => ({
  total: totalmem(),
  constrained: process.constrainedMemory(),
  heap: getHeapStatistics().heap_size_limit,
});

/**
 * What is set, or half of what the process has: of its container or machine, and of the heap, as
 * windows and some tables lie on that. The other half is for batches, sockets and garbage.
 */
export function stateBytesMax(
  { memoryMax }: Pick<StateSettings, 'memoryMax'>,
  { total, constrained, heap }: ProcessMemory = now(),
): number {
  if (memoryMax !== undefined) return memoryMax;
  const has = constrained > 0 ? Math.min(total, constrained) : total;
  return Math.floor(Math.min(has, heap) / 2);
}
