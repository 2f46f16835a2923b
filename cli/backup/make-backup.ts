/** All that an embedded pipeline is, in one folder, while it runs. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { checkCopy, copyDatabase } from '../../connectors/embedded/copy.ts';
import { DATABASE_FILE } from '../../connectors/embedded/database.ts';
import { makeFolder } from '../../connectors/make-folder.ts';
import { CarillonError } from '../../core/error.ts';
import type { Deployment } from '../deployment.ts';
import { SECRETS_FILE } from '../secrets.ts';
import { packageFolder, version } from '../version.ts';
import { checkEmbedded } from './check-embedded.ts';
import {
  type BackupFile,
  describeFile,
  MANIFEST_FILE,
  type Manifest,
  manifestOf,
  manifestText,
} from './manifest.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

export interface BackupOptions {
  readonly deployment: Deployment;
  readonly topology: string;
  /** In which commands run: places of files are told from there. */
  readonly folder: string;
  readonly atMs: number;
}

/**
 * Whole or not at all: the folder is there when all of it is, and has been read once. Throws CAR971
 * for a deployment that is not embedded, CAR921 when the folder is there, CAR911 when there is no
 * log yet, CAR603, CAR613, CAR923.
 */
export async function makeBackup(to: string, options: BackupOptions): Promise<Manifest> {
  const { deployment } = options;
  const { dataFolder } = deployment;
  checkEmbedded(deployment);
  if (existsSync(to)) {
    const mend = 'Name a folder that is not there yet: a backup is never written over.';
    throw new CarillonError('CAR921', `${to} is there already.`, { where: { file: to }, mend });
  }
  const draft = join(dirname(to), `.${basename(to)}.${process.pid}`);
  try {
    makeFolder(draft, FOLDER_MODE);
    const copy = join(draft, DATABASE_FILE);
    if (!copyDatabase(dataFolder, copy)) {
      const where = { file: dataFolder };
      throw new CarillonError('CAR911', `there is no log in ${dataFolder} yet.`, { where });
    }
    checkCopy(copy);
    const manifest = await fill(draft, options);
    renameSync(draft, to);
    return manifest;
  } catch (cause) {
    rmSync(draft, { recursive: true, force: true });
    if (cause instanceof CarillonError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new CarillonError('CAR923', `${to} cannot be written: ${why}.`, {
      where: { file: to },
      cause,
    });
  }
}

async function fill(draft: string, options: BackupOptions): Promise<Manifest> {
  const { deployment, folder, topology, atMs } = options;
  const secrets = join(deployment.dataFolder, SECRETS_FILE);
  const hasSecrets = existsSync(secrets);
  if (hasSecrets) copyPrivate(secrets, join(draft, SECRETS_FILE));
  const own = [DATABASE_FILE, ...(hasSecrets ? [SECRETS_FILE] : [])];
  const files: BackupFile[] = [];
  for (const path of own) files.push(await describeFile(draft, path, null));
  for (const [number, source] of writtenBy(deployment, folder).entries()) {
    for (const below of filesOf(source)) {
      const path = join('files', String(number), basename(source), below);
      makeFolder(dirname(join(draft, path)), FOLDER_MODE);
      copyPrivate(join(source, below), join(draft, path));
      files.push(await describeFile(draft, path, placeOf(join(source, below), folder)));
    }
  }
  const at = new Date(atMs).toISOString();
  const manifest = manifestOf({ version: version(), at, topology, secrets: hasSecrets, files });
  writeFileSync(join(draft, MANIFEST_FILE), manifestText(manifest), { mode: FILE_MODE });
  return manifest;
}

/** What somebody wrote: what is in the package comes with it. */
function writtenBy(deployment: Deployment, folder: string): readonly string[] {
  const { file, topology, schemas, processors } = deployment;
  const all = [
    ...(file === null ? [] : [resolve(folder, file)]),
    topology,
    ...schemas,
    ...processors,
  ];
  // In this project itself the package is the folder that one works in.
  const isShipped = (path: string) =>
    folder !== packageFolder && placeOf(path, packageFolder) !== null;
  return [...new Set(all)].filter((path) => existsSync(path) && !isShipped(path));
}

/** Null: it lies elsewhere. */
function placeOf(path: string, folder: string): string | null {
  const place = relative(folder, path);
  return place === '' || place.startsWith('..') || resolve(folder, place) === place ? null : place;
}

/** Of a folder its schemas; a file by an empty name. */
function filesOf(source: string): readonly string[] {
  if (!statSync(source).isDirectory()) return [''];
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.avsc'))
    .sort();
}

export function copyPrivate(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, FILE_MODE);
}
