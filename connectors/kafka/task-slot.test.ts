import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KafkaTask, Why } from './task.ts';
import { TaskSlot } from './task-slot.ts';

const step = () => new Promise((resolve) => setImmediate(resolve));

/** A slot whose preparations and closings end when they are told to. */
function slotOf() {
  const said: string[] = [];
  const closing = new AbortController();
  let prepared: (error?: Error) => void = () => {};
  let closed: () => void = () => {};
  let number = 0;
  const slot = new TaskSlot(
    3,
    {
      async prepare(partition, remade) {
        const name = ++number;
        said.push(`prepare ${partition}${remade.size === 0 ? '' : ` ${[...remade]}`}`);
        await new Promise<void>((resolve, reject) => {
          prepared = (error) => (error === undefined ? resolve() : reject(error));
        });
        let isOpen = true;
        return {
          name,
          get isOpen() {
            return isOpen;
          },
          async close(why: Why) {
            isOpen = why !== 'fenced';
            said.push(`close ${name} ${why}`);
            await new Promise<void>((resolve) => {
              closed = resolve;
            });
            isOpen = false;
          },
        } as unknown as KafkaTask;
      },
      release: async () => void said.push('release'),
      opened: (task) => void said.push(`opened ${(task as unknown as { name: number }).name}`),
      notOpened: (partition, error) => void said.push(`not ${partition} ${error.code}`),
    },
    1_000,
    closing.signal,
  );
  return {
    slot,
    closing,
    prepare: async (error?: Error) => {
      prepared(error);
      await step();
    },
    closed: async () => {
      closed();
      await step();
    },
    said: () => said.splice(0).join(', '),
  };
}

describe('the place of a task', () => {
  test('opens it when it is wanted, closes it when it is not', async () => {
    const { slot, prepare, closed, said } = slotOf();
    slot.want();
    await prepare();
    assert.equal(said(), 'prepare 3, opened 1');
    assert.ok(slot.held !== undefined);
    slot.want();
    slot.unwant('revoked');
    slot.unwant('stopped');
    assert.equal(said(), 'close 1 revoked');
    assert.equal(slot.held, undefined);
    assert.ok(slot.committing !== undefined, 'what it has done can still be committed');
    await closed();
    assert.equal(said(), 'release');
    assert.equal(slot.committing, undefined);
    await slot.settled();
  });

  test('throws away what was prepared for an assignment that is over', async () => {
    const { slot, prepare, said } = slotOf();
    slot.want();
    slot.unwant('revoked');
    await prepare();
    assert.equal(said(), 'prepare 3, release');
    slot.want();
    slot.unwant('revoked');
    slot.want();
    await prepare();
    assert.equal(said(), 'prepare 3, release, prepare 3', 'another may have had it meanwhile');
    await prepare();
    assert.equal(said(), 'opened 3');
  });

  test('closes a task before it opens it again', async () => {
    const { slot, prepare, closed, said } = slotOf();
    slot.want();
    await prepare();
    slot.unwant('fenced');
    slot.want();
    assert.equal(said(), 'prepare 3, opened 1, close 1 fenced');
    assert.equal(slot.committing, undefined, 'fenced it commits nothing');
    await closed();
    assert.equal(said(), 'release, prepare 3');
    await prepare();
    assert.equal(said(), 'opened 2');
  });

  test('renews a task, and remembers what was made again until it has opened', async () => {
    const { slot, prepare, closed, said } = slotOf();
    slot.want();
    await prepare();
    slot.renew(['in']);
    await closed();
    assert.equal(said(), 'prepare 3, opened 1, close 1 fenced, release, prepare 3 in');
    slot.renew(['in2']);
    await prepare();
    assert.equal(said(), 'release, prepare 3 in,in2');
    await prepare();
    slot.renew();
    await closed();
    assert.equal(said(), 'opened 3, close 3 fenced, release, prepare 3');
  });

  test('tries again until it opens, or is not wanted', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { slot, prepare, said } = slotOf();
    slot.want();
    await prepare(new Error('away'));
    assert.equal(said(), 'prepare 3, release, not 3 CAR640');
    t.mock.timers.tick(99);
    await step();
    assert.equal(said(), '');
    t.mock.timers.tick(1);
    await step();
    assert.equal(said(), 'prepare 3');
    slot.unwant('revoked');
    await prepare(new Error('away'));
    assert.equal(said(), 'release', 'nobody is told of what nobody wants');
    await slot.settled();
  });

  test('does not wait for its next try when the member closes', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { slot, closing, prepare } = slotOf();
    slot.want();
    await prepare(new Error('away'));
    slot.unwant('stopped');
    closing.abort();
    await slot.settled();
  });
});
