/**
 * Python with `confluent-kafka` (librdkafka), the producer that is not ours: in a virtual
 * environment in the cache folder of the user, made once.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FileLock } from './servers/file-lock.ts';
import { cacheFolder } from './servers/maven.ts';
import { progress } from './servers/progress.ts';

const run = promisify(execFile);

/** 2.16.1 asks for a certifi so new that mirrors which lag behind do not have it. */
const VERSION = '2.16.0';
const PACKAGE = `confluent-kafka[avro,schemaregistry]==${VERSION}`;
const INSTALL_TIMEOUT_MS = 5 * 60_000;
const RUN_TIMEOUT_MS = 5 * 60_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const ASK_TIMEOUT_MS = 15_000;
const ERROR_LINE_CHARS = 200;

/** Why there can be no Python here, with what to install; undefined when there can. */
export async function pythonUnavailableReason(): Promise<string | undefined> {
  if (existsSync(join(environmentFolder(), 'ready'))) return undefined;
  try {
    await run('python3', ['-c', 'import venv, ensurepip'], { timeout: ASK_TIMEOUT_MS });
    return undefined;
  } catch {
    return 'python3 with venv is not installed (Debian: apt-get install python3-venv)';
  }
}

function environmentFolder(): string {
  return join(cacheFolder(), `python-confluent-kafka-${VERSION}`);
}

/** The interpreter of the environment; installs it at the first call. */
export async function python(): Promise<string> {
  const folder = environmentFolder();
  const ready = join(folder, 'ready');
  const interpreter = join(folder, 'bin', 'python');
  if (existsSync(ready)) return interpreter;
  // Made in place, as an environment cannot be moved; the file `ready` says that it is whole.
  const lock = await FileLock.take(`${folder}.lock`, INSTALL_TIMEOUT_MS);
  try {
    if (existsSync(ready)) return interpreter;
    const startedAt = performance.now();
    progress(`python: installing ${PACKAGE} (once) into ${folder}`);
    rmSync(folder, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_TIMEOUT_MS });
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
    const install = ['-m', 'pip', 'install', ...quiet, PACKAGE];
    await run(interpreter, install, { timeout: INSTALL_TIMEOUT_MS }).catch((error) => {
      // pip names every version there ever was; the ends of its last lines say nothing more.
      const words = String((error as { stderr?: string }).stderr || error);
      const lines = words.split('\n').map((line) => line.slice(0, ERROR_LINE_CHARS));
      throw new Error(`pip could not install ${PACKAGE}:\n${lines.slice(-8).join('\n')}`);
    });
    writeFileSync(ready, `${PACKAGE}\n`);
    progress('python: installed', startedAt);
    return interpreter;
  } finally {
    lock.release();
  }
}

export interface PythonRun {
  /** Its standard output, whole. Throws with the end of its standard error when it fails. */
  readonly output: Promise<string>;
  /** kill -9, by its pid. */
  kill(): void;
}

/**
 * Starts a script; it is killed after `timeoutMs` (default 5 minutes) and when this process ends.
 */
export async function startPython(
  script: string,
  args: readonly string[],
  timeoutMs: number = RUN_TIMEOUT_MS,
): Promise<PythonRun> {
  const child = spawn(await python(), [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const killAtExit = () => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const output = outputOf(child, script).finally(() => {
    clearTimeout(timer);
    process.removeListener('exit', killAtExit);
  });
  // Whoever never asks for the output must not bring the process down by it.
  output.catch(() => undefined);
  return { output, kill: () => void child.kill('SIGKILL') };
}

/** Runs a script to its end and gives its standard output. */
export async function runPython(
  script: string,
  args: readonly string[],
  timeoutMs: number = RUN_TIMEOUT_MS,
): Promise<string> {
  return (await startPython(script, args, timeoutMs)).output;
}

async function outputOf(child: ChildProcess, script: string): Promise<string> {
  let output = '';
  let errors = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-OUTPUT_BYTES_MAX);
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4_000);
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`${script} ended with ${code ?? signal}:\n${errors}`);
  return output;
}
