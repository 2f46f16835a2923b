/**
 * A lock between processes of one machine: a file that only one can create, with the owner's pid in
 * it. The lock of a process that has died counts as free.
 */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const POLL_MS = 200;

/**
 * What this process holds, to be let go at its end; a process that is killed leaves stale locks.
 */
const held = new Set<string>();
process.once('exit', () => {
  for (const path of held) release(path);
});

export class FileLock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** The lock, or undefined when a living process (this one too) has it. */
  static tryTake(path: string): FileLock | undefined {
    // The pid is written aside and linked in, so that nobody ever reads a lock without an owner.
    const own = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    writeFileSync(own, String(process.pid));
    try {
      for (let n = 0; n < 2; n += 1) {
        try {
          linkSync(own, path);
          held.add(path);
          return new FileLock(path);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        if (ownerLives(path)) return undefined;
        rmSync(path, { force: true });
      }
      return undefined;
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** Waits for the lock; throws after `timeoutMs`. */
  static async take(path: string, timeoutMs: number): Promise<FileLock> {
    const startedAt = performance.now();
    for (;;) {
      const lock = FileLock.tryTake(path);
      if (lock !== undefined) return lock;
      if (performance.now() - startedAt > timeoutMs) {
        throw new Error(
          `waited ${timeoutMs} ms for the lock ${path}; remove it if its owner is gone`,
        );
      }
      await wait(POLL_MS);
    }
  }

  release(): void {
    release(this.#path);
  }
}

/** Removes the lock only if it is still this process's. */
function release(path: string): void {
  held.delete(path);
  try {
    if (readFileSync(path, 'utf8') === String(process.pid)) rmSync(path, { force: true });
  } catch {
    // Gone already: that is what was wanted.
  }
}

function ownerLives(path: string): boolean {
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  } catch {
    return false;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
