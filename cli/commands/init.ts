/** `carillon init`: the folder of a pipeline of one's own, which starts and passes its test. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { isName, nameLike } from '../../compiler/declarations.ts';
import { CarillonError } from '../../core/error.ts';
import { pipelineFiles } from '../init/pipeline.ts';
import { EXIT_OK } from '../show-error.ts';
import { packageFolder, version } from '../version.ts';

/** Throws CAR920 for a name that is none, CAR921 for a folder that holds something already. */
export async function init(path: string): Promise<number> {
  const folder = resolve(process.cwd(), path);
  const name = basename(folder);
  if (!isName(name)) {
    const like = nameLike(name);
    throw new CarillonError('CAR920', `"${name}" cannot be the name of a pipeline.`, {
      where: { at: 'carillon init' },
      ...(like === undefined ? {} : { mend: `write ${like}.` }),
    });
  }
  mustBeEmpty(folder, path);
  const own = ownPackage();
  const files = pipelineFiles(name, own.dependency);
  const paths = files.map((file) => file.path);
  try {
    for (const file of files) write(join(folder, file.path), file.text);
    if (own.tarball !== undefined) {
      mkdirSync(join(folder, VENDOR), { recursive: true });
      copyFileSync(own.tarball, join(folder, VENDOR, TARBALL));
      paths.push(`${VENDOR}/${TARBALL}`);
    }
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'no reason given';
    throw new CarillonError('CAR921', `it cannot be written: ${why}.`, {
      where: { file: path },
      mend: 'name a folder that you may write to.',
      cause,
    });
  }
  const shown = relative(process.cwd(), folder);
  process.stdout.write(
    `${paths.map((path) => `  ${join(shown, path)}\n`).join('')}\n` +
      `A pipeline of your own. ${shown === '' ? '' : `cd ${shown}, then:\n`}\n` +
      `${installLine(own, folder)}` +
      `  npm test       checks it, and runs its tests\n` +
      `  npm start      runs it with sample events and devices, and shows the flow\n`,
  );
  return EXIT_OK;
}

/** What a fresh folder may hold: a repository's own files, and what was installed to get here. */
const HARMLESS: ReadonlySet<string> = new Set(['.git', '.DS_Store', 'LICENSE', 'node_modules']);

function mustBeEmpty(folder: string, shown: string): void {
  if (!existsSync(folder)) return;
  const isFolder = statSync(folder).isDirectory();
  const held = isFolder ? readdirSync(folder).filter((entry) => !HARMLESS.has(entry)) : [shown];
  if (held.length === 0) return;
  const what = isFolder ? `it holds ${held[0]} already.` : 'it is a file.';
  throw new CarillonError('CAR921', what, { where: { file: shown } });
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { flag: 'wx' });
}

/** Where a package that comes from no registry lies in the folder, so that it moves along. */
const VENDOR = 'vendor';
const TARBALL = `carillon-${version()}.tgz`;

interface OwnPackage {
  /** As package.json asks for it. */
  readonly dependency: string;
  /** The file that it was installed from. */
  readonly tarball?: string;
  /** The sources that the file is to be made of. */
  readonly sources?: string;
}

/** As whoever installed this package has asked for it: from a registry by version, or a file. */
function ownPackage(): OwnPackage {
  const vendored = { dependency: `file:${VENDOR}/${TARBALL}` };
  const home = homeOf();
  if (home === undefined) return { ...vendored, sources: packageFolder };
  const asked = askedFor(join(home, 'package.json'));
  if (asked?.startsWith('file:') !== true) return { dependency: asked ?? `^${version()}` };
  const path = resolve(home, asked.slice('file:'.length));
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  return isFile ? { ...vendored, tarball: path } : { ...vendored, sources: path };
}

/** The folder that this package is installed in; undefined when it runs from a clone. */
function homeOf(): string | undefined {
  const above = packageFolder.split(sep);
  const at = above.lastIndexOf('node_modules');
  return at < 0 ? undefined : above.slice(0, at).join(sep);
}

function askedFor(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
  return dependencies.carillon ?? devDependencies.carillon;
}

/** Nothing to install where the package lies above: npm's scripts and npx look upwards. */
function installLine({ sources }: OwnPackage, folder: string): string {
  const home = homeOf();
  if (home !== undefined && !relative(home, folder).startsWith('..')) return '';
  const pack = `mkdir ${VENDOR} && npm pack ${sources} --pack-destination ${VENDOR}`;
  return `${sources === undefined ? '' : `  ${pack}\n`}  npm install\n`;
}
