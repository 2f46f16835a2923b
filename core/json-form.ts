/**
 * Decoded values as JSON, in the one form in which they leave us and can be sent in again: bytes as
 * base64, whole numbers beyond 2^53 and what JSON has no number for (`NaN`, `Infinity`) as text. A
 * JSON number that large would be rounded by whoever reads it with JavaScript.
 */
import { setOwn } from './own-field.ts';

export function jsonForm(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'object':
      break;
    default:
      return value;
  }
  if (value === null) return null;
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map(jsonForm);
  const json: { [name: string]: unknown } = {};
  for (const [name, field] of Object.entries(value)) setOwn(json, name, jsonForm(field));
  return json;
}
