/**
 * One server process of a test: started in the background, its output in a log file, dead when the
 * test process is dead, whatever that died of.
 *
 * How it dies with its parent: a small shell stands between. It holds a pipe whose other end only
 * the test process has. When that closes (exit, SIGINT, kill -9 alike), the shell kills the server
 * by its pid and removes the folder that was made for it. No process is ever looked up by name.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * `$1` is the file for the server's pid, `$2` the folder to remove when the parent has died (or
 * empty). SIGINT is ignored, as a terminal sends it to the whole group: the parent decides.
 */
const WATCHDOG = `
trap '' INT
pidfile="$1"; folder="$2"; shift 2
exec 3<&0
"$@" </dev/null 3<&- &
pid=$!
echo $pid >"$pidfile"
( cat <&3 >/dev/null; : >"$pidfile.orphan"; kill -9 $pid 2>/dev/null ) &
watcher=$!
exec 3<&-
wait $pid
status=$?
if [ -f "$pidfile.orphan" ]; then [ -n "$folder" ] && rm -rf "$folder"; else kill -9 $watcher; fi
exit $status
`;

const LOG_LINES_IN_ERROR = 25;
const POLL_MS = 50;

export interface ChildSpec {
  /** For messages: `kafka-1`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Log, pid and data are in here. */
  readonly dir: string;
  /** True: the folder is ours and is removed with the server. */
  readonly ownsDir: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/** A running server. All its methods may be called again and again. */
export class ServerChild {
  readonly spec: ChildSpec;
  readonly logFile: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(spec: ChildSpec) {
    this.spec = spec;
    this.logFile = join(spec.dir, 'server.log');
    rmSync(this.#pidFile, { force: true });
    rmSync(this.logFile, { force: true });
    const log = openSync(this.logFile, 'a');
    const folder = spec.ownsDir ? spec.dir : '';
    const args = ['-c', WATCHDOG, 'sh', this.#pidFile, folder, spec.command, ...spec.args];
    this.#process = spawn('/bin/sh', args, {
      cwd: spec.dir,
      env: spec.env ?? process.env,
      stdio: ['pipe', log, log],
    });
    closeSync(log);
    this.#exited = once(this.#process, 'exit').catch(() => undefined);
    // The pipe must stay open, but must not keep the test process alive: it is the other way round.
    (this.#process.stdin as unknown as { unref(): void }).unref();
    this.#process.stdin?.on('error', () => undefined);
    this.#process.unref();
  }

  get #pidFile(): string {
    return join(this.spec.dir, 'server.pid');
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Null while it runs, or when a signal ended it. */
  get exitCode(): number | null {
    return this.#process.exitCode;
  }

  /** The server's own pid, not the watchdog's; undefined before it is known. */
  get pid(): number | undefined {
    if (!existsSync(this.#pidFile)) return undefined;
    const pid = Number.parseInt(readFileSync(this.#pidFile, 'utf8'), 10);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  }

  /** Sends a signal to the server, if it still runs. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.pid;
    if (!this.running || pid === undefined) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** SIGSTOP, and waits until it stands: on a busy machine it may answer once more before. */
  async pause(): Promise<void> {
    this.signal('SIGSTOP');
    for (let n = 0; this.running && !this.#isStopped() && n < 200; n += 1) await wait(POLL_MS);
  }

  /** All of its threads; always true where the system does not say (no /proc). */
  #isStopped(): boolean {
    const tasks = `/proc/${this.pid}/task`;
    if (!existsSync(tasks)) return true;
    return readdirSync(tasks).every((thread) => {
      const stat = readFileSync(`${tasks}/${thread}/stat`, 'utf8');
      return stat[stat.lastIndexOf(')') + 2] === 'T';
    });
  }

  /** kill -9, and waits until the process is gone. */
  async kill(): Promise<void> {
    for (let n = 0; this.running && this.pid === undefined && n < 40; n += 1) await wait(POLL_MS);
    this.#process.ref();
    this.signal('SIGKILL');
    if (this.running) await this.#exited;
    // The end of the pipe ends the watchdog's reader; the server has gone before it.
    this.#process.stdin?.destroy();
  }

  logTail(lines: number = LOG_LINES_IN_ERROR): string {
    if (!existsSync(this.logFile)) return '(no log)';
    const all = readFileSync(this.logFile, 'utf8').trimEnd().split('\n');
    return all.slice(-lines).join('\n');
  }

  /** Waits until a line of the log has `text`, or throws with the last lines of the log. */
  async waitForLog(text: string, timeoutMs: number): Promise<void> {
    let seenBytes = -1;
    await this.waitFor(`the line "${text}"`, timeoutMs, async () => {
      const sizeBytes = existsSync(this.logFile) ? statSync(this.logFile).size : 0;
      if (sizeBytes === seenBytes) return false;
      seenBytes = sizeBytes;
      return readFileSync(this.logFile, 'utf8').includes(text);
    });
  }

  /** Waits until `ready` is true; a throw of it counts as "not yet". */
  async waitFor(what: string, timeoutMs: number, ready: () => Promise<boolean>): Promise<void> {
    const startedAt = performance.now();
    for (;;) {
      if (await ready().catch(() => false)) return;
      if (!this.running) throw this.#failure(`ended before ${what}`);
      if (performance.now() - startedAt > timeoutMs) {
        throw this.#failure(`waited ${timeoutMs} ms for ${what}`);
      }
      await wait(POLL_MS);
    }
  }

  #failure(what: string): Error {
    const log = this.logTail();
    return new Error(`${this.spec.name}: ${what}; last lines of its log:\n${log}`);
  }
}
