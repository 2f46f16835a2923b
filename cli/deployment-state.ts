/** What the deployment config says of state: the section `state`. */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Section } from '../compiler/section.ts';
import type { SettingReader } from './deployment-parts.ts';

export interface StateSettings {
  /** Memory that the state of a process may take, bytes; undefined: a share of what it has. */
  readonly memoryMax: number | undefined;
}

export const STATE_DEFAULTS: StateSettings = { memoryMax: undefined };

export function stateOf(read: SettingReader, section: Section | undefined): StateSettings {
  if (section === undefined) return STATE_DEFAULTS;
  section.only(['memory_max']);
  return { memoryMax: read.bytes(section, 'memory_max') };
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
  { memoryMax }: StateSettings,
  { total, constrained, heap }: ProcessMemory = now(),
): number {
  if (memoryMax !== undefined) return memoryMax;
  const has = constrained > 0 ? Math.min(total, constrained) : total;
  return Math.floor(Math.min(has, heap) / 2);
}
