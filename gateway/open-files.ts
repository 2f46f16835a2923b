/**
 * How many files this process may open, and what that means for connections. A process that has
 * opened all of them can refuse nobody: connects wait in the kernel, and nobody is told.
 */
import { CarillonError } from '../core/error.ts';

/** For the log, the inbox, sinks, and requests by HTTP. */
const RESERVED = 512;
/** However few they are, some connections are taken. */
const CONNECTIONS_MIN = 64;

/** Undefined: the system does not say, or has no limit. */
export function openFilesMax(): number | undefined {
  // The types of Node do not know `excludeNetwork` yet.
  const report = process.report as (NodeJS.ProcessReport & { excludeNetwork: boolean }) | undefined;
  if (report === undefined) return undefined;
  // Looking up the names of open sockets would take its time.
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  try {
    const { userLimits } = report.getReport() as {
      userLimits?: { open_files?: { soft: number | string } };
    };
    const soft = Number(userLimits?.open_files?.soft);
    return Number.isInteger(soft) ? soft : undefined;
  } finally {
    report.excludeNetwork = before;
  }
}

/** Connections that there are files for; at most `wanted`. */
export function connectionsFor(files: number | undefined, wanted: number): number {
  if (files === undefined) return wanted;
  return Math.min(wanted, Math.max(CONNECTIONS_MIN, files - RESERVED));
}

/** CAR732. */
export function fewFiles(files: number | undefined, connections: number): CarillonError {
  const what = `${files} open files are room for ${connections} connections.`;
  return new CarillonError('CAR732', what, { where: { at: 'open files' }, retryable: true });
}
