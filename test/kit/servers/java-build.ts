/** Builds a folder of Java sources with Maven, when they are newer than what was built. */
import { execFile } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FileLock } from './file-lock.ts';
import { cacheFolder } from './maven.ts';
import { progress } from './progress.ts';

const run = promisify(execFile);
/** The first build fetches Kafka Streams and RocksDB, 96 MB; past this it is stuck. */
const BUILD_TIMEOUT_MS = 10 * 60_000;

export class JavaBuild {
  /** What people call it. */
  readonly #name: string;
  readonly #folder: string;

  constructor(name: string, folder: string) {
    this.#name = name;
    this.#folder = folder;
  }

  /** The class path of its programs. */
  get classPath(): string {
    return [join(this.#folder, 'target/classes'), join(this.#folder, 'target/libs/*')].join(':');
  }

  async make(): Promise<void> {
    // One Maven at a time: its local repository is not made for several.
    const lock = await FileLock.take(join(cacheFolder(), 'maven.lock'), BUILD_TIMEOUT_MS);
    try {
      if (this.#isBuilt()) return;
      const startedAt = performance.now();
      const cwd = this.#folder;
      await run('mvn', ['-q', '-B', 'clean', 'compile'], { cwd, timeout: BUILD_TIMEOUT_MS });
      progress(`${this.#name} is built`, startedAt);
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string };
      const last = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-20).join('\n');
      throw new Error(`${this.#name} does not build:\n${last || String(error)}`);
    } finally {
      lock.release();
    }
  }

  #isBuilt(): boolean {
    // Maven writes it at the end of a compilation.
    const built = join(this.#folder, 'target/maven-status');
    if (!existsSync(built)) return false;
    const builtMs = statSync(built).mtimeMs;
    const sources = ['pom.xml', ...globSync('src/**/*.java', { cwd: this.#folder })];
    return sources.every((file) => statSync(join(this.#folder, file)).mtimeMs < builtMs);
  }
}
