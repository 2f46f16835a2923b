/**
 * The files of a pipeline of one's own: the template of this folder under another name, and what
 * the package has already, so that nothing is said twice.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { jsonSchema } from '../../compiler/json-schema.ts';
import { catalog } from '../catalog.ts';
import { deploymentSchema } from '../deployment-docs.ts';
import { packageFolder } from '../version.ts';

export interface PipelineFile {
  /** From the pipeline's folder, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** The name that the template has: a topology's, and with `_` a part of an Avro namespace. */
const TEMPLATE_NAME = 'my-pipeline';
const TEMPLATE = 'cli/init/template';
/** npm never packs a file of the name that it has in the end. */
const GITIGNORE = 'gitignore';

/**
 * `dependency`: how package.json asks for this package, `^0.1.0` or
 * `file:vendor/carillon-0.1.0.tgz`.
 */
export function pipelineFiles(name: string, dependency: string): PipelineFile[] {
  const template = join(packageFolder, TEMPLATE);
  const own = readdirSync(template, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(template, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .map((path) => ({ path, text: readFileSync(join(template, path), 'utf8') }));
  return [...own, ...fromPackage()]
    .map(({ path, text }) => ({
      path: path === GITIGNORE ? `.${GITIGNORE}` : path.replaceAll(TEMPLATE_NAME, name),
      text: text
        .replaceAll(TEMPLATE_NAME, name)
        .replaceAll(TEMPLATE_NAME.replaceAll('-', '_'), name.replaceAll('-', '_'))
        .replace('"carillon": "*"', `"carillon": ${JSON.stringify(dependency)}`),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function fromPackage(): PipelineFile[] {
  const read = (path: string) => readFileSync(join(packageFolder, path), 'utf8');
  return [
    { path: 'compose.yaml', text: ofPipeline(read('docker/compose.yaml')) },
    { path: 'carillon.cluster.yaml', text: ofPipeline(read('docker/carillon.cluster.yaml')) },
    { path: 'carillon.schema.json', text: deploymentSchema() },
    {
      path: 'topology/topology.schema.json',
      text: `${JSON.stringify(jsonSchema(catalog), null, 2)}\n`,
    },
  ];
}

/** The paths of the repository's `docker/`, as they are in a pipeline's folder. */
function ofPipeline(text: string): string {
  return text
    .replaceAll('docker compose -f docker/compose.yaml', 'docker compose')
    .replaceAll('docker/carillon.cluster.yaml', 'carillon.cluster.yaml')
    .replace('../topology/reno.yaml', `topology/${TEMPLATE_NAME}.yaml`)
    .replace('[../schemas]  ', '[schemas]  ')
    .replace(/^name: carillon$/m, `name: ${TEMPLATE_NAME}`);
}
