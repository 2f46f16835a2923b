/**
 * The cluster ring: starts Kafka, the registry and Cassandra once, then runs every
 * `*.cluster.test.ts` against them, one file after the other.
 *
 *   node test/cluster/run.ts [FILE…]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { unavailableReason } from '../kit/servers/way.ts';
import { startAll } from '../kit/servers.ts';
import { environmentOf } from '../kit/shared-servers.ts';

const FOLDER = import.meta.dirname;

/** Under the bound of the whole ring; a test that hangs must not take the others along. */
const TEST_TIMEOUT_MS = 8 * 60_000;
const FILE_TIMEOUT_MS = 9 * 60_000;

/**
 * Runs the ring; 0 when all passed, else 1. Without a way to start servers it says so loudly and
 * gives 0, or 1 when CI=true.
 */
export async function runClusterRing(files: readonly string[] = clusterFiles()): Promise<number> {
  const reason = await unavailableReason();
  if (reason !== undefined) return skipRing(files.length, reason);
  if (files.length === 0) return 0;
  const servers = await startAll();
  try {
    return await runFiles(files, { ...process.env, ...environmentOf(servers) });
  } finally {
    await servers.stop();
  }
}

/** All `*.cluster.test.ts` files, by name. */
export function clusterFiles(): string[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.cluster.test.ts'));
  return names.sort().map((name) => join(FOLDER, name));
}

function skipRing(count: number, reason: string): number {
  const failure = process.env.CI === 'true';
  const bar = '='.repeat(78);
  process.stderr.write(
    `${bar}\nCLUSTER RING ${failure ? 'FAILED' : 'SKIPPED'}: ${count} test file(s) against real ` +
      `Kafka, registry and\nCassandra were not run.\n${reason}\n${bar}\n`,
  );
  return failure ? 1 : 0;
}

/**
 * Each by a runner of its own: one that leaves something running would never end, and the runner's
 * time-out, which ends tests, does not end it.
 */
async function runFiles(files: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let failed = 0;
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once('SIGTERM', end).once('SIGINT', end);
  try {
    for (const file of files) {
      if (stop.signal.aborted || (await runFile(file, env, stop.signal)) !== 0) failed++;
    }
  } finally {
    process.off('SIGTERM', end).off('SIGINT', end);
  }
  return failed === 0 ? 0 : 1;
}

async function runFile(file: string, env: NodeJS.ProcessEnv, stop: AbortSignal): Promise<number> {
  const args = ['--test', '--test-reporter=spec', `--test-timeout=${TEST_TIMEOUT_MS}`, file];
  // A test process that inherits NODE_TEST_CONTEXT reports to a parent that is not there.
  const { NODE_TEST_CONTEXT: _, ...clean } = env;
  const child = spawn(process.execPath, args, { env: clean, stdio: 'inherit' });
  const end = () => void child.kill('SIGTERM');
  stop.addEventListener('abort', end, { once: true });
  const late = setTimeout(() => {
    process.stderr.write(`${basename(file)} took longer than ${FILE_TIMEOUT_MS / 60_000} min.\n`);
    end();
  }, FILE_TIMEOUT_MS);
  try {
    const [code] = await once(child, 'exit');
    return code ?? 1;
  } finally {
    clearTimeout(late);
    stop.removeEventListener('abort', end);
  }
}

if (import.meta.main) {
  process.exitCode = await runClusterRing(
    process.argv.length > 2 ? process.argv.slice(2) : clusterFiles(),
  );
}
