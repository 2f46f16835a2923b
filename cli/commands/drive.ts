/** `carillon drive`: the driver protocol on standard input and output. */
import { createInterface } from 'node:readline';
import { CarillonError } from '../../core/error.ts';
import { readDeployment } from '../deployment.ts';
import { Drive } from '../drive/drive.ts';
import { driveStartMs } from '../drive/start-time.ts';
import { loadTopology } from '../load-topology.ts';
import { EXIT_ERRORS, EXIT_OK } from '../show-error.ts';

export interface DriveArguments {
  readonly deployment?: string;
  readonly partitions: number;
  readonly commitEvery: number;
  readonly drops?: boolean;
  readonly start: string;
  readonly sinks: string;
}

/** Lines are printed in blocks: a write for each would be most of the time. */
const BLOCK_CHARS = 32_768;

export async function drive(file: string | undefined, options: DriveArguments): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  const { plan, schemas } = loadTopology(deployment, { folder, env: process.env, file });
  const startMs = driveStartMs(options.start);
  if (options.sinks !== 'recorders' && options.sinks !== 'live') {
    throw new CarillonError('CAR900', `"${options.sinks}" is neither recorders nor live.`, {
      where: { at: '--sinks' },
    });
  }
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
      startMs,
      ...(live === null ? {} : { openSink: live.openSink }),
    },
    write,
  );
  try {
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
      await driving.input(line);
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
