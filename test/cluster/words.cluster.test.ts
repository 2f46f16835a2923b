/**
 * The words on a real broker, through kill -9: join, join_streams and aggregate behind a
 * repartition topic, tables that are made of two others, and what Kafka Streams' own smoke test
 * checks, with one instance after another. What stands in the topics is exactly what the models
 * say.
 */
import { after, before, describe, test } from 'node:test';
import { progress } from '../kit/servers/progress.ts';
import { startKafka } from '../kit/servers.ts';
import { clusterSkip } from '../kit/shared-servers.ts';
import { derived } from '../sim/words/derived.ts';
import { pairs } from '../sim/words/pairs.ts';
import { smoke } from '../sim/words/smoke.ts';
import { windows } from '../sim/words/windows.ts';
import type { Happening, World } from '../sim/words/world.ts';
import { RegistryStandIn } from './chaos/registry-stand-in.ts';
import { until } from './pipeline.ts';
import { WordsRun, type WordsServers } from './words-run.ts';

const FEEDS = 6_000;
const SEED = 5;
const ENDED_MS = 30_000;
/** Of instances, one after another. */
const LIVES = ['closed', 'killed', 'killed', 'closed', 'killed'] as const;

/**
 * Rows that change while events come are taken in the order of their times only as far as a process
 * knows what lies in the log: so they are there before.
 */
function rowsFirst(drawn: Happening[]): Happening[] {
  const seen = new Set<string>();
  const rows = drawn.filter((one) => {
    if (one.kind !== 'feed' || one.topic !== 'customers' || one.value === null) return false;
    const isFirst = !seen.has(one.key);
    seen.add(one.key);
    return isFirst;
  });
  const rest = drawn.filter((one) => one.kind !== 'feed' || one.topic !== 'customers');
  return [...rows.map((one) => ({ ...one, at: 0 })), ...rest];
}

const KILLED: readonly (readonly [World, string, ((drawn: Happening[]) => Happening[])?])[] = [
  [windows, 'bought'],
  [pairs, 'paid-outer', rowsFirst],
  [derived, 'made-by-left'],
];

describe('words on Kafka', { skip: await clusterSkip() }, () => {
  let servers: WordsServers;
  before(async () => {
    servers = { kafka: await startKafka(), registry: await RegistryStandIn.start() };
  });
  after(async () => {
    await servers?.kafka.stop();
    await servers?.registry.stop();
  });

  for (const [world, topic, change = (drawn: Happening[]) => drawn] of KILLED) {
    test(`${world.name}: exact through a kill -9 in the middle`, {
      timeout: 300_000,
    }, async (t) => {
      const run = await WordsRun.start(world, servers, { feeds: FEEDS, seed: SEED, change });
      t.after(() => run.stop());
      const most = Math.max(...run.parts.map(({ length }) => length));
      const [first] = await Promise.all([run.process(), run.process()]);
      for (const part of run.parts) {
        let joins: Promise<unknown> = Promise.resolve();
        await run.feed(part, async (chunk, of) => {
          if (part.length < most || chunk !== Math.floor(of / 2)) return;
          await until('a part is told', async () => (await run.count(topic)) > 0);
          await first!.kill();
          joins = run.process();
        });
        await joins;
        await run.settled();
      }
      await run.check();
    });
  }

  test('the smoke test: instances one after another, closed or killed', {
    timeout: 400_000,
  }, async (t) => {
    const run = await WordsRun.start(smoke, servers, { feeds: FEEDS, seed: SEED });
    t.after(() => run.stop());
    const [numbers, ...rest] = run.parts;
    const each = Math.ceil(numbers!.length / LIVES.length);
    for (const [n, end] of LIVES.entries()) {
      const told = await run.count('stats');
      const instance = await run.process();
      await run.feed(numbers!.slice(n * each, (n + 1) * each));
      await until('it tells something', async () => (await run.count('stats')) > told);
      if (end === 'killed') await instance.kill();
      else {
        instance.signal('SIGTERM');
        await instance.ended(ENDED_MS);
      }
      progress(`instance ${n + 1} is ${end}`);
    }
    const last = await run.process();
    await run.settled();
    for (const part of rest) {
      await run.feed(part);
      await run.settled();
    }
    await run.check();
    last.signal('SIGTERM');
    await last.ended(ENDED_MS);
  });
});
