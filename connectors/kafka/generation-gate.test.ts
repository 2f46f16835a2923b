import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GenerationGate } from './generation-gate.ts';

const step = () => new Promise((resolve) => setImmediate(resolve));

/** Commits that end when the test says so. */
function gateOf() {
  const gate = new GenerationGate('g');
  const said: string[] = [];
  const begin = (name: string) => {
    let end: () => void = () => {};
    const done = gate.within(async () => {
      said.push(`${name} begins`);
      await new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    done.then(
      () => said.push(`${name} ends`),
      (error) => said.push(`${name} ${error.code}`),
    );
    return { end: () => end() };
  };
  return { gate, said, begin };
}

describe('a gate between generations', () => {
  test('lets a commit through while it is open', async () => {
    const { said, begin } = gateOf();
    const commit = begin('a');
    commit.end();
    await step();
    assert.deepEqual(said, ['a begins', 'a ends']);
  });

  test('shut, it waits for what is under way and holds what comes, until it is opened', async () => {
    const { gate, said, begin } = gateOf();
    const first = begin('a');
    void gate.shut().then(() => said.push('shut'));
    const second = begin('b');
    await step();
    assert.deepEqual(said, ['a begins']);
    first.end();
    await step();
    assert.deepEqual(said, ['a begins', 'a ends', 'shut']);
    gate.open();
    await step();
    second.end();
    await step();
    assert.deepEqual(said.slice(3), ['b begins', 'b ends']);
  });

  test('a failed commit does not keep it from shutting', async () => {
    const gate = new GenerationGate('g');
    const failing = gate.within(async () => {
      throw new Error('no');
    });
    await assert.rejects(failing, { message: 'no' });
    await gate.shut();
  });

  test('what waits is refused when the member was out of its group', async () => {
    const { gate, said, begin } = gateOf();
    await gate.shut();
    begin('a');
    gate.lost();
    await step();
    assert.deepEqual(said, ['a CAR643']);
    const later = begin('b');
    await step();
    later.end();
    await step();
    assert.deepEqual(said.slice(1), ['b begins', 'b ends']);
  });
});
