/**
 * `carillon redrive`: sends dead letters back to the topic that they came from, once what was wrong
 * is mended. Without `--send` it only says what it would send.
 */
import { CarillonError } from '../../core/error.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import type { Log, Producer } from '../../core/log.ts';
import { nearest } from '../../core/nearest.ts';
import { readDeployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { openLogReader } from '../log-reader.ts';
import { LogScan, type ScanOptions } from '../log-scan.ts';
import { openLog } from '../open-log.ts';
import {
  type Letter,
  letterOf,
  redrivable,
  redriveLetters,
  type Sorted,
  sendLetters,
} from '../redrive/redriven.ts';
import { EXIT_OK } from '../show-error.ts';

export interface RedriveOptions extends ScanOptions {
  /** Codes with commas; undefined: all. */
  readonly reason?: string;
  /** The topic that they came from. */
  readonly origin?: string;
  readonly send?: boolean;
}

export async function redrive(options: RedriveOptions): Promise<number> {
  const deployment = readDeployment({
    file: options.deployment,
    folder: process.cwd(),
    env: process.env,
  });
  const { plan } = await loadTopology(deployment, { folder: process.cwd(), env: process.env });
  const letters = () => lettersOf(plan.deadLetters, options);
  await checkReasons(letters, options.reason);
  const reader = await openLogReader(deployment);
  const writer = new LazyWriter(() => openLog(deployment));
  const { signal } = new AbortController();
  try {
    const sorted = await redriveLetters({
      events: redrivable(plan),
      letters: () => chosen(letters(), options),
      read: (origin, from) => reader.read(origin, { from, follow: false, signal }),
      ...(options.send === true ? { send: (some) => writer.send(some) } : {}),
    });
    process.stdout.write(summary(sorted, options.send === true));
  } finally {
    await writer.close();
    await reader.close();
  }
  return EXIT_OK;
}

/** Opens the log when there is something to write: an embedded one must not be in use then. */
class LazyWriter {
  readonly #open: () => Promise<Log>;
  #log: Log | null = null;
  #producer: Producer | null = null;

  constructor(open: () => Promise<Log>) {
    this.#open = open;
  }

  async send(letters: readonly Letter[]): Promise<void> {
    this.#log ??= await this.#open();
    this.#producer ??= await this.#log.producer();
    await sendLetters(this.#log, this.#producer, letters);
  }

  async close(): Promise<void> {
    await this.#producer?.close();
    await this.#log?.close();
  }
}

async function* lettersOf(topic: string, options: ScanOptions): AsyncGenerator<Letter> {
  const scan = await LogScan.open([topic], { ...options, follow: false });
  try {
    const { signal } = new AbortController();
    for await (const { record } of scan.records(signal)) yield letterOf(record);
  } finally {
    await scan.close();
  }
}

async function* chosen(
  letters: AsyncIterable<Letter>,
  { reason, origin }: RedriveOptions,
): AsyncGenerator<Letter> {
  const reasons = reason === undefined ? undefined : codesIn(reason);
  for await (const letter of letters) {
    if (reasons !== undefined && !reasons.includes(letter.code)) continue;
    if (origin === undefined || letter.origin === origin) yield letter;
  }
}

const codesIn = (text: string): string[] => text.split(',').map((code) => code.trim());

/**
 * Steps of one's own have codes of their own, so what lies there exists, too. Throws CAR900: sent
 * back would be nothing, and it would look as if there were no such letters.
 */
async function checkReasons(
  letters: () => AsyncIterable<Letter>,
  text: string | undefined,
): Promise<void> {
  const unknown = text === undefined ? [] : codesIn(text).filter((code) => !(code in ERROR_TABLE));
  if (unknown.length === 0) return;
  const lying = new Set<string>();
  for await (const { code } of letters()) lying.add(code);
  const reason = unknown.find((code) => !lying.has(code));
  if (reason === undefined) return;
  const near = nearest(reason, [...lying, ...Object.keys(ERROR_TABLE)]);
  const codes = lying.size === 0 ? 'there are none' : [...lying].sort().join(', ');
  throw new CarillonError('CAR900', `--reason: there is no code "${reason.slice(0, 64)}".`, {
    where: { at: 'carillon redrive' },
    mend: near === undefined ? `codes of the dead letters: ${codes}` : `did you mean "${near}"?`,
  });
}

function summary(sorted: Sorted, isSending: boolean): string {
  const { groups, toSend, alreadySent, ofOthers, changed } = sorted;
  const lines = groups.map(
    ({ code, origin, n }) => `${String(n).padStart(6)}  ${code}  ${origin}\n`,
  );
  const left = [
    ...(alreadySent === 0 ? [] : [`${alreadySent} were sent back before`]),
    ...(ofOthers === 0 ? [] : [`${ofOthers} are of no topic of events`]),
    ...(changed === 0
      ? []
      : [
          `${changed} hold what a step had made of their events (map, join, …), and not what came: ` +
            'the events lie where their headers carillon.topic, partition and offset say',
        ]),
  ];
  const rest = left.length === 0 ? '' : `Left out: ${left.join('; ')}.\n`;
  if (isSending) {
    return `${lines.join('')}${rest}${toSend === 0 ? '' : `${toSend} were sent.\n`}`;
  }
  const what = toSend === 1 ? '1 dead letter' : `${toSend} dead letters`;
  return `${lines.join('')}${rest}${what} would be sent back. Nothing was: say --send to do it.\n`;
}
