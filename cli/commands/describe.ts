/** `carillon describe`: what a topology text becomes. */
import { resolve } from 'node:path';
import { describe, mermaid } from '../../compiler/describe.ts';
import type { Plan } from '../../compiler/plan.ts';
import { readDeployment } from '../deployment.ts';
import { describePlan } from '../describe/description.ts';
import { picture } from '../describe/picture.ts';
import { loadTopology } from '../load-topology.ts';
import { EXIT_OK } from '../show-error.ts';

export interface DescribeOptions {
  readonly deployment?: string;
  readonly processors?: readonly string[];
  readonly format: 'text' | 'svg' | 'json' | 'mermaid';
}

const FORMS: { readonly [form in DescribeOptions['format']]: (plan: Plan) => string } = {
  text: describe,
  svg: (plan) => picture(describePlan(plan)),
  json: (plan) => `${JSON.stringify(describePlan(plan), null, 2)}\n`,
  mermaid,
};

export async function describeTopology(
  file: string | undefined,
  options: DescribeOptions,
): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({
    file: options.deployment,
    folder,
    env: process.env,
    processors: options.processors,
  });
  const { plan } = await loadTopology(deployment, {
    folder,
    env: process.env,
    file: file === undefined ? undefined : resolve(folder, file),
  });
  const text = FORMS[options.format](plan);
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return EXIT_OK;
}
