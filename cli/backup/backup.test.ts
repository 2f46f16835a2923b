/** An embedded pipeline that is backed up and restored, and what is refused. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { openEmbeddedLog } from '../../connectors/embedded/log.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import { type KafkaLogSettings, parseDeployment } from '../deployment.ts';
import { secretsOf } from '../secrets.ts';
import { makeBackup } from './make-backup.ts';
import { MANIFEST_FILE } from './manifest.ts';
import { restoreBackup } from './restore-backup.ts';

const root = mkdtempSync(join(tmpdir(), 'carillon-backup-'));
after(() => rmSync(root, { recursive: true, force: true }));
const AT_MS = 1_767_225_600_000;
const TEXT = 'data_folder: data\ntopology: topology/mine.yaml\nschemas: [schemas]\n';

/** A folder with a pipeline that has run, or has not. */
class Home {
  readonly folder: string;
  readonly deployment;

  constructor(name: string, text = TEXT) {
    this.folder = join(root, name);
    for (const below of ['topology', 'schemas']) {
      mkdirSync(join(this.folder, below), { recursive: true });
    }
    const env = {};
    this.deployment = parseDeployment(text, { file: 'carillon.yaml', folder: this.folder, env });
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text);
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8');
  }

  /** As a pipeline that runs has it: with all that it wrote in the WAL. */
  async open() {
    const { dataFolder: dir } = this.deployment;
    const log = openEmbeddedLog({ dir, clock: new HandClock(AT_MS) });
    await log.applyTopics([{ name: 't', partitions: 1, cleanup: 'delete' }]);
    const producer = await log.producer();
    return {
      send: async (...keys: string[]) => {
        const builder = new BatchBuilder('t', 0);
        for (const key of keys) builder.append(AT_MS, key, Buffer.from('v'));
        await producer.send([builder.finish()]);
      },
      keys: async () => {
        const keys: (string | null)[] = [];
        for await (const records of log.read('t', { from: 'start', follow: false })) {
          keys.push(...records.map(({ key }) => key));
        }
        return keys;
      },
      close: async () => {
        await producer.close();
        await log.close();
      },
    };
  }

  backup(name: string) {
    const { deployment, folder } = this;
    return makeBackup(join(root, name), { deployment, folder, topology: 'mine', atMs: AT_MS });
  }

  restore(name: string) {
    return restoreBackup(join(root, name), this.deployment, this.folder);
  }
}

async function shop(name: string) {
  const home = new Home(name);
  home.write('carillon.yaml', TEXT);
  home.write('topology/mine.yaml', 'topology: mine');
  home.write('schemas/a.avsc', '{}');
  home.write('schemas/notes.txt', 'no schema');
  const running = await home.open();
  await running.send('a', 'b');
  return { home, running };
}

test('data, secrets and files of a pipeline that runs, and goes on', async () => {
  const { home, running } = await shop('first');
  const secrets = secretsOf(home.deployment);
  const { files } = await home.backup('b-1');
  await running.send('c');
  assert.deepEqual(
    files.map(({ path, place }) => [path, place]),
    [
      ['carillon.db', null],
      ['secrets.json', null],
      ['files/0/carillon.yaml', 'carillon.yaml'],
      ['files/1/mine.yaml', 'topology/mine.yaml'],
      ['files/2/schemas/a.avsc', 'schemas/a.avsc'],
    ],
  );
  for (const { path } of files)
    assert.equal(statSync(join(root, 'b-1', path)).mode & 0o77, 0, path);
  assert.equal(statSync(join(root, 'b-1')).mode & 0o77, 0);
  assert.deepEqual(await running.keys(), ['a', 'b', 'c']);
  await running.close();

  const other = new Home('second');
  other.write('topology/mine.yaml', 'topology: edited');
  const { manifest, written, differing } = await other.restore('b-1');
  assert.deepEqual([manifest.topology, manifest.at], ['mine', '2026-01-01T00:00:00.000Z']);
  assert.deepEqual(written, ['carillon.yaml', 'schemas/a.avsc']);
  assert.deepEqual(differing, [{ place: 'topology/mine.yaml', path: 'files/1/mine.yaml' }]);
  assert.deepEqual(
    [other.read('carillon.yaml'), other.read('topology/mine.yaml')],
    [TEXT, 'topology: edited'],
  );
  assert.deepEqual(secretsOf(other.deployment), secrets);
  const again = await other.open();
  assert.deepEqual(await again.keys(), ['a', 'b']);
  await again.send('d');
  assert.deepEqual(await again.keys(), ['a', 'b', 'd']);
  await again.close();
});

test('a backup is never written over, and none is left that is not whole', async () => {
  const { home, running } = await shop('third');
  await home.backup('b-3');
  await assert.rejects(home.backup('b-3'), { code: 'CAR921' });
  await running.close();
  const empty = new Home('fourth');
  await assert.rejects(empty.backup('b-4'), { code: 'CAR911' });
  const { dataFolder } = empty.deployment;
  mkdirSync(dataFolder);
  writeFileSync(join(dataFolder, 'carillon.db'), 'no database, but long enough to be one');
  await assert.rejects(empty.backup('b-4'), { code: /CAR603|CAR923/ });
  rmSync(join(dataFolder, 'carillon.db'));
  new DatabaseSync(join(dataFolder, 'carillon.db')).exec('CREATE TABLE t(a)');
  await assert.rejects(empty.backup('b-4'), { code: 'CAR603' });
  assert.deepEqual(
    readdirSync(root).filter((name) => /b-4/.test(name)),
    [],
  );
});

const damages: readonly [string, (folder: string) => void][] = [
  ['another byte of the data', (folder) => flip(join(folder, 'carillon.db'), 5_000)],
  ['the data cut off', (folder) => cut(join(folder, 'carillon.db'))],
  ['another secret', (folder) => flip(join(folder, 'secrets.json'), 20)],
  ['a file less', (folder) => rmSync(join(folder, 'files/1/mine.yaml'))],
  ['no manifest', (folder) => rmSync(join(folder, MANIFEST_FILE))],
  ['a manifest that is none', (folder) => writeFileSync(join(folder, MANIFEST_FILE), '{')],
  ['a later form', (folder) => writeFileSync(join(folder, MANIFEST_FILE), '{"form":2,"files":[]}')],
];
function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes);
}
function cut(file: string): void {
  writeFileSync(file, readFileSync(file).subarray(0, -4_096));
}
for (const [number, [name, damage]] of damages.entries()) {
  test(`CAR970: ${name}: nothing is restored`, async () => {
    const { home, running } = await shop(`damaged-${number}`);
    secretsOf(home.deployment);
    await home.backup(`d-${number}`);
    await running.close();
    damage(join(root, `d-${number}`));
    const other = new Home(`undamaged-${number}`);
    await assert.rejects(other.restore(`d-${number}`), { code: 'CAR970' });
    assert.equal(existsSync(other.deployment.dataFolder), false);
  });
}

test('data whose digest is right, and which SQLite does not find whole: CAR603', async () => {
  const { home, running } = await shop('rotten');
  await running.send(...Array.from({ length: 5_000 }, (_, n) => `key-${n}`));
  await running.close();
  // The pipeline has not read the page since, and copies it as it is, or notices.
  const file = join(home.deployment.dataFolder, 'carillon.db');
  const bytes = readFileSync(file);
  bytes.fill(0xff, 4_096, 4_096 * 3);
  writeFileSync(file, bytes);
  await assert.rejects(home.backup('b-rotten'), { code: /CAR603|CAR923/ });
  assert.equal(existsSync(join(root, 'b-rotten')), false);
});

test('CAR972: a folder with data, or with secrets alone; CAR602: one that is in use', async () => {
  const { home, running } = await shop('source');
  await home.backup('b-5');
  await assert.rejects(home.restore('b-5'), { code: 'CAR602' });
  await running.close();
  await assert.rejects(home.restore('b-5'), { code: 'CAR972', what: /carillon\.db/ });
  const other = new Home('secrets-alone');
  secretsOf(other.deployment);
  await assert.rejects(other.restore('b-5'), { code: 'CAR972', what: /secrets\.json/ });
  assert.deepEqual(await reopened(home), ['a', 'b']);
});

async function reopened(home: Home) {
  const running = await home.open();
  const keys = await running.keys();
  await running.close();
  return keys;
}

test('CAR971: a deployment on Kafka has no file to copy', async () => {
  const folder = join(root, 'first');
  const { deployment: embedded } = new Home('on-kafka');
  const deployment = { ...embedded, log: { kind: 'kafka' } as KafkaLogSettings };
  const of = { deployment, folder, topology: 'mine', atMs: AT_MS };
  await assert.rejects(makeBackup(join(root, 'b-k'), of), { code: 'CAR971' });
  await assert.rejects(restoreBackup(join(root, 'b-1'), deployment, folder), { code: 'CAR971' });
});

test('a place outside of the folder is not written', async () => {
  const { home, running } = await shop('sly');
  await home.backup('b-6');
  await running.close();
  const file = join(root, 'b-6', MANIFEST_FILE);
  writeFileSync(file, readFileSync(file, 'utf8').replace('"topology/mine.yaml"', '"../sly.yaml"'));
  const other = new Home('careful');
  const { written } = await other.restore('b-6');
  assert.deepEqual(written, ['carillon.yaml', 'schemas/a.avsc']);
  assert.equal(existsSync(join(root, 'sly.yaml')), false);
});
