/** `carillon new`: the files of a step, a sink or a use case, with a test that fails at first. */
import { relative } from 'node:path';
import { CarillonError } from '../../core/error.ts';
import { type Deployment, readDeployment } from '../deployment.ts';
import { compiledTopology, loadTopology, shownPath } from '../load-topology.ts';
import { catalogWith } from '../modules/load-modules.ts';
import { newConnector } from '../new/connector.ts';
import { mustBeName, snake } from '../new/names.ts';
import { type NewFile, write, writeNew } from '../new/new-file.ts';
import { newProcessor } from '../new/processor.ts';
import { newUseCase } from '../new/use-case.ts';
import { EXIT_OK } from '../show-error.ts';
import { packageFolder } from '../version.ts';

export const KINDS = ['processor', 'connector', 'use-case'] as const;
export type Kind = (typeof KINDS)[number];

/** Throws CAR949 for a name that is none or is taken, and writes nothing then. */
export async function make(
  kind: string,
  name: string,
  options: { readonly deployment?: string },
): Promise<number> {
  if (!KINDS.includes(kind as Kind)) {
    throw new CarillonError('CAR900', `"${kind}" is none of ${KINDS.join(', ')}.`, {
      where: { at: 'carillon new' },
    });
  }
  mustBeName(name);
  const folder = process.cwd();
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  if (kind === 'use-case') return makeUseCase(name, deployment, folder);
  const { steps, sinks } = await catalogWith(deployment.processors, folder);
  const isStep = kind === 'processor';
  if ((isStep ? steps : sinks).has(snake(name))) {
    const what = `there is a ${isStep ? 'step' : 'sink'} "${snake(name)}" already.`;
    throw new CarillonError('CAR949', what, { where: { at: 'carillon new' } });
  }
  const files = isStep ? newProcessor(name) : newConnector(name);
  writeNew(folder, files);
  return told(files, `  carillon.yaml: processors: [${files[0]!.path}]\n`);
}

async function makeUseCase(name: string, deployment: Deployment, folder: string) {
  const env = process.env;
  const { plan, text } = await loadTopology(deployment, { folder, env });
  const topology = shownPath(deployment.topology, folder);
  const own = deployment.schemas.findLast((path) => !path.startsWith(packageFolder));
  const schemas = own === undefined ? 'schemas' : relative(folder, own);
  const made = newUseCase(name, { plan, text, topology, schemas });
  if (plan.subTopologies.some(({ streams }) => streams.some((one) => one.useCase === name))) {
    const what = `there is a use case "${name}" already.`;
    throw new CarillonError('CAR949', what, { where: { file: topology } });
  }
  writeNew(folder, made.files);
  write(folder, topology, made.text);
  // What somebody else's topology makes of it is told at once, not at the next start.
  await compiledTopology(deployment, { file: topology, text: made.text, env, folder });
  return told([...made.files, { path: topology, text: '' }], '');
}

function told(files: readonly NewFile[], more: string): number {
  const paths = files.map(({ path }) => `  ${path}\n`).join('');
  const test = files.find(({ path }) => path.endsWith('.test.ts'))!.path;
  process.stdout.write(
    `${paths}${more}\nThe test says what is to be done:\n\n  npx -c "node --test ${test}"\n`,
  );
  return EXIT_OK;
}
