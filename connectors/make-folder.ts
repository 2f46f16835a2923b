/**
 * Makes a folder and those above it that are missing. Node's own `recursive` never comes back where
 * a folder cannot be made in one that is there, such as `/proc/x` (seen with Node 24.21).
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Throws the system's error of the first folder that cannot be made.
 *
 * @param mode of those that are made; default: as the system makes them
 */
export function makeFolder(folder: string, mode?: number): void {
  const missing: string[] = [];
  // Up to what is there, whatever it is: below a file the system says why not.
  for (let at = resolve(folder); !isThere(at); at = dirname(at)) missing.push(at);
  if (missing.length === 0 && !isFolder(folder)) mkdirSync(folder, { mode });
  for (const at of missing.reverse()) {
    try {
      mkdirSync(at, { mode });
    } catch (error) {
      // Another process was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(at)) throw error;
    }
  }
}

function isThere(path: string): boolean {
  return dirname(path) === path || statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
