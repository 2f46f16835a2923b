/** The words of a topology's own: classes of device, fields of identities, texts. */
import {
  ALL_CLASSES,
  CLASS_CHARS_MAX,
  DEVICE_CLASS_NAME,
  DEVICE_CLASSES_MAX,
  DeviceClasses,
  RENO_CLASSES,
} from '../core/device-classes.ts';
import {
  type IdentityFields,
  RENO_FIELDS,
  RENO_TEXTS,
  type TextWords,
  USE_CASE_PART,
  type Words,
} from '../core/words.ts';
import type { Scope } from './declarations.ts';
import { didYouMean, listed, type Report } from './report.ts';
import { headOf, isBlank, isTold, type Section } from './section.ts';
import { LOCALE } from './show.ts';
import type { ResolvedStream } from './streams.ts';
import type { Tree } from './tree.ts';

const FIELD = /^[A-Za-z_][A-Za-z0-9_]*$/;
const FIELD_CHARS_MAX = 64;
/** No field is called so: what hangs on it is not blamed. */
const BROKEN_FIELD = '';
const TEXT_KEY_CHARS_MAX = 128;

/** RENO's where there are none. Broken ones are told, and stand, so that who names them is not. */
export function resolveWords(report: Report, topology: Section): Words {
  return {
    deviceClasses: resolveClasses(report, topology),
    fields: resolveFields(report, topology.section('fields')),
    texts: resolveTexts(report, topology.section('texts')),
  };
}

function resolveClasses(report: Report, topology: Section): DeviceClasses {
  const list = topology.list('device_classes');
  if (list === undefined) return RENO_CLASSES;
  const count = list.items.length;
  if (count < 1 || count > DEVICE_CLASSES_MAX) {
    const what = `device_classes: there are ${count}, and a topology has 1 to ${DEVICE_CLASSES_MAX}.`;
    report.error(
      'CAR354',
      count === 0 ? headOf(list) : topology.entry('device_classes')!.keySpan,
      what,
    );
  }
  const names: string[] = [];
  for (const item of list.items) {
    const name = className(report, item);
    if (name === undefined) continue;
    if (!names.includes(name)) names.push(name);
    else report.error('CAR314', item.span, `device_classes: "${name}" stands twice.`);
  }
  const own = new DeviceClasses(names);
  return names.length === 0 || own.isLike(RENO_CLASSES) ? RENO_CLASSES : own;
}

/** Also of one that is broken, so that who names it is not blamed. */
function className(report: Report, item: Tree): string | undefined {
  if (isTold(item)) return undefined;
  if (item.kind !== 'scalar' || typeof item.value !== 'string' || isBlank(item)) {
    report.error('CAR355', headOf(item), 'device_classes: one of them is not a text.');
    return undefined;
  }
  const { value, span } = item;
  if (value === ALL_CLASSES) {
    const what = `device_classes: "${value}" stands for every class.`;
    report.error('CAR355', span, what, 'Leave it out, or give it another name.');
  } else if (!DEVICE_CLASS_NAME.test(value) || value.length > CLASS_CHARS_MAX) {
    const what = `device_classes: "${value.slice(0, 64)}" is not a name of a class.`;
    const like = likeName(value);
    report.error('CAR355', span, what, like === '' ? undefined : `write ${like}.`);
  }
  return value;
}

function likeName(text: string): string {
  const words = text.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase();
  const name = words.replace(/[^a-z0-9]+/g, '-').replace(/^[-0-9]+/, '');
  return name.slice(0, CLASS_CHARS_MAX).replace(/-+$/, '');
}

function resolveFields(report: Report, written: Section | undefined): IdentityFields {
  const section = written?.only(['member', 'device']);
  const named = (key: keyof IdentityFields): string => {
    const text = section?.text(key);
    if (text === undefined) return RENO_FIELDS[key];
    if (!FIELD.test(text.value) || text.value.length > FIELD_CHARS_MAX) {
      const what = `${section!.subject}: "${text.value.slice(0, 64)}" is not a name of a field.`;
      const last = text.value.split('.').at(-1)!;
      const isPath = text.value.startsWith('value.') && FIELD.test(last);
      report.error('CAR356', text.span, what, isPath ? `write ${last}.` : undefined);
      return BROKEN_FIELD;
    }
    return text.value;
  };
  const fields = { member: named('member'), device: named('device') };
  if (fields.member !== BROKEN_FIELD && fields.member === fields.device) {
    const place = (section!.tree('device') ?? section!.tree('member'))!.span;
    const what = `${section!.subject}: member and device are both called "${fields.member}".`;
    report.error('CAR356', place, what, 'Give them two names.');
  }
  return fields;
}

function resolveTexts(report: Report, written: Section | undefined): TextWords {
  const section = written?.only(['fallback', 'key']);
  const fallback = section?.text('fallback');
  const key = section?.text('key');
  if (fallback !== undefined && !LOCALE.test(fallback.value)) {
    const what = `${section!.subject}: "${fallback.value.slice(0, 64)}" is not a locale.`;
    report.error('CAR672', fallback.span, what, 'Write de, or pt-BR.');
  }
  if (key !== undefined && !isTextKey(key.value)) {
    const what = `${section!.subject}: "${key.value.slice(0, TEXT_KEY_CHARS_MAX)}" is not a key of a text.`;
    report.error('CAR357', key.span, what);
  }
  return { fallback: fallback?.value ?? RENO_TEXTS.fallback, key: key?.value ?? RENO_TEXTS.key };
}

function isTextKey(key: string): boolean {
  const rest = key.split(USE_CASE_PART);
  const isPlain = (part: string) => /^[\x21-\x7e]*$/.test(part) && !/[{}]/.test(part);
  return key.length <= TEXT_KEY_CHARS_MAX && rest.length === 2 && rest.every(isPlain);
}

/** A field that no event has was misspelt: the keys of events would go unchecked without a word. */
export function checkFieldsUsed(
  { report, words }: Scope,
  topology: Section,
  streams: readonly ResolvedStream[],
): void {
  const member = topology.section('fields')?.text('member');
  if (member === undefined || report.hasErrors) return;
  const shapes = streams.flatMap(({ parts }) =>
    parts.flatMap(({ from }) => (from.shape.kind === 'record' ? [from.shape] : [])),
  );
  if (shapes.length === 0 || shapes.some(({ fields }) => fields.has(words.fields.member))) return;
  const names = [...new Set(shapes.flatMap(({ fields }) => [...fields.keys()]))];
  const what = `fields: no event of the topology has a field "${member.value}".`;
  report.warning(
    'CAR358',
    member.span,
    what,
    didYouMean(member.value, names, `Fields: ${listed(names)}.`),
  );
}
