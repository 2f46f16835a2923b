/** An option that is true or false, which only steps of one's own have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flag, type StepSpec } from '../core/spec.ts';
import { catalog, schemas } from '../test/golden/example.ts';
import { BASE } from '../test/mistakes/base.ts';
import { compile } from './compile.ts';

const OWN = {
  ...catalog.steps.get('peek')!,
  type: 'own',
  config: { loud: flag('Says more.', false) },
} as unknown as StepSpec;
const STEPS = new Map([...catalog.steps, ['own', OWN]]);

const rows: readonly (readonly [written: string, gives: unknown])[] = [
  ['{}', false],
  ['{ loud: true }', true],
  ['{ loud: false }', false],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: topology texts have variables.
  ['{ loud: "${LOUD}" }', true],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as above.
  ['{ loud: "${QUIET}" }', false],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as above.
  ['{ loud: "${ODD}" }', 'CAR303'],
  ['{ loud: "true" }', 'CAR303'],
  ['{ loud: 1 }', 'CAR303'],
  ['{ loud: yes }', 'CAR303'],
  ['{ loud: [true] }', 'CAR303'],
];
for (const [written, gives] of rows) {
  test(`own: ${written}`, () => {
    const { plan, diagnostics } = compile(
      BASE.replace('sample: { keep: 99, of: 100 }', `own: ${written}`),
      {
        file: 't.yaml',
        catalog: { ...catalog, steps: STEPS },
        schemas,
        env: { LOUD: 'true', QUIET: 'false', ODD: 'yes' },
      },
    );
    const steps = plan?.subTopologies.flatMap(({ streams }) => streams.flatMap((of) => of.steps));
    const own = steps?.find(({ spec }) => spec.type === 'own');
    assert.deepEqual(diagnostics.map(({ code }) => code)[0] ?? own?.config.loud, gives);
    assert.ok(diagnostics.length < 2);
  });
}
