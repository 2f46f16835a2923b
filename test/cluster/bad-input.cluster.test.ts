/**
 * What bad input gets on real servers: whatever cannot be used is dead-lettered with its raw bytes,
 * its code and its origin, the offset moves on, and what is good comes through (issue: bad input;
 * design: D14).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import avsc from 'avsc';
import kafkajs from 'kafkajs';
import { partitionOf } from '../../core/partition.ts';
import { progress } from '../kit/servers/progress.ts';
import { Pipeline, type PipelineProcess } from './pipeline.ts';
import { isPoison, type ProducedRun, producedEvent, producedMember } from './produced-events.ts';
import { kafkaOf, readRecords, type StoredRecord } from './stored.ts';
import { EVENT_SCHEMA, EVENTS, World, worldSkip } from './world.ts';

const MEMBERS = 200;
const PARTITIONS = 4;
const PRIORITIES = ['critical', 'normal'];
/** A hundredth is poison. What it costs is a few ticks of the processor's clock: much is noise. */
const POISON_COST_MAX = 1.5;
const skip = await worldSkip();

describe('what cannot be used is a dead letter', { skip }, () => {
  let world: World;
  let rest: PipelineProcess;
  let streams: PipelineProcess;

  before(async () => {
    world = await World.start({ topology: 'plain.yaml', name: 'e2e', members: MEMBERS });
    rest = await world.pipeline.run('gateway', 'ingest', 'devices', 'sink/inbox');
    await world.register(rest, rest);
    streams = await world.pipeline.run('streams');
  });
  after(async () => world?.stop());

  test('librdkafka’s default partitioner: CAR504 where CRC32 is not murmur2', async () => {
    const run: ProducedRun = { members: 500, count: 2_000, seed: 1, baseTimeMs: Date.now() };
    const key = (n: number) => `m-${producedMember(run, n)}`;
    const at = (n: number) => crc32(key(n)) % PARTITIONS;
    const misplaced = (n: number) => at(n) !== partitionOf(Buffer.from(key(n)), PARTITIONS);
    await world.produce({ run, fate: 'told', refused: misplaced }, { partitioner: 'consistent' });
    await done();
    const letters = await lettersOf(world.expected.refused);
    assert.ok(letters.length > 1_000 && letters.length < 2_000, `${letters.length}`);
    for (const { headers, key: of, value } of letters) {
      assert.equal(headers['carillon.code'], 'CAR504');
      assert.equal(headers['carillon.topic'], EVENTS);
      assert.equal(headers['carillon.partition'], String(crc32(of) % PARTITIONS));
      assert.match(headers['carillon.reason']!, /belongs to partition/);
      assert.equal(value![0], 0);
    }
    assert.equal((await deadLettered()).CAR504, letters.length);
    await world.checkInbox();
  });

  test('murmur2: all pass', async () => {
    const before = world.expected.refused;
    const run = { members: 500, count: 2_000, seed: 2, baseTimeMs: Date.now() };
    await world.produce({ run, fate: 'told' });
    await done();
    assert.equal((await deadLettered()).CAR504, before);
    await world.checkInbox();
  });

  test('one in a hundred is poison: the others come through at little cost', async () => {
    const baseTimeMs = Date.now();
    const clean: ProducedRun = { members: 500, count: 20_000, seed: 3, baseTimeMs };
    const cpuOf = async (run: ProducedRun) => {
      const refused = (n: number) => isPoison(run, n);
      const before = streams.cpuSeconds();
      await world.produce({ run, fate: 'told', refused });
      await world.caughtUp(PRIORITIES, []);
      return streams.cpuSeconds() - before;
    };
    await cpuOf({ ...clean, seed: 5 });
    const cleanS = await cpuOf(clean);
    const poisonedS = await cpuOf({ ...clean, seed: 4, poisonEvery: 100 });
    progress(`20,000 events: ${cleanS} CPU-s; with 1 % poison: ${poisonedS} CPU-s`);
    assert.ok(poisonedS < cleanS * POISON_COST_MAX, `${poisonedS} s, clean ${cleanS} s`);
    await done();
    assert.equal((await deadLettered()).CAR501, 200);
    await world.checkInbox();
  });

  test('each kind of bad record: its code, its bytes, its origin', async () => {
    const schema = JSON.parse(readFileSync(EVENT_SCHEMA, 'utf8'));
    const run = { members: 500, count: 1, seed: 6, baseTimeMs: Date.now() };
    const body = avsc.Type.forSchema(schema).toBuffer(producedEvent(schema, run, 0));
    const future = { ...producedEvent(schema, run, 0), occurredAt: Date.now() + 86_400_000 };
    const id = await registeredId();
    const good = wire(id, body);
    const key = 'm-6';
    const kinds: readonly [code: string, key: string | null, value: Buffer | null][] = [
      ['CAR501', key, Buffer.from('{"eventId":"e-1"}')],
      ['CAR501', key, Buffer.from([0, 0, 0])],
      ['CAR502', key, wire(123_456_789, body)],
      ['CAR503', key, good.subarray(0, good.length - 3)],
      ['CAR503', key, Buffer.concat([good, Buffer.from([1])])],
      ['CAR509', key, null],
      ['CAR505', 'm-7', good],
      ['CAR505', null, good],
      ['CAR508', key, wire(id, avsc.Type.forSchema(schema).toBuffer(future))],
    ];
    const before = world.expected.refused;
    const sent: { code: string; origin: string; value: Buffer | null }[] = [];
    const producer = kafkaOf(world.brokers).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    for (const [code, of, value] of kinds) {
      const [at] = await producer.send({ topic: EVENTS, messages: [{ key: of, value }] });
      sent.push({ code, value, origin: `${at!.partition}@${at!.baseOffset}` });
    }
    // After the last of them on its partition, so that the offset has moved past them all.
    await world.produce({ run: { ...run, seed: 7, count: 500 }, fate: 'told' });
    await producer.disconnect();
    await done();
    const letters = (await lettersOf(before + kinds.length)).map((letter) => ({
      code: letter.headers['carillon.code'],
      origin: `${letter.headers['carillon.partition']}@${letter.headers['carillon.offset']}`,
      value: letter.value,
    }));
    for (const one of sent) {
      assert.deepEqual(
        letters.filter(({ origin }) => origin === one.origin),
        [one],
      );
    }
    await world.checkInbox();
  });

  test('a registered schema that cannot be read: refused at the start, and why', async () => {
    const events = `events.clash-${process.pid}-${Date.now().toString(36)}`;
    const schema = JSON.parse(readFileSync(EVENT_SCHEMA, 'utf8'));
    // Theirs has no time, which ours needs and has no default for.
    schema.namespace = 'theirs';
    schema.fields = schema.fields.filter(({ name }: { name: string }) => name !== 'occurredAt');
    const answer = await fetch(`${world.servers.registry}/subjects/${events}-value/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(schema) }),
    });
    assert.equal(answer.status, 200);
    const folder = mkdtempSync(join(tmpdir(), 'carillon-clash-'));
    const topology = join(folder, 'clash.yaml');
    const text = readFileSync(join(import.meta.dirname, 'topologies/plain.yaml'), 'utf8');
    writeFileSync(topology, text.replace(EVENTS, events));
    const own = { servers: world.servers, keyspace: world.keyspace, topology };
    const pipeline = new Pipeline(own);
    try {
      const child = pipeline.launch('streams');
      await child.ended(30_000);
      for (const word of [
        'CAR422',
        'ViewingActivity',
        'theirs.ViewingActivity',
        'occurredAt',
        'Mend:',
      ]) {
        assert.ok(child.log.includes(word), `${word} in: ${child.log}`);
      }
      assert.equal(child.exitCode, 1);
    } finally {
      await pipeline.stop();
      rmSync(folder, { recursive: true });
    }
  });

  const done = () => world.caughtUp(PRIORITIES, [rest]);

  const deadLettered = async () =>
    (await streams.metrics()).by('carillon_records_total', 'reason', { verdict: 'dead-lettered' });

  /** All of them; fails when there are more. */
  const lettersOf = async (count: number): Promise<StoredRecord[]> => {
    const letters = await readRecords(world.brokers, 'dead-letters', count);
    assert.equal(letters.length, count);
    return letters;
  };

  const registeredId = async (): Promise<number> => {
    const subject = `${world.servers.registry}/subjects/${EVENTS}-value/versions/latest`;
    return ((await (await fetch(subject)).json()) as { id: number }).id;
  };
});

function wire(schemaId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeInt32BE(schemaId, 1);
  return Buffer.concat([header, body]);
}
