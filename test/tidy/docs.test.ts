import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import type { ErrorEntry } from '../../core/error-entry.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import { assertNone, files, isTest, ROOT, read, sources } from './tree.ts';

const PAGES = 'docs/errors/';

const entries: readonly [string, ErrorEntry][] = Object.entries(ERROR_TABLE);

/** Fenced blocks hold examples, not links. */
const withoutCode = (text: string) =>
  text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

/** As GitHub makes the anchor of a heading. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

function brokenLinks(file: string): string[] {
  const faults: string[] = [];
  for (const [, link] of withoutCode(read(file)).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
    if (/^[a-z][a-z+.-]*:/i.test(link!)) continue;
    const [path = '', anchor] = decodeURI(link!).split('#');
    const target = path === '' ? file : normalize(join(dirname(file), path));
    if (!existsSync(join(ROOT, target))) faults.push(`${file}: ${link} leads nowhere.`);
    else if (
      anchor !== undefined &&
      target.endsWith('.md') &&
      !anchorsOf(read(target)).has(anchor)
    ) {
      faults.push(`${file}: ${link}: ${target} has no such heading.`);
    }
  }
  return faults;
}

test('every relative link leads somewhere', () => {
  assertNone(files.filter((file) => file.endsWith('.md')).flatMap(brokenLinks));
});

test('every error code has its page, and every page its code', () => {
  const expected = new Set(entries.map(([code, { slug }]) => `${PAGES}${code}-${slug}.md`));
  const pages = new Set(files.filter((file) => /^docs\/errors\/CAR.*\.md$/.test(file)));
  assertNone([
    ...[...expected].filter((page) => !pages.has(page)).map((page) => `${page} is missing.`),
    ...[...pages].filter((page) => !expected.has(page)).map((page) => `${page} has no code.`),
  ]);
});

test('every page begins with its code, and says how to mend it', () => {
  const faults: string[] = [];
  for (const [code, { slug }] of entries) {
    const page = `${PAGES}${code}-${slug}.md`;
    if (!files.includes(page)) continue;
    const text = read(page);
    if (!text.startsWith(`# ${code} ${slug}\n`))
      faults.push(`${page}: first line "# ${code} ${slug}".`);
    if (!/\bmend\b/i.test(text)) faults.push(`${page}: says nothing of how to mend it.`);
  }
  assertNone(faults);
});

test('every error code is raised by a test', () => {
  const tests = sources
    .filter((source) => isTest(source.path) || source.path.startsWith('test/'))
    .map((source) => source.text)
    .concat(
      files.filter((file) => file.startsWith('test/golden/') && !file.endsWith('.ts')).map(read),
    )
    .join('\n');
  const missing = entries.map(([code]) => code).filter((code) => !tests.includes(code));
  assertNone(missing.map((code) => `${code}: no test names it.`));
});

test('codes are in their form, slugs are told apart, texts are sentences', () => {
  const faults: string[] = [];
  const known = new Map<string, string>();
  for (const [code, { slug, what, mend }] of entries) {
    const other = known.get(slug);
    if (other !== undefined) faults.push(`${code}: ${slug} is what ${other} is called already.`);
    known.set(slug, code);
    if (!/^CAR[1-9]\d\d$/.test(code)) faults.push(`${code} is not of the form CARnnn.`);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(slug)) faults.push(`${code}: ${slug} is not kebab-case.`);
    for (const text of [what, mend]) {
      // A command at the end is given as it is typed.
      if (!/[.?]$|: carillon [^.]+$/.test(text))
        faults.push(`${code}: "${text}" is not a sentence.`);
    }
  }
  assertNone(faults);
});
