/**
 * A deployment whose embedded log was written by hand: for commands that look into logs. Nothing
 * runs on it.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../../connectors/embedded/log.ts';
import { openSchemaIds } from '../../connectors/embedded/schema-ids.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { systemClock } from '../../core/clock.ts';
import { topicSpecs } from '../../runtime/engine.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { planOf } from './drive.ts';

const ROOT = join(import.meta.dirname, '../..');
const PARTITIONS = 4;

export interface WrittenRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  /** By the topic's schema; null: a tombstone; bytes: as they are. */
  readonly value: object | null;
  readonly at: number;
  readonly headers?: { readonly [name: string]: string };
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

export class WrittenLog {
  readonly folder = mkdtempSync(join(tmpdir(), 'carillon-written-'));

  /** `topology`: its text. */
  constructor(topology: string) {
    mkdirSync(join(this.folder, 'topology'));
    writeFileSync(join(this.folder, 'topology/reno.yaml'), topology);
    this.#topology = topology;
  }

  readonly #topology: string;

  async write(records: readonly WrittenRecord[]): Promise<void> {
    const plan = planOf(this.#topology);
    const log = openEmbeddedLog({ dir: join(this.folder, '.carillon'), clock: systemClock });
    try {
      await log.applyTopics(topicSpecs(plan, PARTITIONS));
      const schemas = new AvroSchemas(
        readSchemaFolder(join(ROOT, 'schemas')),
        openSchemaIds(log),
        systemClock,
      );
      const schemaOf = new Map(plan.topics.map(({ name, schema }) => [name, schema]));
      await schemas.open(
        plan.topics.flatMap(({ name, schema }) =>
          schema === undefined ? [] : [{ topic: name, schema }],
        ),
      );
      const producer = await log.producer();
      for (const { topic, partition, key, value, at, headers = {} } of records) {
        const builder = new BatchBuilder(topic, partition);
        const bytes =
          value === null || Buffer.isBuffer(value)
            ? value
            : schemas.encoder(schemaOf.get(topic)!).toBuffer(value);
        const own = Object.entries(headers).map(([name, text]) => ({
          key: name,
          value: Buffer.from(text),
        }));
        builder.append(at, Buffer.from(key), bytes, own);
        await producer.send([builder.finish()]);
      }
      await producer.close();
    } finally {
      await log.close();
    }
  }

  /** The command in the deployment's folder; `input`: its standard input. */
  carillon(words: string, input = ''): Ended {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'cli/carillon.ts'), ...words.split(' ')],
      { cwd: this.folder, input, encoding: 'utf8', timeout: 30_000 },
    );
    return { code: status, out: stdout, said: stderr };
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}
