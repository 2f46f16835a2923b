import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AskQueue } from './ask-queue.ts';

const step = () => new Promise((resolve) => setImmediate(resolve));

test('questions are asked one after the other; equal ones that wait are one', async () => {
  const queue = new AskQueue();
  const said: string[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const ask = (question: string) => {
    const answer = queue.ask(question, () => {
      said.push(question);
      return new Promise<string>((resolve, reject) => {
        ends.push((error) => (error === undefined ? resolve(question) : reject(error)));
      });
    });
    answer.catch(() => {});
    return answer;
  };
  const first = ask('a');
  await step();
  const again = [ask('a'), ask('b'), ask('a'), ask('b')];
  await step();
  assert.deepEqual(said, ['a'], 'nothing beside the first');
  ends.shift()!(new Error('away'));
  await assert.rejects(first, /away/);
  await step();
  assert.deepEqual(said, ['a', 'a'], 'what was under way is not shared');
  ends.shift()!();
  await step();
  ends.shift()!();
  assert.deepEqual(await Promise.all(again), ['a', 'b', 'a', 'b']);
  assert.deepEqual(said, ['a', 'a', 'b']);
});
