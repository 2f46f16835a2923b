/** Builds the Java peer with Maven when its sources are newer than what was built. */
import { execFile } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FileLock } from '../../test/kit/servers/file-lock.ts';
import { cacheFolder } from '../../test/kit/servers/maven.ts';
import { progress } from '../../test/kit/servers/progress.ts';

const run = promisify(execFile);
const FOLDER = import.meta.dirname;
/** The first build fetches Kafka Streams and RocksDB, 96 MB; past this it is stuck. */
const BUILD_TIMEOUT_MS = 10 * 60_000;
/** Maven writes it at the end of a compilation. */
const BUILT = join(FOLDER, 'target/maven-status');

/** The class path of the peer's programs (`carillon.peer.…`). */
export const CLASS_PATH = [join(FOLDER, 'target/classes'), join(FOLDER, 'target/libs/*')].join(':');

/** A short program of the peer says only what is wrong, on standard error. */
export function javaArguments(program: string, ...args: readonly string[]): string[] {
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
  return [quiet, '-Xmx1g', '-cp', CLASS_PATH, `carillon.peer.${program}`, ...args];
}

export async function buildPeer(): Promise<void> {
  // One Maven at a time: its local repository is not made for several.
  const lock = await FileLock.take(join(cacheFolder(), 'maven.lock'), BUILD_TIMEOUT_MS);
  try {
    if (isBuilt()) return;
    const startedAt = performance.now();
    await run('mvn', ['-q', '-B', 'clean', 'compile'], { cwd: FOLDER, timeout: BUILD_TIMEOUT_MS });
    progress('the Kafka Streams peer is built', startedAt);
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    const last = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-20).join('\n');
    throw new Error(`the peer does not build:\n${last || String(error)}`);
  } finally {
    lock.release();
  }
}

function isBuilt(): boolean {
  if (!existsSync(BUILT)) return false;
  const builtMs = statSync(BUILT).mtimeMs;
  const sources = ['pom.xml', ...globSync('src/**/*.java', { cwd: FOLDER })];
  return sources.every((file) => statSync(join(FOLDER, file)).mtimeMs < builtMs);
}
