/** What a backup holds, with a digest of each file: `backup.json` in its folder. */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CarillonError } from '../../core/error.ts';

export const MANIFEST_FILE = 'backup.json';
/** Raised when an older Carillon could not restore it. */
const FORM = 1;

export interface BackupFile {
  /** In the backup's folder. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly digest: string;
  /**
   * Where it lay, from the folder in which the commands run; null: outside of it, or of no place.
   */
  readonly place: string | null;
}

export interface Manifest {
  readonly form: typeof FORM;
  /** Of the Carillon that made it. */
  readonly version: string;
  /** ISO 8601: all that was committed then is in it. */
  readonly at: string;
  readonly topology: string;
  /** False: the deployment names the secrets, and they are not in it. */
  readonly secrets: boolean;
  readonly files: readonly BackupFile[];
}

export function manifestOf(of: Omit<Manifest, 'form'>): Manifest {
  return { form: FORM, ...of };
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

export async function describeFile(
  folder: string,
  path: string,
  place: string | null,
): Promise<BackupFile> {
  const file = join(folder, path);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return { path, bytes: statSync(file).size, digest: hash.digest('hex'), place };
}

/** Throws CAR970 unless the folder holds a whole backup: each file is there, as it was written. */
export async function readManifest(folder: string): Promise<Manifest> {
  const manifest = parsed(folder);
  for (const { path, digest, place } of manifest.files) {
    const found = await describeFile(folder, path, place).catch((cause: unknown) => {
      throw broken(folder, `${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`);
    });
    if (found.digest !== digest) throw broken(folder, `${path} is not as it was written`);
  }
  return manifest;
}

function parsed(folder: string): Manifest {
  let manifest: Partial<Manifest> | null;
  try {
    manifest = JSON.parse(readFileSync(join(folder, MANIFEST_FILE), 'utf8'));
  } catch {
    throw broken(folder, `there is no ${MANIFEST_FILE} in it that can be read`);
  }
  if (manifest?.form === FORM && Array.isArray(manifest.files)) return manifest as Manifest;
  throw broken(folder, `its form is ${manifest?.form}, and this program knows ${FORM}`);
}

function broken(folder: string, why: string): CarillonError {
  return new CarillonError('CAR970', `it is no whole backup: ${why}.`, { where: { file: folder } });
}
