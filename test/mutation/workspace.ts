/** A copy of the tree in which a fault can be put into a file, and tests be run. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { files, ROOT } from '../tidy/tree.ts';
import { readCoverage } from './coverage.ts';
import type { Mutant } from './mutants.ts';

export class Workspace {
  readonly #root = realpathSync(mkdtempSync(join(tmpdir(), 'mutation-')));

  constructor() {
    for (const file of files) {
      mkdirSync(dirname(join(this.#root, file)), { recursive: true });
      cpSync(join(ROOT, file), join(this.#root, file));
    }
    symlinkSync(join(ROOT, 'node_modules'), join(this.#root, 'node_modules'));
  }

  put({ file, start, end, to }: Mutant, text: string): void {
    writeFileSync(join(this.#root, file), text.slice(0, start) + to + text.slice(end));
  }

  restore({ file }: Mutant, text: string): void {
    writeFileSync(join(this.#root, file), text);
  }

  /** Whether all tests of a file pass within the time, and how long it took. */
  async passes(
    test: string,
    timeoutMs: number,
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ passes: boolean; ms: number }> {
    const beganMs = performance.now();
    const options = {
      cwd: this.#root,
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, ...env },
    } as const;
    const child = spawn(process.execPath, [test], options);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      endGroup(child);
    }, timeoutMs);
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    clearTimeout(timer);
    return { passes: code === 0 && !isLate, ms: performance.now() - beganMs };
  }

  /** As `passes`, with what it ran. */
  async covers(test: string, timeoutMs: number) {
    const folder = mkdtempSync(join(this.#root, 'coverage-'));
    const told = await this.passes(test, timeoutMs, { NODE_V8_COVERAGE: folder });
    const coverage = readCoverage(folder, this.#root);
    rmSync(folder, { recursive: true });
    return { ...told, coverage };
  }

  close(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
