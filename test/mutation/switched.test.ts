import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { mutantsOf, nameOf } from './mutants.ts';
import { FAULT, switched } from './switched.ts';

/** What a text answers as it is, and with each of its faults on. */
const rows: readonly [
  text: string,
  asIs: unknown,
  faults: { readonly [fault: string]: unknown },
][] = [
  [
    'answer = 1 < 2 && 3 < 3;',
    false,
    {
      'answer = 1 < 2 && 3 < 3; -> ;': undefined,
      '&& -> ||': true,
      '1 -> 2': false,
      '< -> <=': false,
      '2 -> 3': false,
      '3 -> 4': false,
      '< -> <= (2)': true,
      '3 -> 4 (2)': true,
    },
  ],
  [
    'const a = 4; if (a > 4) answer = 5; else answer = -(a);',
    -4,
    {
      '4 -> 5': 5,
      'a > 4 -> false': -4,
      'a > 4 -> true': 5,
      '> -> >=': 5,
      '4 -> 5 (2)': -4,
      'answer = 5; -> ;': -4,
      '5 -> 6': -4,
      'answer = -(a); -> ;': undefined,
      '- -> (left out)': 4,
    },
  ],
  [
    'const f = (a) => { return a ?? { 7: true }; }; answer = Object.keys(f())[0];',
    '7',
    {
      'return a ?? { 7: true }; -> return;': 'TypeError',
      ' ?? { 7: true } -> (left out)': 'TypeError',
      '7 -> 8': '8',
      'true -> false': '7',
      'answer = Object.keys(f())[0]; -> ;': undefined,
      '0 -> 1': undefined,
    },
  ],
  [
    'answer = 0; while (answer < 3) answer++;',
    3,
    {
      'answer = 0; -> ;': 'ReferenceError',
      '0 -> 1': 3,
      'answer < 3 -> false': 0,
      '< -> <=': 4,
      '3 -> 4': 4,
    },
  ],
];

for (const [text, asIs, expected] of rows) {
  test(`with each fault on: ${text}`, () => {
    const mutants = mutantsOf('f.ts', text).map((mutant, id) => ({ id, mutant }));
    // Without the end, these two turn in a circle.
    const ending = mutants.filter(({ mutant }) => !/^(answer)?\+\+/.test(text.slice(mutant.start)));
    const code = switched(text, ending);
    const answerWith = (on: number | null) => {
      const world: { answer?: unknown; [FAULT]: unknown } = { [FAULT]: (id: number) => id === on };
      try {
        runInNewContext(code, world);
      } catch (error) {
        return (error as Error).name;
      }
      return world.answer;
    };
    assert.equal(answerWith(null), asIs);
    const answers: { [fault: string]: unknown } = {};
    for (const { id, mutant } of ending) {
      const name = nameOf(mutant, text).replace(/^\S+ /, '');
      answers[name in answers ? `${name} (2)` : name] = answerWith(id);
    }
    assert.deepEqual(answers, expected);
  });
}
