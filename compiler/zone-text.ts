/** A time zone that stands where the place of one is wanted. */

import { nearest } from '../core/nearest.ts';
import type { Options } from '../core/spec.ts';
import { TimeZone } from '../core/time-zone.ts';

/** As the names of the database are, in quotes of CEL perhaps. */
const LIKE_ZONE = /^["']?([A-Za-z_+-]+(?:\/[A-Za-z0-9_+-]+)+|UTC|GMT)["']?$/;

/**
 * Where a zone is written that is one for all; undefined: the text is none, or no option takes it.
 */
export function zoneMend(text: string, options: Options): string | undefined {
  const zone = LIKE_ZONE.exec(text)?.[1];
  const option = Object.keys(options).find((name) => options[name]!.kind === 'time_zone');
  if (zone === undefined || option === undefined) return undefined;
  const near = nearest(zone, Intl.supportedValuesOf('timeZone'));
  const known = TimeZone.named(zone) === null ? near : zone;
  if (known === undefined) return undefined;
  return `One zone for all stands under ${option}: write ${option}: ${known}.`;
}
