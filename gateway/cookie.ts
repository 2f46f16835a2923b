/**
 * A token in a cookie, which a browser sends by itself, whosever page asks. So it counts only with
 * a sign that the page is one of ours (CSRF; the sign is OWASP's "verifying origin with standard
 * headers"): `Origin`, which every handshake and every request but GET has; on GET, which may lack
 * it, `Sec-Fetch-Site: same-origin` or the origin in `Referer`. No page can set one of these.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { HttpProblem } from './problem.ts';

export interface CookieRule {
  readonly name: string;
  /** Whose pages may bring it. */
  readonly origins: ReadonlySet<string>;
}

/**
 * Undefined: there is no such cookie. Throws CAR776 when nothing says that a page of ours has sent
 * it, CAR702 when there are two: a page of a neighbouring domain may have set the other.
 */
export function tokenOfCookie(
  headers: IncomingHttpHeaders,
  { name, origins }: CookieRule,
): string | undefined {
  const values = valuesOf(headers.cookie ?? '', name);
  if (values.length === 0) return undefined;
  if (!isOfOurs(headers, origins)) {
    throw new HttpProblem('CAR776', 'nothing says that one of our pages has sent the cookie.');
  }
  if (values.length === 1) return values[0];
  throw new HttpProblem('CAR702', 'the cookie of the token came twice.');
}

function valuesOf(header: string, name: string): readonly string[] {
  const pairs = header.split(';').map((pair) => pair.trim());
  const found = pairs.filter((pair) => pair.startsWith(`${name}=`));
  return found.map((pair) => pair.slice(name.length + 1).replace(/^"(.*)"$/, '$1'));
}

function isOfOurs(headers: IncomingHttpHeaders, origins: ReadonlySet<string>): boolean {
  const { origin, referer } = headers;
  if (origin !== undefined) return origins.has(origin);
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return referer !== undefined && URL.canParse(referer) && origins.has(new URL(referer).origin);
}
