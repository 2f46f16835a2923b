/** Follows a contender from a load until its outputs are still, and what that cost. */
import { setTimeout as wait } from 'node:timers/promises';
import type { GroupProgress } from './group-progress.ts';
import { cpuSeconds } from './process-tree.ts';

/** Ten of commits a second; asked more often, the asking would show in the broker's figure. */
const POLL_MS = 100;
/** Outputs that have not grown for this long are still: twenty commits. */
const STILL_MS = 2_000;
const GROWTH_POLL_MS = 500;
const TIMEOUT_MS = 15 * 60_000;
/**
 * The rate counts to here. The rest is not work but waiting: offsets of records without an output
 * are committed later than others, on purpose.
 */
const NEARLY = 0.99;

/** What is watched. */
export interface Watched {
  readonly progress: GroupProgress;
  readonly lanes: readonly string[];
  readonly appPids: readonly number[];
  readonly brokerPids: readonly number[];
  /** How long after the last input the last output may come: the longest quiet time of a burst. */
  readonly quietMs: number;
  /** How long what nothing costs is looked at; what it says is taken for all of `quietMs`. */
  readonly idleMs: number;
}

interface Cpu {
  readonly atMs: number;
  readonly app: number;
  readonly broker: number;
}

export interface Cost {
  /** Until 99 % of the inputs were committed. */
  readonly seconds: number;
  /** Until all inputs were committed. */
  readonly allSeconds: number;
  /** Until the last output. */
  readonly outSeconds: number;
  /** Processor seconds until the last output, without those of waiting for bursts to be over. */
  readonly appCpu: number;
  readonly brokerCpu: number;
  /** The same with them. */
  readonly appCpuGross: number;
  readonly brokerCpuGross: number;
  /** Processor seconds a second when there is nothing to do. */
  readonly appIdle: number;
  readonly brokerIdle: number;
}

function cpuNow({ appPids, brokerPids }: Watched): Cpu {
  return { atMs: performance.now(), app: cpuSeconds(appPids), broker: cpuSeconds(brokerPids) };
}

/** Begin it when the load is there and the contender is let go. */
export async function measure(watched: Watched): Promise<Cost> {
  const { progress } = watched;
  const start = cpuNow(watched);
  let nearlyAtMs = 0;
  let before = { atMs: start.atMs, part: 0 };
  while (before.part < 1) {
    const dueMs = before.atMs + POLL_MS;
    await wait(Math.max(0, dueMs - performance.now()));
    const part = await progress.part();
    const atMs = performance.now();
    if (before.part < NEARLY && part >= NEARLY) {
      const share = (NEARLY - before.part) / (part - before.part);
      nearlyAtMs = before.atMs + share * (atMs - before.atMs);
    }
    before = { atMs, part };
    if (atMs - start.atMs > TIMEOUT_MS)
      throw new Error(`${(part * 100).toFixed(2)} % after 15 min`);
  }
  const read = cpuNow(watched);
  const { grown, end } = await untilStill(watched, read);
  const idle = (of: 'app' | 'broker') => (end[of] - grown[of]) / ((end.atMs - grown.atMs) / 1_000);
  const waited = (grown.atMs - read.atMs) / 1_000;
  const gross = (of: 'app' | 'broker') => grown[of] - start[of];
  return {
    seconds: (nearlyAtMs - start.atMs) / 1_000,
    allSeconds: (read.atMs - start.atMs) / 1_000,
    outSeconds: (grown.atMs - start.atMs) / 1_000,
    appCpu: gross('app') - waited * idle('app'),
    brokerCpu: gross('broker') - waited * idle('broker'),
    appCpuGross: gross('app'),
    brokerCpuGross: gross('broker'),
    appIdle: idle('app'),
    brokerIdle: idle('broker'),
  };
}

/**
 * `grown`: at the last growth that was seen; `end`: some time later, when nothing came any more.
 */
async function untilStill(watched: Watched, read: Cpu): Promise<{ grown: Cpu; end: Cpu }> {
  let size = await watched.progress.size(watched.lanes);
  let grown = read;
  for (;;) {
    await wait(GROWTH_POLL_MS);
    const now = await watched.progress.size(watched.lanes);
    const cpu = cpuNow(watched);
    if (now !== size) {
      size = now;
      grown = cpu;
    }
    const isStill = cpu.atMs - grown.atMs >= Math.max(STILL_MS, watched.idleMs);
    if (isStill && cpu.atMs - read.atMs >= watched.quietMs + STILL_MS) return { grown, end: cpu };
    if (cpu.atMs - read.atMs > TIMEOUT_MS) throw new Error('lanes still grow 15 min after the end');
  }
}

/** The rate that the part of the inputs was worked off at. */
export function rateOf(events: number, { seconds }: Cost): number {
  return (events * NEARLY) / seconds;
}
