/**
 * Where a diagnostic points to: the characters that are at fault, not the option or line beside.
 */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: topology texts have variables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BASE, tell } from '../test/mistakes/base.ts';

const AGGREGATE = '      - filter: { where: \'value.kind != "STARTED"\' }\n      - aggregate: { ';
const FILTER = '      - filter: { where: \'value.kind != "STARTED"\' }\n';

/** `«»` around what is pointed to. */
const marked: readonly [from: string, to: string, code: string][] = [
  ['by: value.memberId, devices', 'by: «value.profileId», devices', 'CAR220'],
  [FILTER, `${FILTER}      - join: { table: owners, by: «value.deviceId», as: owner }\n`, 'CAR220'],
  [FILTER, `${FILTER}      - join: { table: owners, as: «kind» }\n`, 'CAR280'],
  [FILTER, `${AGGREGATE}by: [«value.titleId»], fields: { n: count() } }\n`, 'CAR251'],
  [
    FILTER,
    `${AGGREGATE}by: [«value.titleId, value.profileId»], fields: { n: count() } }\n`,
    'CAR251',
  ],
  [FILTER, `${AGGREGATE}by: [value.memberId], fields: { «memberId»: count() } }\n`, 'CAR280'],
  ['[value.eventId], within', '[«value.titleId»], within', 'CAR315'],
  ['[value.profileId, value.titleId], quiet', '[«value.kind»], quiet', 'CAR320'],
  ['[value.profileId, value.titleId], quiet', '[«value.positionSeconds»], quiet', 'CAR321'],
];
for (const [from, to, code] of marked) {
  test(`${code} points to ${/«(.*)»/.exec(to)![1]}`, () => {
    assert.ok(BASE.includes(from), from);
    const written = BASE.replace(from, () => to);
    const text = written.replace(/[«»]/g, '');
    const { diagnostics } = tell(text);
    const found = diagnostics.find((one) => one.code === code);
    assert.ok(found !== undefined, JSON.stringify(diagnostics));
    const { line = 0, column = 0, length = 0 } = found.where;
    const shown = text.split('\n')[line - 1]!.slice(column - 1, column - 1 + length);
    assert.equal(shown, /«(.*)»/.exec(to)![1]);
  });
}

/** The tab is told where it is, and nothing else. */
const tabs: readonly [from: string, to: string][] = [
  ['    id: va\n', '\tid: va\n'],
  ['    id: va\n', '    \tid: va\n'],
  ['    id: va\n', '\tid: va\r\n'],
  ['    id: va\n', '    id: va\n\tdoc2: x\n'],
  ['      - use: tell\n', '      - use: tell\n\t- use: tell\n'],
  ['dedup: { by: [value.eventId],', 'dedup: { by: [value.eventId],\n\t'],
  ['transports: [websocket,', 'transports: [websocket,\n\t'],
  ['    doc: Continue Watching.', '    doc: Continue\n\tWatching.'],
  ['    doc: Continue Watching.', '    doc: "Continue\n\tWatching."'],
  ['    doc: Continue Watching.', "    doc: 'Continue\n  \tWatching.'"],
  ['    doc: Continue Watching.', '    doc: |\n\tContinue Watching.'],
  ['topology: base', '\ttopology: base'],
];
for (const [from, to] of tabs) {
  test(`a tab is told where it is: ${JSON.stringify(to)}`, () => {
    const text = BASE.replace(from, () => to);
    const before = text.slice(0, text.indexOf('\t')).split('\n');
    const { diagnostics } = tell(text);
    const told = diagnostics.map(({ code, where, mend }) => [code, where.line, where.column, mend]);
    const mend = 'Indent with spaces: YAML takes no tabs there.';
    assert.deepEqual(told, [['CAR101', before.length, before.at(-1)!.length + 1, mend]]);
  });
}

test('tabs that indent nothing are no matter', () => {
  for (const line of [
    '    id: va\t\n',
    '    id: va\n\t\n',
    '    id: va\n\t# text\n',
    '    id:\tva\n',
  ]) {
    assert.equal(tell(BASE.replace('    id: va\n', () => line)).shown, '');
  }
});

/** What came from a variable is told by its name: it may be a secret. */
const VARIABLES: readonly (readonly [from: string, to: string])[] = [
  ['[value.eventId], within', '["${PATH_OF}"], within'],
  ['by: value.memberId, devices', 'by: "${PATH_OF}", devices'],
  ['\'value.kind != "STARTED"\'', "'${PATH_OF} == 3'"],
  ['type: fcm', 'type: "${PATH_OF}"'],
  ['{ lane: notifications, coll', '{ lane: "${PATH_OF}", coll'],
  ['within: 10m', 'within: "${PATH_OF}"'],
  ['[tv, mobile]', '["${PATH_OF}"]'],
  ['[value.eventId], within', '["value.${LAST}"], within'],
];
for (const [from, to] of VARIABLES) {
  test(`a wrong text is told with its variable: ${to}`, () => {
    const text = BASE.replace(from, () => to);
    const { diagnostics } = tell(text, { PATH_OF: 'value.hushhush', LAST: 'hushhush' });
    assert.ok(diagnostics.length > 0);
    const [{ what, mend }] = diagnostics as [(typeof diagnostics)[number]];
    assert.match(`${what} ${mend}`, /\$\{(PATH_OF|LAST)\}/);
    assert.doesNotMatch(JSON.stringify(diagnostics), /hushhush/);
    assert.match(what, /^(stream|sink|chain) "[a-z]+"/, 'of whom it is told');
  });
}
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
