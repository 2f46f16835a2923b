/**
 * Does what docs/guides/seventh-use-case.md says, word for word, in a copy of the project's topology
 * and schemas: one schema, one block of YAML, a test, and events become notifications.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

const ROOT = new URL('../..', import.meta.url).pathname;
const GUIDE = readFileSync(join(ROOT, 'docs/guides/seventh-use-case.md'), 'utf8');
const START_MS = Date.UTC(2026, 0, 1);
const TOPOLOGY = 'topology/reno.yaml';
const TESTS = 'topology/reno.test.yaml';

let folder: string;

/** The n-th fenced block of a language. */
function blockOf(language: string, n: number): string {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  const found = [...GUIDE.matchAll(fence)][n]?.[1];
  assert.ok(found !== undefined, `the guide has no ${language} block ${n + 1}`);
  return found;
}

/** The path that the guide gives the schema. */
function schemaPath(): string {
  const path = /^`(schemas\/[\w/.-]+\.avsc)`:$/m.exec(GUIDE)?.[1];
  assert.ok(path !== undefined, 'the guide names no schema file');
  return path;
}

function edit(path: string, change: (text: string) => string): void {
  writeFileSync(join(folder, path), change(readFileSync(join(folder, path), 'utf8')));
}

function carillon(words: readonly string[], input = '') {
  const child = spawnSync(process.execPath, [join(ROOT, 'cli/carillon.ts'), ...words], {
    cwd: folder,
    input,
    encoding: 'utf8',
  });
  assert.equal(child.status, 0, `carillon ${words.join(' ')}\n${child.stderr}${child.stdout}`);
  return child.stdout;
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-seventh-'));
  for (const name of ['topology', 'schemas']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  // Only data: that no TypeScript is needed is what is shown.
  const schema = join(folder, schemaPath());
  mkdirSync(dirname(schema), { recursive: true });
  writeFileSync(schema, blockOf('json', 0));
  edit(TOPOLOGY, (text) => text.replace('\nsinks:\n', () => `\n${blockOf('yaml', 0)}\nsinks:\n`));
  edit(TESTS, (text) => `${text.trimEnd()}\n\n${blockOf('yaml', 1)}`);
});

after(() => rmSync(folder, { recursive: true }));

test('the guide shows one schema and one block of YAML, and no TypeScript', () => {
  assert.doesNotMatch(GUIDE, /^```(?:ts|typescript|js|javascript)$/m);
  assert.equal(JSON.parse(blockOf('json', 0)).name, 'LiveEventReminder');
  assert.match(blockOf('yaml', 0), /^ {2}live-event-reminder:\n/);
});

test('check finds nothing, and describe shows the new topic', () => {
  carillon(['check', TOPOLOGY]);
  assert.match(carillon(['describe', TOPOLOGY]), /events\.live-event-reminder/);
});

test('the test of the guide passes', () => {
  const told = carillon(['test', TESTS]);
  assert.match(told, /✔ reminds of a live event/);
  assert.match(told, /, 0 failed\n$/);
});

test('an event becomes a notification, once', () => {
  const device = { deviceId: 'my-tv', action: 'REGISTERED', memberId: 'm-1', class: 'tv' };
  const times = { startsAt: START_MS + 600_000, remindedAt: START_MS };
  const event = { eventId: 'le-1', memberId: 'm-1', titleId: 't-1', ...times };
  const feed = [
    {
      topic: 'events.device-registration',
      key: 'my-tv',
      value: { ...device, occurredAt: START_MS },
    },
    { topic: 'events.live-event-reminder', key: 'm-1', value: event },
    { topic: 'events.live-event-reminder', key: 'm-1', value: event },
  ];
  const out = carillon(
    ['drive', TOPOLOGY],
    feed.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const given = lines.filter(({ sink }) => sink !== undefined);
  assert.deepEqual(
    given.map(({ sink, useCase, priority, key, sequence }) => [
      sink,
      useCase,
      priority,
      key,
      sequence,
    ]),
    [['inbox', 'le', 'critical', 'my-tv', 1]],
  );
  assert.deepEqual(given[0].value, event);
  assert.equal(given[0].deadline, START_MS + 300_000);
  assert.deepEqual(lines.at(-1).end.dropped, { duplicate: 1 });
});
