/** The part of the JSON Schema that is about words of a topology's own. */
import {
  ALL_CLASSES,
  CLASS_CHARS_MAX,
  DEVICE_CLASS_NAME,
  DEVICE_CLASSES_MAX,
  RENO_CLASSES,
} from '../core/device-classes.ts';
import { RENO_FIELDS, RENO_TEXTS } from '../core/words.ts';
import { closed, type Json, listOf } from './json-forms.ts';

const KNOWN = { enum: [ALL_CLASSES, ...RENO_CLASSES.names] };
const NAMED = { type: 'string', pattern: DEVICE_CLASS_NAME.source };

/** Of an option that names classes: of the file's own, or of RENO's. */
export const classesOption = (doc: string): Json => ({
  ...listOf(doc, { anyOf: [KNOWN, NAMED] }),
  minItems: 1,
  uniqueItems: true,
});

const field = (description: string, fallback: string): Json => ({
  type: 'string',
  pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
  description,
  default: fallback,
});

export const WORDS: Json = {
  device_classes: {
    ...listOf(`Classes of device; ${RENO_CLASSES.names.join(', ')} without it.`, {
      ...NAMED,
      maxLength: CLASS_CHARS_MAX,
      not: { const: ALL_CLASSES },
    }),
    minItems: 1,
    maxItems: DEVICE_CLASSES_MAX,
    uniqueItems: true,
  },
  fields: closed('The fields by which events, tests and registrations name who is told.', {
    member: field('Whose the event is, and whose a device is.', RENO_FIELDS.member),
    device: field('A device.', RENO_FIELDS.device),
  }),
  texts: closed('What people read where a stream says no text.', {
    fallback: {
      type: 'string',
      description: 'The locale of a text that is written without one.',
      default: RENO_TEXTS.fallback,
    },
    key: {
      type: 'string',
      pattern: '^[^{}]*\\{use_case\\}[^{}]*$',
      description: "The key of the app's own text, of alerts of streams without `show`.",
      default: RENO_TEXTS.key,
    },
  }),
};

const object = (properties: Json): Json => ({ type: 'object', properties });
const renoSteps: Json = {
  type: 'array',
  items: object({ target: object({ classes: { type: 'array', items: KNOWN } }) }),
};
/** A class that nobody declares is a slip. */
export const RENO_CLASSES_UNLESS_OWN: Json = {
  if: { type: 'object', properties: { device_classes: false } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema, and no promise.
  then: object({
    chains: { type: 'object', additionalProperties: renoSteps },
    streams: { type: 'object', additionalProperties: object({ steps: renoSteps }) },
  }),
};
