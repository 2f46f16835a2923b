/**
 * A headless Chromium of this machine, driven over its DevTools protocol; no package brings one.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const START_MS = 20_000;
const UNTIL_MS = 30_000;
const POLL_MS = 50;

/** Undefined: this machine has none. */
export function browserOfMachine(): string | undefined {
  return NAMES.find((name) => {
    try {
      execFileSync('which', [name], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly [name: string]: unknown };
  readonly result?: { readonly [name: string]: unknown };
  readonly error?: { readonly message: string };
}

export class BrowserPage {
  /** What the page complained of: errors, and what its policy kept from being loaded. */
  readonly complaints: string[] = [];
  /** Addresses that it asked for. */
  readonly asked: string[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #session: string | undefined;
  #id = 0;

  private constructor(child: ChildProcess, folder: string, socket: WebSocket) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    socket.on('message', (data) => this.#take(JSON.parse(String(data)) as Answer));
  }

  static async open(command: string, more: readonly string[] = []): Promise<BrowserPage> {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-browser-'));
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0'];
    const args = [...flags, ...more, `--user-data-dir=${folder}`, 'about:blank'];
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const socket = new WebSocket(await addressOf(child));
    await once(socket, 'open');
    const page = new BrowserPage(child, folder, socket);
    const { targetInfos } = await page.#call('Target.getTargets');
    const targets = targetInfos as { type: string; targetId: string }[];
    const { targetId } = targets.find(({ type }) => type === 'page')!;
    const { sessionId } = await page.#call('Target.attachToTarget', { targetId, flatten: true });
    page.#session = String(sessionId);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network'])
      await page.#call(`${domain}.enable`);
    return page;
  }

  async goto(url: string): Promise<void> {
    await this.#call('Page.navigate', { url });
  }

  async size(width: number, height: number): Promise<void> {
    const metrics = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.#call('Emulation.setDeviceMetricsOverride', metrics);
  }

  async scheme(value: 'light' | 'dark'): Promise<void> {
    const features = [{ name: 'prefers-color-scheme', value }];
    await this.#call('Emulation.setEmulatedMedia', { features });
  }

  /** The value of an expression; a promise's when it gives one. */
  async evaluate<T>(expression: string): Promise<T> {
    const options = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', options);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: T }).value;
  }

  /** Resolves when the expression is true. */
  async until(expression: string, what: string): Promise<void> {
    const end = Date.now() + UNTIL_MS;
    while ((await this.evaluate<boolean>(`Boolean(${expression})`).catch(() => false)) !== true) {
      if (Date.now() > end) {
        const text = await this.evaluate<string>('document.body.innerText').catch(() => '');
        throw new Error(`${what}: not within ${UNTIL_MS} ms; the page says:\n${text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** A key as a person presses it. */
  async press(key: 'Tab' | 'Enter'): Promise<void> {
    const code = key === 'Tab' ? 9 : 13;
    const text = key === 'Enter' ? { text: '\r' } : {};
    const event = { key, code: key, windowsVirtualKeyCode: code };
    await this.#call('Input.dispatchKeyEvent', { type: 'keyDown', ...event, ...text });
    await this.#call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  async type(text: string): Promise<void> {
    await this.#call('Input.insertText', { text });
  }

  /** PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.#call('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  }

  async close(): Promise<void> {
    this.#socket.close();
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #call(method: string, params: object = {}): Promise<NonNullable<Answer['result']>> {
    const id = ++this.#id;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  #take(answer: Answer): void {
    const { id, method, params } = answer;
    if (id !== undefined) {
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    } else if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') {
      this.complaints.push(JSON.stringify(params));
    } else if (method === 'Network.requestWillBeSent') {
      this.asked.push((params as { request: { url: string } }).request.url);
    }
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  const late = AbortSignal.timeout(START_MS);
  for await (const line of createInterface({ input: child.stderr!, signal: late })) {
    const found = /^DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error('the browser did not start');
}
