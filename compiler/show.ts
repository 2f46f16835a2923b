/**
 * `show:` of a stream: its texts are parsed and their paths checked against what the steps give, so
 * that a phone never shows a brace.
 */
import type { Show, ShownAs, Template, Texts } from '../core/show.ts';
import type { Scope } from './declarations.ts';
import { resolvePath } from './field-path.ts';
import { readCount } from './quantity.ts';
import { listed } from './report.ts';
import { headOf, type Placed, type Section } from './section.ts';
import { type Shape, shapeName, withoutNull } from './shape.ts';

const KEYS = ['title', 'body', 'fallback', 'fcm', 'apns'];
const FCM_KEYS = ['as', 'channel', 'sound', 'group'];
const APNS_KEYS = ['as', 'sound', 'badge'];
const AS = ['alert', 'background'] as const;
export const LOCALE: RegExp = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;
const BADGE_MAX = 99_999;
const SHOWN: readonly Shape['kind'][] = ['string', 'int', 'double', 'bool', 'enum', 'any'];

/** Null: the stream has none, or something was told. */
export function resolveShow(scope: Scope, stream: Section, shape: Shape): Show | null {
  const written = stream.section('show');
  if (written === undefined) return null;
  const section = written.only(KEYS);
  const title = texts(scope, section, 'title', shape);
  const body = texts(scope, section, 'body', shape);
  const fallback = fallbackOf(scope, section, [title, body]);
  const fcm = section.section('fcm')?.only(FCM_KEYS);
  const apns = section.section('apns')?.only(APNS_KEYS);
  const hasText = section.has('title') || section.has('body');
  const as = (part: Section | undefined): ShownAs =>
    part?.choice('as', AS) ?? (hasText ? 'alert' : 'background');
  const show: Show = {
    fallback,
    title,
    body,
    fcm: {
      as: as(fcm),
      channel: fcm?.text('channel')?.value ?? null,
      sound: fcm?.text('sound')?.value ?? null,
      group: fcm?.text('group')?.value ?? null,
    },
    apns: { as: as(apns), sound: apns?.text('sound')?.value ?? null, badge: badge(scope, apns) },
  };
  if (!hasText && (show.fcm.as === 'alert' || show.apns.as === 'alert')) {
    scope.report.error(
      'CAR671',
      section.span,
      `${section.subject}: an alert has no title, no body.`,
    );
  }
  return show;
}

function badge({ report }: Scope, apns: Section | undefined): number | null {
  const written = apns?.scalar('badge');
  if (apns === undefined || written === undefined) return null;
  const subject = `${apns.subject}: badge`;
  return readCount(report, subject, written, { min: 0, max: BADGE_MAX }) ?? null;
}

/** One text for all, or one a locale. */
function texts(scope: Scope, section: Section, key: string, shape: Shape): Texts | null {
  if (!section.has(key)) return null;
  const subject = `${section.subject}, ${key}`;
  const found = new Map<string, Template>();
  if (section.tree(key)?.kind !== 'map') {
    const text = section.text(key);
    const fallback = section.text('fallback')?.value ?? scope.words.texts.fallback;
    if (text !== undefined) found.set(fallback, parse(scope, subject, text, shape));
    return found;
  }
  const part = section.section(key)!;
  for (const { key: locale, keySpan } of part.entries) {
    if (!LOCALE.test(locale)) {
      const what = `${subject}: "${locale}" is not a locale.`;
      scope.report.error('CAR672', keySpan, what, 'Write de, or pt-BR.');
      continue;
    }
    const text = part.text(locale);
    if (text !== undefined) found.set(locale, parse(scope, `${subject}, ${locale}`, text, shape));
  }
  return found;
}

function fallbackOf(
  { report, words }: Scope,
  section: Section,
  all: readonly (Texts | null)[],
): string {
  const said = section.text('fallback');
  const present = all.filter((one) => one !== null && one.size > 0) as Texts[];
  const fallback = said?.value ?? present[0]?.keys().next().value ?? words.texts.fallback;
  const without = present.find((one) => !one.has(fallback));
  if (without !== undefined) {
    const what = `${section.subject}: not every text has the fall-back locale "${fallback}".`;
    const mend = `Its locales: ${listed([...without.keys()])}.`;
    report.error('CAR672', said?.span ?? section.span, what, mend);
  }
  return fallback;
}

/** Other languages of texts have two braces around what they show. */
function checkBraces({ report }: Scope, subject: string, text: Placed, shape: Shape): void {
  for (const [found, name] of text.value.matchAll(/(?<!\{)\{\{\s*([\w.]+)\s*\}\}(?!\})/g)) {
    const path = name!.replace(/^value\./, '');
    if (shape.kind !== 'record' || !shape.fields.has(path.split('.')[0]!)) continue;
    const what = `${subject}: ${found} shows braces, and not the field.`;
    report.error('CAR670', text.span, what, `Write {value.${path}}.`);
    return;
  }
}

/** `Now {value.planTo}.`; `{{` is a brace. */
function parse(scope: Scope, subject: string, text: Placed, shape: Shape): Template {
  const parts: (string | readonly string[])[] = [];
  checkBraces(scope, subject, text, shape);
  const { report } = scope;
  const rest = text.value;
  let from = 0;
  let plain = '';
  for (const found of rest.matchAll(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g)) {
    plain += rest.slice(from, found.index);
    from = found.index + found[0].length;
    if (found[0] === '{{' || found[0] === '}}') {
      plain += found[0][0];
      continue;
    }
    const fields =
      found[1] === undefined ? undefined : pathIn(report, subject, text, found[1], shape);
    if (found[1] === undefined) {
      const what = `${subject}: "${found[0]}" at character ${found.index + 1} is no {value.field}.`;
      report.error('CAR670', text.span, what, 'Write {value.field}, or {{ for a brace.');
    }
    if (fields === undefined) continue;
    if (plain !== '') parts.push(plain);
    plain = '';
    parts.push(fields);
  }
  plain += rest.slice(from);
  if (plain !== '') parts.push(plain);
  return parts;
}

function pathIn(
  report: Scope['report'],
  subject: string,
  { span }: Placed,
  path: string,
  shape: Shape,
): readonly string[] | undefined {
  const name = path.trim();
  if (!name.startsWith('value.')) {
    const what = `${subject}: {${path}} is not a field of the event.`;
    report.error('CAR670', span, what, 'Write {value.field}.');
    return undefined;
  }
  const resolved = resolvePath(report, subject, { value: name, span }, shape);
  if (resolved === undefined) return undefined;
  const end = withoutNull(resolved.shape);
  if (SHOWN.includes(end.kind)) return name.split('.').slice(1);
  const what = `${subject}: {${name}} is a ${shapeName(end)}, which is no text.`;
  report.error('CAR670', span, what);
  return undefined;
}

/** What FCM stores for an app: as many messages as there are collapse keys, at most four. */
const COLLAPSE_KEYS_MAX = 4;

export interface Collapsing {
  readonly stream: Section;
  readonly group: string | null;
  /** Names of the priorities that its notifications may have; the keys where there is no group. */
  readonly priorities: readonly string[];
  /** True: its notifications may replace each other. */
  readonly collapses: boolean;
}

/** All streams of a topology share the app, and so its four keys. */
export function checkGroups({ report }: Scope, all: readonly Collapsing[]): void {
  const keys = new Set<string>();
  for (const { stream, group, priorities, collapses } of all) {
    if (group === null && !collapses) continue;
    for (const key of group === null ? priorities : [group]) keys.add(key);
    if (keys.size <= COLLAPSE_KEYS_MAX) continue;
    const what = `${stream.subject}: FCM stores 4 collapse keys per app, this makes ${keys.size}.`;
    const mend = `So far: ${listed([...keys])}. Give several streams one \`show: { fcm: { group } }\`.`;
    report.error('CAR673', headOf(stream.tree('show') ?? stream.tree('to')!), what, mend);
    return;
  }
}
