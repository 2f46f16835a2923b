/**
 * What keeps an embedded pipeline from starting: each is one clear error with a code, the place and
 * the mend, exit code 1, never a stack trace; and nothing is left running.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { carillon, type Ended, House } from './embedded-run.ts';

const ROOT = join(import.meta.dirname, '../..');
/** A topology that needs no provider's account. */
const TOPOLOGY = join(import.meta.dirname, 'topologies/sockets.yaml');

const run = (house: House, command = 'run') =>
  carillon([command, '--deployment', house.deployment]);

function checkRefusal(ended: Ended, code: string, words: readonly RegExp[]): void {
  const said = ended.errors;
  assert.equal(ended.code, 1, said);
  assert.equal(said.match(/error CAR\d+/g)?.length, 1, said);
  assert.match(said, new RegExp(`error ${code} `));
  assert.match(said, /Mend: \S/);
  assert.doesNotMatch(said, /\n\s+at .*(\.ts|\.js|node:)/, 'no stack trace');
  for (const word of words) assert.match(said, word);
}

describe('refused at the start', { concurrency: 2 }, () => {
  let running: House;

  before(async () => {
    running = new House({ topology: TOPOLOGY });
    await running.start();
  });
  after(async () => running?.close());

  test('a data folder that cannot be made', async () => {
    const house = new House({ topology: TOPOLOGY });
    // A file where the folder should be: that holds for root, too.
    writeFileSync(house.data, 'not a folder');
    try {
      checkRefusal(await run(house), 'CAR601', [/data/]);
      checkRefusal(await run(house, 'demo'), 'CAR601', [/data/]);
    } finally {
      await house.close();
    }
  });

  test('a second process on one data folder', async () => {
    checkRefusal(await run(running), 'CAR602', [/data/]);
  });

  test('a port that is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const house = new House({ topology: TOPOLOGY, port });
    try {
      checkRefusal(await run(house), 'CAR718', [new RegExp(`port ${port}`)]);
    } finally {
      server.close();
      await house.close();
    }
  });

  test('a variable that is not set', async () => {
    const house = new House({ topology: TOPOLOGY });
    const text = readFileSync(house.deployment, 'utf8');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
    writeFileSync(house.deployment, text.replace('"host":"127.0.0.1"', '"host":"${NO_SUCH_HOST}"'));
    try {
      checkRefusal(await run(house), 'CAR106', [/NO_SUCH_HOST/]);
    } finally {
      await house.close();
    }
  });

  test('a schema that the registered one cannot be read with', async () => {
    const house = new House({ topology: TOPOLOGY });
    const other = new House({ topology: TOPOLOGY, schemas: [join(house.folder, 'schemas')] });
    try {
      await house.start();
      await house.kill();
      mkdirSync(join(house.folder, 'schemas/events'), { recursive: true });
      const name = 'schemas/events/plan-change.avsc';
      const schema = JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
      schema.fields[0].type = 'long';
      writeFileSync(join(house.folder, name), JSON.stringify(schema));
      cpSync(house.data, other.data, { recursive: true });
      checkRefusal(await run(other), 'CAR422', [/PlanChange/, /eventId/, /events\.plan-change/]);
    } finally {
      await Promise.all([house.close(), other.close()]);
    }
  });

  test('a topology with errors: all of them at once, and nothing is started', async () => {
    const topology = join(running.folder, 'wrong.yaml');
    const text = readFileSync(TOPOLOGY, 'utf8');
    writeFileSync(
      topology,
      text.replace('gate_staleness', 'gate_stalenes').replace('within: 24h', 'within: 24'),
    );
    const house = new House({ topology });
    try {
      const { code, errors } = await run(house);
      assert.equal(code, 1);
      assert.match(errors, /did you mean "gate_staleness"/);
      assert.ok((errors.match(/error CAR\d+/g)?.length ?? 0) >= 2, errors);
    } finally {
      await house.close();
    }
  });

  test('no secret of 32 characters', async () => {
    const house = new House({ topology: TOPOLOGY });
    const env = { CARILLON_SECRET: 'short-and-secret' };
    try {
      const ended = await carillon(['run', '--deployment', house.deployment], { env });
      checkRefusal(ended, 'CAR719', [/auth\.secret/]);
      assert.doesNotMatch(ended.errors, /short-and-secret/);
    } finally {
      await house.close();
    }
  });
});
