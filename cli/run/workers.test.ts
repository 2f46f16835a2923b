/** `--workers`: who starts when, what becomes of one that ends, and what each has of its own. */
import assert from 'node:assert/strict';
import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { mock, test } from 'node:test';
import { CarillonError } from '../../core/error.ts';
import { parseDeployment } from '../deployment.ts';
import { checkWorkers, deploymentOfWorker, Workers } from './workers.ts';

/** A process that is told what happens to it. */
class Child extends EventEmitter {
  readonly number: string;
  dead = false;
  readonly signals: string[] = [];
  readonly process = { kill: (signal: string) => this.signals.push(signal) };

  constructor(number: string) {
    super();
    this.number = number;
  }

  isDead(): boolean {
    return this.dead;
  }

  runs(): void {
    this.emit('message', { runs: true });
  }

  exits(code: number | null, signal: string | null = null): void {
    this.dead = true;
    this.emit('exit', code, signal);
  }
}

function started(count: number) {
  const children: Child[] = [];
  const said: string[] = [];
  const fork = (env: { readonly [name: string]: string }) => {
    const child = new Child(env.CARILLON_WORKER!);
    children.push(child);
    return child as unknown as Worker;
  };
  const say = (sentence: string, facts?: object) =>
    said.push(`${sentence} ${JSON.stringify(facts)}`);
  const workers = new Workers(say, { fork });
  workers.start(count);
  return { workers, children, said, numbers: () => children.map(({ number }) => number).join() };
}

test('the first runs before the others start; a signal goes to each; all have ended', async () => {
  const { workers, children, numbers } = started(3);
  assert.equal(numbers(), '1');
  children[0]!.emit('message', { flow: {} });
  assert.equal(numbers(), '1');
  children[0]!.runs();
  children[0]!.runs();
  assert.equal(numbers(), '1,2,3');
  workers.stop();
  assert.deepEqual(
    children.map(({ signals }) => signals.join()),
    ['SIGTERM', 'SIGTERM', 'SIGTERM'],
  );
  for (const child of children) child.exits(0);
  assert.equal(await workers.ended, 0);
});

test('a first worker that cannot run ends all of it, with its exit code', async () => {
  const { workers, children, numbers } = started(2);
  children[0]!.exits(2);
  assert.equal(await workers.ended, 2);
  assert.equal(numbers(), '1');
});

test('so does another that cannot: those that run drain first', async () => {
  const { workers, children } = started(2);
  children[0]!.runs();
  children[1]!.exits(1);
  assert.deepEqual(children[0]!.signals, ['SIGTERM']);
  children[0]!.exits(0);
  assert.equal(await workers.ended, 1);
});

test('one that has run and ends is started again, each time twice as late, and told', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  mock.method(performance, 'now', () => now);
  t.after(() => mock.restoreAll());
  const { workers, children, said, numbers } = started(2);
  for (const child of [...children]) child.runs();
  children[1]!.runs();
  children[1]!.exits(null, 'SIGKILL');
  t.mock.timers.tick(999);
  assert.equal(numbers(), '1,2');
  t.mock.timers.tick(1);
  assert.equal(numbers(), '1,2,2');
  // It had run once: now it may fail to, and is tried again.
  children[2]!.exits(1);
  t.mock.timers.tick(2_000);
  assert.equal(numbers(), '1,2,2,2');
  now = 60_000;
  children[3]!.exits(1);
  t.mock.timers.tick(1_000);
  assert.equal(numbers(), '1,2,2,2,2');
  const told = 'A worker has ended; another takes its place.';
  assert.deepEqual(said, [
    `${told} {"worker":2,"code":null,"signal":"SIGKILL","againMs":1000}`,
    `${told} {"worker":2,"code":1,"signal":null,"againMs":2000}`,
    `${told} {"worker":2,"code":1,"signal":null,"againMs":1000}`,
  ]);
  // Nobody comes back once all are to stop.
  children[4]!.exits(0);
  workers.stop();
  t.mock.timers.tick(60_000);
  assert.equal(numbers(), '1,2,2,2,2');
  children[0]!.exits(0);
  assert.equal(await workers.ended, 0);
});

/** What waits for a promise has gone on. */
const turns = async () => {
  for (let n = 0; n < 10; n++) await undefined;
};

test('rolled, each in turn drains and is started anew once the one before it runs', async () => {
  const { workers, children, said, numbers } = started(2);
  for (const child of [...children]) child.runs();
  children[1]!.runs();
  const rolled = workers.roll();
  assert.equal(workers.roll(), rolled, 'one at a time');
  const [one, two] = children as [Child, Child];
  assert.deepEqual([one.signals, two.signals], [['SIGTERM'], []]);
  one.exits(0);
  await turns();
  assert.equal(numbers(), '1,2,1');
  assert.deepEqual(two.signals, [], 'it serves until the other runs');
  children[2]!.emit('message', { flow: {} });
  await turns();
  assert.deepEqual(two.signals, []);
  children[2]!.runs();
  await turns();
  assert.deepEqual(two.signals, ['SIGTERM']);
  // It did not end well; that ends nothing else.
  two.exits(1);
  await turns();
  assert.equal(numbers(), '1,2,1,2');
  children[3]!.runs();
  await rolled;
  assert.deepEqual(said, []);
  assert.notEqual(workers.roll(), rolled, 'and again');
});

test('one that does not run anew ends the roll: the others stay, and it is tried again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { workers, children, said, numbers } = started(2);
  for (const child of [...children]) child.runs();
  children[1]!.runs();
  const rolled = workers.roll();
  children[0]!.exits(0);
  await turns();
  children[2]!.exits(2);
  await rolled;
  assert.deepEqual(children[1]!.signals, []);
  assert.deepEqual(said, [
    'A worker has ended; another takes its place. {"worker":1,"code":2,"signal":null,"againMs":1000}',
    'A worker does not run anew; the others go on as they are. {"worker":1}',
  ]);
  // A second roll, while it waits to be tried again, starts it at once, and once.
  const again = workers.roll();
  await turns();
  assert.equal(numbers(), '1,2,1,1');
  t.mock.timers.tick(60_000);
  assert.equal(numbers(), '1,2,1,1');
  children[3]!.runs();
  await turns();
  children[1]!.exits(0);
  await turns();
  children[4]!.runs();
  await again;
});

test('a hang-up before the first runs: it begins anew, and the others after it', async () => {
  const { workers, children, numbers } = started(2);
  const rolled = workers.roll();
  children[0]!.exits(0);
  await turns();
  assert.equal(numbers(), '1,1');
  children[1]!.runs();
  assert.equal(numbers(), '1,1,2');
  children[2]!.runs();
  await turns();
  children[2]!.exits(0);
  await turns();
  children[3]!.runs();
  await rolled;
});

test('a stop while they are rolled: nobody is started any more', async () => {
  const { workers, children, said, numbers } = started(2);
  for (const child of [...children]) child.runs();
  children[1]!.runs();
  const rolled = workers.roll();
  workers.stop();
  for (const child of children) child.exits(0);
  await rolled;
  assert.equal(numbers(), '1,2');
  assert.equal(await workers.ended, 0);

  const other = started(1);
  other.children[0]!.runs();
  const anew = other.workers.roll();
  other.children[0]!.exits(0);
  await turns();
  other.workers.stop();
  assert.deepEqual(other.children[1]!.signals, ['SIGTERM']);
  other.children[1]!.exits(0);
  await anew;
  assert.deepEqual([...said, ...other.said], []);
});

const KAFKA = `
topology: reno.yaml
log: { kind: kafka, brokers: [localhost:9092] }
registry: { url: http://localhost:8081 }
auth: { secret: "\${SECRET}", internal_token: "\${SECRET}" }
inbox: { kind: cassandra, contact_points: [localhost], local_data_center: dc1 }
`;
const of = (text: string, http = '{}') =>
  parseDeployment(`${text}http: ${http}\n`, {
    file: 'carillon.yaml',
    folder: '/house',
    env: { SECRET: 's'.repeat(40) },
  });

test('each port but the public one is the worker’s own', () => {
  const rows: readonly [string, number, readonly unknown[]][] = [
    ['{}', 1, [7400, 7401, null, null]],
    ['{}', 3, [7400, 7403, null, null]],
    ['{ port: 0 }', 2, [0, 0, null, null]],
    ['{ port: 80, internal_port: 9000, health_port: 9100 }', 2, [80, 9001, null, 9101]],
    ['{ health_port: 0 }', 2, [7400, 7402, null, 0]],
    ['{ internal_url: "http://a:7401" }', 1, [7400, 7401, 'http://a:7401', null]],
    ['{ internal_url: "http://a:7401" }', 2, [7400, 7402, 'http://a:7402', null]],
    ['{ internal_url: "https://a" }', 2, [7400, 7402, 'https://a:444', null]],
  ];
  for (const [http, number, expected] of rows) {
    const own = deploymentOfWorker(of(KAFKA, http), number).http;
    assert.deepEqual([own.port, own.internalPort, own.internalUrl, own.healthPort], expected, http);
  }
});

test('one SQLite file has one process (CAR728)', () => {
  checkWorkers(1, of(''));
  checkWorkers(4, of(KAFKA));
  assert.throws(
    () => checkWorkers(2, of('')),
    (error: unknown) => {
      assert.ok(error instanceof CarillonError);
      assert.deepEqual([error.code, error.where.file], ['CAR728', 'carillon.yaml']);
      return true;
    },
  );
});
