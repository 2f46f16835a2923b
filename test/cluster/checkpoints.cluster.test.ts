/** State of tasks on the disk of their host, on a real broker: used where it fits, else rebuilt. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silent } from '../../connectors/kafka/client.ts';
import { openKafkaLog } from '../../connectors/kafka/log.ts';
import { derivedTableCases } from '../contract/derived-tables.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';

const run = `c${process.pid.toString(36)}${Date.now().toString(36)}`;
const READ = 'A task reads its state from its local checkpoint.';

describe('local checkpoints on Kafka', { skip: await clusterSkip() }, () => {
  let servers: SharedServers;
  let runs = 0;
  const folder = mkdtempSync(join(tmpdir(), 'carillon-checkpoints-'));
  before(async () => {
    servers = await sharedServers(['kafka']);
  });
  after(async () => {
    await servers?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const filesOf = (checkpoints: string) =>
    readdirSync(checkpoints, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.state'))
      .map((name) => join(checkpoints, name));

  /** A bit in the middle of each of them. */
  const spoil = (checkpoints: string) => {
    for (const file of filesOf(checkpoints)) {
      const bytes = readFileSync(file);
      const middle = bytes.length >>> 1;
      bytes[middle] = bytes[middle]! ^ 1;
      writeFileSync(file, bytes);
    }
  };

  /** What was said of checkpoints, over all cases of a way. */
  const heard = { whole: [] as string[], spoilt: [] as string[] };

  for (const way of ['whole', 'spoilt'] as const) {
    const checkpoints = join(folder, way);
    derivedTableCases(
      `Kafka, checkpoints ${way}`,
      () => () => {
        const said = heard[way];
        const hear = (facts: object, sentence: string) => {
          if (sentence === READ) said.push(READ);
          if ('code' in facts) said.push(`${facts.code}`);
        };
        if (way === 'spoilt' && said.length >= 0) {
          try {
            spoil(checkpoints);
          } catch {}
        }
        return openKafkaLog({
          brokers: servers.kafka,
          clientId: run,
          replicationFactor: 1,
          checkpoints,
          logger: { ...silent, info: hear, warn: hear },
        });
      },
      { prefix: () => `${run}-${++runs}` },
    );
  }

  test('those that were whole were read, and no others', () => {
    assert.ok(filesOf(join(folder, 'whole')).length > 0);
    assert.ok(heard.whole.includes(READ));
    assert.ok(!heard.whole.includes('CAR341'));
    assert.ok(heard.spoilt.includes('CAR340'));
  });
});
