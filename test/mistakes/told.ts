/** What is told of the rows of a table, word by word: told/TABLE.txt. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const isUpdate = process.env.UPDATE === '1';
const HEAD = /^== (.*) ==\n/m;
const MEND = 'Mend: UPDATE=1 node --test test/mistakes/topologies.test.ts, and read what it wrote.';

/** Of rows of which something is told, by their names. */
export class Told {
  readonly #url: URL;
  readonly #kept: Map<string, string>;

  constructor(table: string) {
    this.#url = new URL(`./told/${table}.txt`, import.meta.url);
    const text = existsSync(this.#url) && !isUpdate ? readFileSync(this.#url, 'utf8') : '';
    const [, ...parts] = text.split(HEAD);
    this.#kept = new Map(
      parts.flatMap((name, i) => (i % 2 === 0 ? [[name, parts[i + 1]!] as const] : [])),
    );
  }

  judge(name: string, told: string): void {
    // With NUL in it the file would be no text to git.
    const shown = told.replaceAll('\0', '␀');
    if (isUpdate && shown !== '') this.#kept.set(name, shown);
    assert.equal(shown, this.#kept.get(name) ?? '', MEND);
  }

  /** After all rows. */
  judgeNames(names: readonly string[]): void {
    assert.deepEqual(
      names.filter((name, i) => names.indexOf(name) !== i),
      [],
    );
    if (isUpdate && this.#kept.size > 0) this.#write();
    const gone = [...this.#kept.keys()].filter((name) => !names.includes(name));
    assert.deepEqual(gone, [], MEND);
  }

  #write(): void {
    const parts = [...this.#kept].map(([name, shown]) => `== ${name} ==\n${shown}`);
    mkdirSync(new URL('.', this.#url), { recursive: true });
    writeFileSync(this.#url, parts.join(''));
  }
}
