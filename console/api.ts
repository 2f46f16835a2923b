/** What the page asks of the process that serves it, with the operator's token. */

const TOKEN = 'carillon-token';

/** An answer that is no good; `code` is of the table of errors. */
export class Refused extends Error {
  readonly status: number;
  readonly mend: string;

  constructor(status: number, what: string, mend: string) {
    super(what);
    this.status = status;
    this.mend = mend;
  }
}

/**
 * The token of the address (`#token=…`), taken out of it, or the one of this tab. It is kept for as
 * long as the tab is open, and is sent to nobody but the process.
 */
export function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(TOKEN);
}

export function setToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, token.trim());
}

type Query = Readonly<{ [name: string]: string | readonly string[] }>;

function addressOf(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of typeof value === 'string' ? [value] : value) params.append(name, one);
  }
  const text = params.toString();
  return `v1/${path}${text === '' ? '' : `?${text}`}`;
}

async function request(path: string, query: Query, more: RequestInit = {}): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN) ?? '';
  const response = await fetch(addressOf(path, query), {
    ...more,
    headers: { ...more.headers, authorization: `Bearer ${token}` },
  });
  if (response.ok) return response;
  const { code, what, mend } = (await response.json().catch(() => ({}))) as {
    code?: string;
    what?: string;
    mend?: string;
  };
  const said = `${code ?? response.status}: ${what ?? response.statusText}`;
  throw new Refused(response.status, said, mend ?? '');
}

export async function ask<T>(path: string, query: Query = {}): Promise<T> {
  return (await (await request(path, query)).json()) as T;
}

/** Asks for something to be done. */
export async function tell<T>(path: string, body: object): Promise<T> {
  const response = await request(
    path,
    {},
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    },
  );
  return (await response.json()) as T;
}

/** A line each, until the signal, or the end. */
export async function* lines<T>(
  path: string,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const response = await request(path, query, { signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield JSON.parse(part) as T;
  }
}
