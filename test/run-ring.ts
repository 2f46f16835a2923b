/** Runs one ring in a process of its own and reads from its output how many tests passed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Ring, ROOT } from './rings.ts';

export interface RingResult {
  readonly ring: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly ms: number;
}

export interface Sums {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Kept of a ring's output, to show when it failed; the end says what is wrong. */
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

/** Each test file is a process that loads much of the product: compiled once, half of that time. */
const COMPILED = join(ROOT, 'node_modules/.cache/compiled');

/** Between asking a ring to end and making it. */
const GRACE_MS = 5_000;

/**
 * The sums of an output: all summaries of node's test runner (`ℹ pass 12`), and lines of the form
 * `12 passed, 0 failed, 1 skipped`. Undefined when there is neither.
 */
export function sumsIn(output: string): Sums | undefined {
  let found = false;
  const sums = { passed: 0, failed: 0, skipped: 0 };
  const add = (name: keyof typeof sums, count: string | undefined) => {
    found = true;
    sums[name] += Number(count ?? 0);
  };
  for (const [, word, count] of output.matchAll(/^ℹ (pass|fail|cancelled|skipped|todo) (\d+)$/gm)) {
    if (word === 'pass') add('passed', count);
    else if (word === 'fail' || word === 'cancelled') add('failed', count);
    else add('skipped', count);
  }
  const own = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\.?$/gm;
  for (const [, passed, failed, skipped] of output.matchAll(own)) {
    add('passed', passed);
    add('failed', failed);
    add('skipped', skipped);
  }
  // What the cluster ring says when there is no way to start servers; with CI=true it also fails.
  for (const [, state, count] of output.matchAll(/^CLUSTER RING (SKIPPED|FAILED): (\d+)/gm)) {
    add(state === 'SKIPPED' ? 'skipped' : 'failed', count);
  }
  return found ? sums : undefined;
}

/** What a ring amounts to: an exit code that says failed is a failure, whatever the sums say. */
export function judged(counts: Ring['counts'], output: string, code: number): Sums {
  const failed = code === 0 ? 0 : 1;
  const sums = counts === 'check' ? undefined : sumsIn(output);
  if (sums === undefined) return { passed: 1 - failed, failed, skipped: 0 };
  return { ...sums, failed: Math.max(sums.failed, failed) };
}

/**
 * Node's runner lists every failure once more at the end, which is all that one wants to read; of
 * several runners what is behind the first that failed.
 */
function worthShowing(counts: Ring['counts'], output: string): string {
  const at = counts === 'tests' ? output.indexOf('✖ failing tests:') : -1;
  return at < 0 ? output : output.slice(at);
}

/** Undefined when the ring has nothing to run yet. */
export async function runRing(ring: Ring): Promise<RingResult | undefined> {
  const args = ring.args();
  if (args.length === 0) {
    process.stdout.write(`${ring.name} – there is nothing to run yet\n`);
    return undefined;
  }
  process.stdout.write(`${ring.name} …${ring.live ? '\n' : ''}`);
  const startedAt = performance.now();
  const { output, code } = await collect(ring, args);
  const ms = performance.now() - startedAt;
  const sums = judged(ring.counts, output, code);
  const mark = sums.failed > 0 ? 'FAILED' : 'ok';
  const prefix = ring.live ? `${ring.name} ` : ' ';
  process.stdout.write(`${prefix}${mark}, ${(ms / 1000).toFixed(1)} s\n`);
  if (sums.failed > 0 && !ring.live) {
    process.stdout.write(`${worthShowing(ring.counts, output)}\n`);
  }
  return { ring: ring.name, ms, ...sums };
}

async function collect(
  ring: Ring,
  args: readonly string[],
): Promise<{ output: string; code: number }> {
  // A test process that inherits NODE_TEST_CONTEXT reports to a parent that is not there.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { NODE_COMPILE_CACHE: COMPILED, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const take = (chunk: string, to: NodeJS.WriteStream) => {
    output += chunk;
    if (output.length > OUTPUT_BYTES_MAX) output = output.slice(-OUTPUT_BYTES_MAX);
    if (ring.live) to.write(chunk);
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => take(chunk, process.stdout));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => take(chunk, process.stderr));
  const stop = stopper(child);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, ring.timeoutMs);
  process.once('SIGTERM', stop);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exit) => resolve(exit ?? 1));
    });
    if (timedOut) output += `\n${ring.name} took longer than ${ring.timeoutMs / 1000} s.\n`;
    return { output, code: timedOut ? 1 : code };
  } finally {
    clearTimeout(timer);
    process.off('SIGTERM', stop);
  }
}

/** Asks the ring to end, so that it stops the servers it has started; then makes it. */
function stopper(child: ChildProcess): () => void {
  return () => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
  };
}
