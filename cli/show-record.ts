/**
 * Records as people and programs read them. Device tokens are secrets and are never shown; bytes
 * that do not decode are shown as they are, with the reason.
 */
import { ERROR_TABLE } from '../core/error-table.ts';
import { jsonForm } from '../core/json-form.ts';
import type { Record } from '../core/record.ts';
import { harmlessLine } from './harmless.ts';

export interface DecodedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  /** Undefined with `raw`; null: a tombstone. */
  readonly value: unknown;
  /** Base64 of a value that does not decode, and why. */
  readonly raw?: string;
  readonly why?: string;
  readonly headers: { readonly [name: string]: string };
}

export function headersOf(record: Record): DecodedRecord['headers'] {
  return Object.fromEntries(
    (record.headers ?? []).map(({ key, value }) => [key, value.toString('utf8')]),
  );
}

/** Fields that hold a provider's token of a device. */
const SECRET_FIELDS = new Set(['token', 'deadToken']);

/** As JSON, without secrets. */
export function shownValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shownValue);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return jsonForm(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      SECRET_FIELDS.has(name) && typeof field === 'string' ? '***' : shownValue(field),
    ]),
  );
}

/** One line of JSON. */
export function jsonLine(record: DecodedRecord): string {
  const { headers, raw, why, ...rest } = record;
  const line = {
    ...rest,
    value: shownValue(rest.value),
    ...(raw === undefined ? {} : { raw, why }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  };
  return `${harmlessLine(JSON.stringify(line))}\n`;
}

export type Dim = (text: string) => string;

/** A line, and under it where a dead letter comes from. */
export function prettyLines(record: DecodedRecord, dim: Dim): string {
  const { topic, partition, offset, timestamp, key, value, raw, why, headers } = record;
  const time = new Date(timestamp).toISOString().slice(11, 23);
  const place = dim(`${time} ${topic}/${partition}@${offset}`);
  const shown =
    raw === undefined
      ? value === null
        ? dim('deleted')
        : compact(shownValue(value))
      : `${dim(`${why}, as base64:`)} ${raw}`;
  const line = `${harmlessLine(key ?? '-')}  ${harmlessLine(shown)}`;
  return `${place}  ${line}\n${deadLetterLines(headers)}`;
}

function deadLetterLines(headers: DecodedRecord['headers']): string {
  const code = headers['carillon.code'];
  if (code === undefined) return '';
  const slug = (ERROR_TABLE as { [code: string]: { slug: string } })[code]?.slug ?? '';
  const from = `${headers['carillon.topic']}/${headers['carillon.partition']}@${headers['carillon.offset']}`;
  const step = `${headers['carillon.stream']}/${headers['carillon.step']}`;
  const why = harmlessLine(`${code} ${slug}: ${headers['carillon.reason']}`);
  return `    ${why}\n    ${harmlessLine(`from ${from}, at ${step}`)}\n`;
}

/** JSON without the quotes around names, so that it reads as the topology's flow style. */
function compact(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(compact).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${compact(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}
