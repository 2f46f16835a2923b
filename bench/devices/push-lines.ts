/** FCM and APNs beside bare requests over HTTP/2: `bench/push-sinks.ts`, as lines of this one. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Figure } from '../figure.ts';

const PROGRAM = join(import.meta.dirname, '../push-sinks.ts');
/** Enough for a ratio: three rounds of so many, of each in turn with its floor. */
const SENDS = 5_000;
const AIM = 0.7;

interface Rates {
  readonly perSecond: number;
  readonly floorPerSecond: number;
}

/** Gives a line for each as it is measured. */
export async function* pushLines(): AsyncGenerator<string> {
  const args = ['--disable-warning=ExperimentalWarning', PROGRAM, String(SENDS)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout)) yield lineOf(JSON.parse(line));
}

export function lineOf({ bench, value, floor, more }: Figure): string {
  const { perSecond, floorPerSecond } = more as unknown as Rates;
  const name = bench.replace(/^.*\//, '');
  const cpu = `${value} sends a CPU-second, bare HTTP/2 ${floor}: ${(value / floor).toFixed(2)}`;
  const ratio = (perSecond / floorPerSecond).toFixed(2);
  const rate = `${perSecond} a second, bare ${floorPerSecond}: ${ratio} (aim ${AIM})`;
  return `${name}: ${rate}; ${cpu}\n`;
}
