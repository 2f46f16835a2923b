/** `carillon backup FOLDER` and `carillon restore FOLDER`: an embedded pipeline, whole. */
import { resolve } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { makeBackup } from '../backup/make-backup.ts';
import { restoreBackup } from '../backup/restore-backup.ts';
import { readDeployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { EXIT_OK } from '../show-error.ts';

export interface BackupCommandOptions {
  readonly deployment?: string;
}

export async function backup(to: string, options: BackupCommandOptions): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  const { plan } = await loadTopology(deployment, { folder, env: process.env });
  const atMs = systemClock.now();
  const of = { deployment, topology: plan.topology, folder, atMs };
  const { files, secrets, at } = await makeBackup(resolve(folder, to), of);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const mib = (bytes / 1024 / 1024).toFixed(1);
  process.stdout.write(`${to}: topology ${plan.topology} as of ${at}, ${mib} MiB, read once.\n`);
  process.stdout.write(
    secrets
      ? 'It holds secrets and what members did: keep it as safe as the data folder.\n'
      : 'The secrets stand in the environment, not in it; it holds what members did.\n',
  );
  return EXIT_OK;
}

export async function restore(from: string, options: BackupCommandOptions): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  const restored = await restoreBackup(resolve(folder, from), deployment, folder);
  const { manifest, written, differing } = restored;
  const lines = [
    `Topology ${manifest.topology} as of ${manifest.at} lies in ${deployment.dataFolder}.`,
    ...written.map((place) => `${place} was not there: written.`),
    ...differing.map(({ place, path }) => `${place} says something else now: left; was ${path}.`),
    ...(manifest.secrets ? [] : ['Give it the secrets that it had: they were not in the backup.']),
    `Numbers that devices were given since ${manifest.at} are given again, to other events: delete a`,
    'device that must miss nothing, and register it again, with a new token.',
    'carillon plan says what the topology file would do to it; carillon run goes on.',
  ];
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return EXIT_OK;
}
