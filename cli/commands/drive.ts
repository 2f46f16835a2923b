/** `carillon drive`: the driver protocol on standard input and output. */
import { once } from 'node:events';
import { createReadStream, type ReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { CarillonError } from '../../core/error.ts';
import { readDeployment } from '../deployment.ts';
import { Drive } from '../drive/drive.ts';
import { driveStartMs } from '../drive/start-time.ts';
import { loadTopology } from '../load-topology.ts';
import { unreadable } from '../read-text.ts';
import { EXIT_ERRORS, EXIT_OK } from '../show-error.ts';

export interface DriveArguments {
  readonly deployment?: string;
  readonly processors?: readonly string[];
  readonly partitions: number;
  readonly commitEvery: number;
  readonly drops?: boolean;
  readonly start?: string;
  /** A file of lines in place of standard input. */
  readonly in?: string;
  readonly sinks: string;
}

/** Lines are printed in blocks: a write for each would be most of the time. */
const BLOCK_CHARS = 32_768;

export async function drive(file: string | undefined, options: DriveArguments): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({
    file: options.deployment,
    folder,
    env: process.env,
    processors: options.processors,
  });
  const { plan, schemas } = await loadTopology(deployment, { folder, env: process.env, file });
  if (options.sinks !== 'recorders' && options.sinks !== 'live') {
    throw new CarillonError('CAR900', `"${options.sinks}" is neither recorders nor live.`, {
      where: { at: '--sinks' },
    });
  }
  const lines = linesOf(options.in);
  const first = await lines.next();
  const startMs =
    options.start === undefined ? recordedAt(first.value) : driveStartMs(options.start);
  const live =
    options.sinks === 'live'
      ? await (await import('../drive/live-sinks.ts')).liveSinks(deployment, { plan, schemas })
      : null;
  let block = '';
  const flush = () => {
    if (block !== '') process.stdout.write(block);
    block = '';
  };
  const write = (line: string) => {
    block += `${line}\n`;
    if (block.length > BLOCK_CHARS) flush();
  };
  const driving = await Drive.open(
    {
      plan,
      folder: schemas,
      partitions: options.partitions,
      commitEvery: options.commitEvery,
      drops: options.drops === true,
      ...(startMs === undefined ? {} : { startMs }),
      ...(live === null ? {} : { openSink: live.openSink }),
    },
    write,
  );
  try {
    for (let line = first; line.done !== true; line = await lines.next()) {
      await driving.input(line.value);
      // Whoever feeds by hand or by a pipe waits for the answer to each line.
      flush();
    }
    return (await driving.end()) ? EXIT_OK : EXIT_ERRORS;
  } catch (error) {
    await live?.close();
    throw error;
  } finally {
    flush();
  }
}

async function* linesOf(file: string | undefined): AsyncGenerator<string, undefined> {
  const input = file === undefined ? process.stdin : await openedFile(file);
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  return undefined;
}

/** Throws CAR902. */
async function openedFile(file: string): Promise<ReadStream> {
  const input = createReadStream(file, 'utf8');
  try {
    await once(input, 'open');
    return input;
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** What was recorded from a log begins at its own time, or all of it would lie in the future. */
function recordedAt(line: string | undefined): number | undefined {
  try {
    const { offset, timestamp } = JSON.parse(line ?? '');
    return typeof offset === 'number' && Number.isSafeInteger(timestamp) ? timestamp : undefined;
  } catch {
    // It is told, with its number, when it is fed.
    return undefined;
  }
}
