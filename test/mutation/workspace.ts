/** A copy of the tree, so that who works on meanwhile changes nothing, with the faults in it. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { files, ROOT } from '../tidy/tree.ts';

export class Workspace {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'mutation-')));

  constructor() {
    for (const file of files) {
      mkdirSync(dirname(join(this.root, file)), { recursive: true });
      cpSync(join(ROOT, file), join(this.root, file));
    }
    symlinkSync(join(ROOT, 'node_modules'), join(this.root, 'node_modules'));
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.root, file), text);
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
