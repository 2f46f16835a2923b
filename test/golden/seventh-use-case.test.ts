/** The guide's promise: one schema and one block of YAML make a use case, and nothing else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { streamsOf, withStreams } from '../kit/shipped.ts';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'carillon-seventh-'));
after(() => rmSync(folder, { recursive: true }));

const guide = readFileSync(join(ROOT, 'docs/guides/seventh-use-case.md'), 'utf8');
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, text]) => text!,
  );
const [schema] = blocks('json');
const [useCase, testCase] = blocks('yaml');

cpSync(join(ROOT, 'topology'), join(folder, 'topology'), { recursive: true });
mkdirSync(join(folder, 'schemas/events'), { recursive: true });
writeFileSync(join(folder, 'schemas/events/live-event-reminder.avsc'), schema!);
// Who has followed the guide already has the block, and the test too, if he likes: once is enough.
const NAME = 'live-event-reminder';
edit('topology/reno.yaml', (text) =>
  withStreams(text, (name) => name !== NAME).replace(/^sinks:/m, `${useCase}\nsinks:`),
);
edit('topology/reno.test.yaml', (text) =>
  text.includes(NAME) ? text : `${text.trimEnd()}\n\n${testCase}`,
);

function edit(file: string, change: (text: string) => string): void {
  const path = join(folder, file);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

function carillon(...words: string[]): { status: number | null; said: string } {
  return carillonFed('', ...words);
}

function carillonFed(input: string, ...words: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'cli/carillon.ts'), ...words],
    { cwd: folder, input, encoding: 'utf8', timeout: 60_000 },
  );
  return { status, said: stdout + stderr };
}

test('the seventh use case is checked', () => {
  const { status, said } = carillon('check', 'topology');
  assert.equal(status, 0, said);
  const others = streamsOf(readFileSync(join(ROOT, 'topology/reno.yaml'), 'utf8')).filter(
    (name) => name !== NAME,
  );
  assert.match(said, new RegExp(`reno: ${others.length + 1} use cases`));
});

test('it is in the picture, in the sub-topology of its priority', () => {
  const { said } = carillon('describe');
  assert.match(
    said,
    /Source: live-event-reminder\/source \(topics: \[events.live-event-reminder\]\)/,
  );
});

test('its own test passes, beside all others', () => {
  const { status, said } = carillon('test', 'topology');
  assert.equal(status, 0, said);
  assert.match(said, /reminds of a live event, once, on every device|\d+ tests?/);
});

test('the guide shows no TypeScript', () => {
  assert.doesNotMatch(guide, /^```(?:ts|typescript|js|javascript)$/m);
});

test('an event becomes a notification, once', () => {
  const startMs = Date.UTC(2026, 0, 1);
  const device = { deviceId: 'my-tv', action: 'REGISTERED', memberId: 'm-1', class: 'tv' };
  const times = { startsAt: startMs + 600_000, remindedAt: startMs };
  const event = { eventId: 'le-1', memberId: 'm-1', titleId: 't-1', ...times };
  const registration = { ...device, occurredAt: startMs };
  const feed = [
    { topic: 'events.device-registration', key: 'my-tv', value: registration },
    { topic: 'events.live-event-reminder', key: 'm-1', value: event },
    { topic: 'events.live-event-reminder', key: 'm-1', value: event },
  ].map((line) => `${JSON.stringify(line)}\n`);
  const { status, said } = carillonFed(feed.join(''), 'drive');
  assert.equal(status, 0, said);
  const lines = said
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const given = lines.filter(({ sink }) => sink !== undefined);
  assert.deepEqual(
    given.map(({ sink, useCase, priority, key }) => [sink, useCase, priority, key]),
    [['inbox', 'le', 'critical', 'my-tv']],
  );
  assert.deepEqual(given[0].value, event);
  assert.equal(given[0].deadline, startMs + 300_000);
  assert.deepEqual(lines.at(-1).end.dropped, { duplicate: 1 });
});
