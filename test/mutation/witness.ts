/**
 * The process that is shown faults: it loads test files once, and runs single tests of them with
 * one fault on, or with none. Talks with its parent in the messages of `witnesses.ts`.
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { type Registered, registeredBy, runOne } from './node-test.ts';
import { FAULT } from './switched.ts';
import type { Answer, Order } from './witnesses.ts';

const HANG_MIN_MS = 5_000;
const HANG_TIMES = 10;
// Tests may put others in their place.
const { setTimeout: startTimer, clearTimeout: stopTimer, setImmediate: soon } = globalThis;

let on: number | null = null;
let met = new Set<number>();
let failed: (reason: unknown) => void = () => {};

Reflect.set(globalThis, FAULT, (id: number) => {
  met.add(id);
  return id === on;
});
const instead = new URL('./node-test.ts', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'node:test' && context.parentURL !== instead
      ? { url: instead, shortCircuit: true }
      : next(specifier, context),
});
// What a test does not wait for fails the one that is running.
process.on('uncaughtException', (error) => failed(error));
process.on('unhandledRejection', (error) => failed(error));

const tests = new Map<string, Registered>();
const tell = (answer: Answer) => process.send!(answer);

async function load(root: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    let error: string | null = null;
    let names: string[] = [];
    try {
      const found = await registeredBy(() => import(pathToFileURL(`${root}/${file}`).href));
      names = found.map((_one, n) => `${file} ${n}`);
      for (const [n, one] of found.entries()) tests.set(names[n]!, one);
    } catch (thrown) {
      error = String(thrown);
    }
    tell({ kind: 'loaded', file, tests: names, error });
  }
}

/** Whether it hangs is asked of the clock; whoever hangs without giving it a turn, the parent. */
async function pass(one: Registered, usualMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      runOne(one).then(() => new Promise<void>((resolve) => soon(resolve))),
      new Promise((_resolve, reject) => {
        failed = reject;
        const hangMs = Math.max(HANG_MIN_MS, usualMs * HANG_TIMES);
        timer = startTimer(() => reject(new Error('It hangs.')), hangMs);
      }),
    ]);
  } finally {
    stopTimer(timer);
    failed = () => {};
  }
}

async function obey(order: Order): Promise<void> {
  on = order.fault;
  met = new Set();
  if (order.kind === 'load') {
    await load(order.root, order.files);
  } else {
    for (const { name, usualMs } of order.tests) {
      const beganMs = performance.now();
      met = new Set();
      let error: string | null = null;
      try {
        const one = tests.get(name);
        if (one === undefined) throw new Error('There is no such test.');
        await pass(one, usualMs);
      } catch (thrown) {
        error = String(thrown);
      }
      tell({ kind: 'ran', name, ms: performance.now() - beganMs, met: [...met], error });
      if (error !== null && order.untilFails) break;
    }
  }
  on = null;
  tell({ kind: 'done', met: [...met] });
}

process.on('message', (order: Order) => void obey(order));
