import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FetchRounds, type Round } from './fetch-rounds.ts';

const want = (text: string) =>
  text
    .split(' ')
    .filter(Boolean)
    .map((one) => {
      const [partition, offset] = one.split('@').map(Number);
      return { topic: 't', partition: partition!, offset: offset!, topicId: 'id' };
    });
const said = (rounds: readonly Round[]) =>
  rounds.map(
    ({ kind, wanted }) =>
      `${kind} ${wanted.map((one) => `${one.partition}@${one.offset}`).join(' ')}`,
  );

/** Runs lines of `+ wanted` (what is sent) and `- kind` (a request ends; `empty P`, `full P`). */
function play(lines: readonly (readonly [line: string, sent?: readonly string[]])[]): void {
  const rounds = new FetchRounds();
  const underWay = new Map<string, Round>();
  for (const [line, sent = []] of lines) {
    const [verb, ...rest] = line.split(' ');
    const text = rest.join(' ');
    if (verb === '+') {
      const begun = rounds.begin(want(text));
      for (const round of begun) underWay.set(round.kind, round);
      assert.deepEqual(said(begun), sent, line);
    } else if (verb === '-') rounds.end(underWay.get(text)!);
    else for (const one of want(text)) rounds.answered(one, verb === 'empty');
  }
}

test('all that is wanted is asked for in one request, and again when it has ended', () => {
  play([
    ['+ 0@5 1@7', ['long 0@5 1@7']],
    ['+ 0@5 1@7'],
    ['- long'],
    ['+ 0@5 1@7', ['long 0@5 1@7']],
    ['+ '],
  ]);
});

test('what is wanted while the long one is held goes in a short one', () => {
  play([
    ['+ 0@5', ['long 0@5']],
    ['+ 0@5 1@7', ['short 1@7']],
    ['+ 0@5 1@7 2@1'],
    ['full 1@7'],
    ['- short'],
    ['+ 0@5 1@9 2@1', ['short 1@9 2@1']],
  ]);
});

test('a position that has changed is asked for though the old one is under way', () => {
  play([
    ['+ 0@5', ['long 0@5']],
    ['+ 0@2', ['short 0@2']],
  ]);
});

test('the long one takes over what stands at its end, and leaves what has more', () => {
  play([
    ['+ 0@5', ['long 0@5']],
    ['+ 0@5 1@7 2@1', ['short 1@7 2@1']],
    ['empty 1@7'],
    ['full 2@1'],
    ['- long'],
    ['+ 0@5 1@7 2@1', ['long 0@5 1@7']],
    ['- short'],
    ['+ 0@5 1@7 2@1', ['short 2@1']],
  ]);
});

test('the answer for a partition that moved over is not given twice', () => {
  const rounds = new FetchRounds();
  const [long] = rounds.begin(want('0@5'));
  const [short] = rounds.begin(want('0@5 1@7'));
  rounds.answered(want('1@7')[0]!, true);
  rounds.end(long!);
  const [next] = rounds.begin(want('0@5 1@7'));
  assert.equal(rounds.owns(short!, want('1@7')[0]!), false);
  assert.equal(rounds.owns(next!, want('1@7')[0]!), true);
  assert.equal(rounds.owns(next!, want('1@8')[0]!), false, 'of another offset');
});
