/**
 * The six use cases that topology/reno.yaml is shipped with. Who adds a seventh changes nothing of
 * what is told of these six, so what compares them word for word leaves out all others.
 */
const SHIPPED: ReadonlySet<string> = new Set([
  'viewing-activity',
  'recommendation-refresh',
  'plan-change',
  'my-list-update',
  'profile-change',
  'diagnostic-signal',
]);

/** A topology's text without the use cases that came later; the shipped text stays as it is. */
export function shippedOnly(text: string): string {
  return withStreams(text, isShipped);
}

export function isShipped(stream: string): boolean {
  return SHIPPED.has(stream);
}

/** The names under `streams:`, in the order of the file. */
export function streamsOf(text: string): string[] {
  const names: string[] = [];
  withStreams(text, (name) => names.push(name) > 0);
  return names;
}

/**
 * Without the streams that are not kept. A line is left out or stays as it is: parsing and printing
 * YAML would rewrite the rest, which tests replace parts of by their text.
 */
export function withStreams(text: string, isKept: (name: string) => boolean): string {
  let isInStreams = false;
  let isWritten = true;
  const kept = text.split('\n').filter((line) => {
    if (/^\S/.test(line)) {
      isInStreams = line.startsWith('streams:');
      isWritten = true;
    }
    const [, name] = /^ {2}([\w-]+):/.exec(line) ?? [];
    if (isInStreams && name !== undefined) isWritten = isKept(name);
    return isWritten;
  });
  return kept.join('\n');
}
