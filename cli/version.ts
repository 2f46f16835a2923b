/** Which Carillon this is, where it lies, and whether this Node can run it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** node:sqlite, zstd and type stripping without a flag. */
const NODE_LEAST = [22, 18] as const;

/** Undefined when it is new enough; otherwise what to tell, in the four parts of every error. */
export function nodeIsTooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = NODE_LEAST;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined;
  return (
    `node ${version}  error CAR901 node-too-old\n` +
    `  Carillon needs Node ${leastMajor}.${leastMinor} or later; this is Node ${version}.\n` +
    `  Mend: install it from https://nodejs.org; inside the project, npm start brings its own.\n`
  );
}

/** The folder of package.json; compiled files lie one folder deeper than their sources. */
export const packageFolder: string = (() => {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error('no package.json above the program');
    folder = above;
  }
  return folder;
})();

export function version(): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  return String(version);
}
