/** Processor time and memory of processes and all that they have started, from /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of /proc a second: fixed on Linux for what programs see. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat, counted behind the name in brackets. */
const STAT = { parent: 1, userTicks: 11, systemTicks: 12 } as const;

function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

/** These processes and their descendants, as they are now. */
export function treeOf(roots: readonly number[]): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? statOf(pid) : undefined;
    if (stat !== undefined) parents.set(pid, Number(stat[STAT.parent]));
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && (roots.includes(pid) || isBelow(parents.get(pid)));
  return [...parents.keys()].filter((pid) => isBelow(pid));
}

/** User and system time since the start of each. Throws when one of them has ended. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = statOf(pid);
    if (stat === undefined) throw new Error(`process ${pid} has ended while it was measured`);
    ticks += Number(stat[STAT.userTicks]) + Number(stat[STAT.systemTicks]);
  }
  return ticks / TICKS_PER_SECOND;
}

/** The most that each had resident, summed. */
export function peakMegabytes(pids: readonly number[]): number {
  const kilobytes = pids.reduce((sum, pid) => sum + (statusKilobytes(pid, 'VmHWM') ?? 0), 0);
  return Math.round(kilobytes / 1024);
}

/** What it has resident now. Throws when the system does not tell. */
export function residentBytes(pid: number): number {
  const kilobytes = statusKilobytes(pid, 'VmRSS');
  if (kilobytes === undefined) throw new Error(`nothing is told of the memory of process ${pid}`);
  return kilobytes * 1_024;
}

function statusKilobytes(pid: number, field: string): number | undefined {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const found = new RegExp(`${field}:\\s+(\\d+) kB`).exec(status);
  return found === null ? undefined : Number(found[1]);
}
