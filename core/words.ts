/**
 * What a topology may call by words of its own, beside its priorities: classes of device, the
 * fields by which events name a member and a device, and what people read where a stream says no
 * text. What it does not say is RENO's. The rows of the engine's own tables keep their fields.
 */
import { type DeviceClasses, RENO_CLASSES } from './device-classes.ts';

/** Names of fields of events, of tests and of registrations. */
export interface IdentityFields {
  readonly member: string;
  readonly device: string;
}

export interface TextWords {
  /** The locale of a text that is written without one. */
  readonly fallback: string;
  /**
   * The key of the app's own text, with `{use_case}` in it: of alerts of a stream without `show`.
   */
  readonly key: string;
}

export interface Words {
  readonly deviceClasses: DeviceClasses;
  readonly fields: IdentityFields;
  readonly texts: TextWords;
}

/** Where the id of the use case stands in a text's key. */
export const USE_CASE_PART = '{use_case}';
export const RENO_FIELDS: IdentityFields = { member: 'memberId', device: 'deviceId' };
export const RENO_TEXTS: TextWords = { fallback: 'en', key: `carillon.${USE_CASE_PART}` };
export const RENO_WORDS: Words = {
  deviceClasses: RENO_CLASSES,
  fields: RENO_FIELDS,
  texts: RENO_TEXTS,
};

export const textKeyOf = ({ key }: TextWords, useCase: string): string =>
  key.replace(USE_CASE_PART, () => useCase);
