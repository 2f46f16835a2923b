/**
 * What people see of a use case's notifications (`show:` of a stream): text by locale, made of the
 * event's fields, and how each platform shows it. Without it a push carries data and shows nothing.
 */

/** Texts, and paths into the event's value (`['planTo']`), in reading order. */
export type Template = readonly (string | readonly string[])[];

/** By locale, as written (`de`, `pt-BR`). */
export type Texts = ReadonlyMap<string, Template>;

export type ShownAs = 'alert' | 'background';

export interface Show {
  /** For devices whose locale has no text; in every one of the texts. */
  readonly fallback: string;
  readonly title: Texts | null;
  readonly body: Texts | null;
  readonly fcm: {
    readonly as: ShownAs;
    readonly channel: string | null;
    readonly sound: string | null;
    /** Notifications of one group replace each other at FCM, which stores four per app. */
    readonly group: string | null;
  };
  readonly apns: {
    readonly as: ShownAs;
    readonly sound: string | null;
    readonly badge: number | null;
  };
}

export interface ShownText {
  readonly title: string | null;
  readonly body: string | null;
}

/** More is cut off, so that a long field does not cost the payload its place. */
const TITLE_CHARS_MAX = 200;
const BODY_CHARS_MAX = 1_000;

/** `event`: in JSON form; `locale`: as the device registered it, `de-AT` or `de_AT`. */
export function shownText(show: Show, event: unknown, locale: string): ShownText {
  const text = (texts: Texts | null, charsMax: number) =>
    texts === null ? null : cut(filled(chosen(texts, locale, show.fallback), event), charsMax);
  return { title: text(show.title, TITLE_CHARS_MAX), body: text(show.body, BODY_CHARS_MAX) };
}

/** The device's own locale, or its language, or the fall-back; case and `_` do not matter. */
function chosen(texts: Texts, locale: string, fallback: string): Template {
  const known = new Map([...texts].map(([name, template]) => [name.toLowerCase(), template]));
  const parts = locale.toLowerCase().replaceAll('_', '-').split('-');
  for (let n = parts.length; n > 0; n--) {
    const template = known.get(parts.slice(0, n).join('-'));
    if (template !== undefined) return template;
  }
  return texts.get(fallback) ?? [];
}

function filled(template: Template, event: unknown): string {
  return template
    .map((part) => {
      if (typeof part === 'string') return part;
      let at = event;
      for (const field of part) at = (at as { [name: string]: unknown } | null)?.[field];
      return at === null || at === undefined ? '' : String(at);
    })
    .join('');
}

/** By characters, never through the middle of one. */
function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const chars = [...text];
  return chars.length <= charsMax ? text : `${chars.slice(0, charsMax - 1).join('')}…`;
}
