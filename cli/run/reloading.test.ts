/** What becomes of a pipeline at SIGHUP: taken, refused, taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CarillonError, CarillonErrors } from '../../core/error.ts';
import { type Deployment, parseDeployment } from '../deployment.ts';
import { ReloadingPipeline } from './reloading.ts';
import type { Running } from './running.ts';

const at = { file: 'carillon.yaml', folder: '/house', env: {} };
const deploymentOf = (text: string) => parseDeployment(text, at);
const DEPLOYMENT = deploymentOf('http: { port: 0, internal_port: 0 }');
const LOSES = new CarillonErrors([new CarillonError('CAR810', 'it holds 3 events.')]);

class World {
  readonly said: string[] = [];
  /** What is done to processes, in order. */
  readonly done: string[] = [];
  next: Deployment = DEPLOYMENT;
  check: () => Promise<boolean> = async () => true;
  /** Of the next opening. */
  fails: Error | undefined;
  #ports = 7_000;
  readonly pipeline = new ReloadingPipeline(DEPLOYMENT, {
    say: (sentence) => this.said.push(sentence),
    open: async (deployment) => this.#open(deployment),
    read: () => this.next,
    check: () => this.check(),
    former: (deployment) => ({ ...deployment, topology: '/kept' }),
  });

  #open({ topology, http }: Deployment): Running {
    const { port, internalPort } = http;
    const what = `${topology === '/kept' ? 'former' : 'new'} at ${port} ${internalPort}`;
    this.done.push(`open ${what}`);
    const failure = this.fails;
    this.fails = undefined;
    if (failure !== undefined) throw failure;
    const bound = (wanted: number) => `http://h:${wanted === 0 ? ++this.#ports : wanted}`;
    return {
      url: bound(port),
      healthUrl: bound(internalPort),
      close: async () => void this.done.push('close'),
    } as Running;
  }
}

async function started(): Promise<World> {
  const world = new World();
  await world.pipeline.start();
  assert.deepEqual(world.done.splice(0), ['open new at 0 0']);
  return world;
}

test('an edit that can be taken: closed, and opened anew at the ports that it had', async () => {
  const world = await started();
  const before = world.pipeline.running;
  await world.pipeline.reload();
  assert.deepEqual(world.done, ['close', 'open new at 7001 7002']);
  assert.notEqual(world.pipeline.running, before);
  assert.equal(world.pipeline.refusal, '');
});

test('no edit: nothing is closed', async () => {
  const world = await started();
  world.check = async () => false;
  await world.pipeline.reload();
  assert.deepEqual([world.done, world.said], [[], ['SIGHUP: the topology is as it was.']]);
});

test('an edit that would lose something: it runs on, and says why until one is taken', async () => {
  const world = await started();
  const before = world.pipeline.running;
  world.check = () => Promise.reject(LOSES);
  await world.pipeline.reload();
  assert.deepEqual([world.done, world.pipeline.running], [[], before]);
  assert.equal(world.pipeline.refusal, 'an edit is not taken: CAR810: it holds 3 events.');
  world.check = async () => false;
  await world.pipeline.reload();
  assert.equal(world.pipeline.refusal, '', 'it was put back');
});

test('CAR973: another deployment config', async () => {
  const world = await started();
  world.next = deploymentOf('http: { port: 0, internal_port: 1 }');
  await world.pipeline.reload();
  assert.match(world.pipeline.refusal, /^an edit is not taken: CAR973: the deployment config/);
  assert.deepEqual(world.done, []);
});

test('what fails to open is taken back, and said; where neither opens, it has ended', async () => {
  const world = await started();
  world.fails = LOSES;
  await world.pipeline.reload();
  const opened = ['close', 'open new at 7001 7002', 'open former at 7001 7002'];
  assert.deepEqual(world.done.splice(0), opened);
  assert.match(world.pipeline.refusal, /CAR810/);
  assert.equal(world.pipeline.running.url, 'http://h:7001');
  await world.pipeline.reload();
  assert.deepEqual(world.done.splice(0), ['close', 'open new at 7001 7002']);
  assert.equal(world.pipeline.refusal, '');
  const gone = new Error('gone');
  world.pipeline.running.close = async () => {
    world.fails = gone;
    Object.defineProperty(world, 'fails', { get: () => gone, set: () => undefined });
  };
  await assert.rejects(world.pipeline.reload(), gone);
});
