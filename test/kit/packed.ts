/**
 * The package as its users get it: packed from a copy of the sources, and installed by npm into an
 * empty folder. Nothing is fetched: npm takes what `npm ci` left in its cache, by the versions of
 * the project's own lockfile.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
/** What is not packed, or made anew; the copy is quicker without. */
const NOT_COPIED = /^(?:node_modules|\.git|\.carillon|dist|test|bench|docs\/(?!errors).*)$/;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

/** Runs a program with this Node first in the path, as in a shell of somebody who has it. */
export function inFolder(folder: string, program: string, ...args: readonly string[]): Ended {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
    env: {
      ...env,
      PATH: `${dirname(process.execPath)}${delimiter}${env.PATH}`,
      // Not those of the `npm test` that this runs in.
      npm_config_local_prefix: '',
      INIT_CWD: folder,
      CARILLON_HTTP_PORT: '0',
    },
  });
  if (error !== undefined) throw error;
  return { code: status, out: stdout, said: stdout + stderr };
}

function must(ended: Ended): Ended {
  if (ended.code !== 0) throw new Error(ended.said);
  return ended;
}

const isPacked = (path: string) => !NOT_COPIED.test(relative(ROOT, path).replaceAll('\\', '/'));

/** Packs into `folder`; gives the tarball's path. The clone itself is not touched. */
export function pack(folder: string): string {
  const copy = join(folder, 'clone');
  cpSync(ROOT, copy, { recursive: true, filter: isPacked });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  must(inFolder(copy, 'npm', 'pack', '--pack-destination', folder));
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack has made no tarball');
  return join(folder, tarball);
}

interface Lock {
  readonly packages: { readonly [path: string]: { readonly [field: string]: unknown } };
}

/**
 * Installs the tarball into `folder`, which then is as after `npm install ./carillon-….tgz`.
 * Without what is only for development, and without Node itself.
 */
export function install(tarball: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const spec = `file:${tarball}`;
  const dependencies = { carillon: spec };
  const root = { name: 'somebody', version: '1.0.0', private: true, dependencies };
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  const { '': own, ...others } = packages;
  const nodes = own?.optionalDependencies as object;
  const isKept = (path: string) => !Object.hasOwn(nodes, path.replace(/^node_modules\//, ''));
  const kept = Object.entries(others).filter(([path, { dev }]) => dev !== true && isKept(path));
  const packed = { ...own, devDependencies: {}, optionalDependencies: {}, resolved: spec };
  const lock = {
    name: root.name,
    lockfileVersion: 3,
    requires: true,
    packages: { '': root, 'node_modules/carillon': packed, ...Object.fromEntries(kept) },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(root));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  const npm = ['npm', 'ci', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'] as const;
  const ended = inFolder(folder, ...npm);
  // Who has come by the packages in another way than npm's cache: they are taken as they lie here.
  if (ended.said.includes('ENOTCACHED')) linkInstead(tarball, folder);
  else must(ended);
}

function linkInstead(tarball: string, folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  mkdirSync(join(modules, 'carillon'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '.bin') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  const own = join(modules, 'carillon');
  must(inFolder(folder, 'tar', 'xzf', tarball, '--strip-components', '1', '-C', own));
  const bin = 'dist/cli/carillon.js';
  chmodSync(join(own, bin), 0o755);
  symlinkSync(`../carillon/${bin}`, join(modules, '.bin/carillon'));
}
