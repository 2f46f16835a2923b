/** Puts records into the log: written to a file in one form, produced by Kafka's own client. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { partitionOfText } from '../../core/partition.ts';
import { javaArguments } from './build.ts';

/** A piece of the file that is written at once. */
const PIECE_BYTES = 1 << 20;
const INT_BYTES = 4;
const LONG_BYTES = 8;

export interface LoadRecord {
  readonly topic: string;
  readonly timestamp: number;
  readonly key: string;
  readonly value: Buffer;
}

/** Writes the form that Loader.java reads. Gives the number of records. */
export function writeLoad(
  file: string,
  topics: readonly string[],
  partitions: number,
  records: Iterable<LoadRecord>,
): number {
  const out = openSync(file, 'w');
  let piece: Buffer[] = [head(topics)];
  let size = 0;
  let count = 0;
  const flush = () => {
    writeSync(out, Buffer.concat(piece));
    piece = [];
    size = 0;
  };
  try {
    for (const record of records) {
      const bytes = encode(record, topics.indexOf(record.topic), partitions);
      piece.push(bytes);
      size += bytes.length;
      count++;
      if (size > PIECE_BYTES) flush();
    }
    flush();
  } finally {
    closeSync(out);
  }
  return count;
}

function head(topics: readonly string[]): Buffer {
  const count = Buffer.alloc(INT_BYTES);
  count.writeInt32BE(topics.length);
  const names = topics.map((topic) => {
    const name = Buffer.alloc(2 + topic.length);
    name.writeUInt16BE(topic.length);
    name.write(topic, 2, 'latin1');
    return name;
  });
  return Buffer.concat([count, ...names]);
}

function encode(record: LoadRecord, topic: number, partitions: number): Buffer {
  const key = Buffer.from(record.key, 'utf8');
  const { value } = record;
  const bytes = Buffer.allocUnsafe(4 * INT_BYTES + LONG_BYTES + key.length + value.length);
  let at = bytes.writeInt32BE(topic, 0);
  at = bytes.writeInt32BE(partitionOfText(record.key, partitions), at);
  at = bytes.writeBigInt64BE(BigInt(record.timestamp), at);
  at = bytes.writeInt32BE(key.length, at);
  at += key.copy(bytes, at);
  at = bytes.writeInt32BE(value.length, at);
  value.copy(bytes, at);
  return bytes;
}

/** One producer for a broker; it stays, so that a load takes no longer than it must. */
export class Loader {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #kill = () => void this.#child.kill('SIGKILL');
  #files = 0;

  constructor(brokers: readonly string[], folder: string) {
    this.#folder = folder;
    const args = javaArguments('Loader', brokers.join(','));
    // It ends when its standard input does, once it has sent what it has begun, or cannot for 2
    // min.
    this.#child = spawn('java', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    process.once('exit', this.#kill);
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /** Writes the file of the next load; `send` produces it. */
  prepare(topics: readonly string[], partitions: number, records: Iterable<LoadRecord>): Load {
    const file = join(this.#folder, `load-${++this.#files}`);
    const count = writeLoad(file, topics, partitions, records);
    return { send: () => this.#send(file, count) };
  }

  async #send(file: string, count: number): Promise<void> {
    this.#child.stdin!.write(`${file}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true || value !== `sent ${count}`) {
      throw new Error(`the loader did not send ${count} records: ${value ?? 'it has ended'}`);
    }
    rmSync(file);
  }

  close(): void {
    process.off('exit', this.#kill);
    this.#kill();
  }
}

export interface Load {
  /** Resolves when the broker has acknowledged all of it. */
  send(): Promise<void>;
}
