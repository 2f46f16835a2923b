/** `carillon tail`: the records of topics, decoded, those that are asked for. */
import { LogScan, type ScanOptions } from '../log-scan.ts';
import { EXIT_OK } from '../show-error.ts';
import { type DecodedRecord, jsonLine, prettyLines } from '../show-record.ts';

export interface TailOptions extends ScanOptions {
  readonly count?: number;
  readonly format: 'pretty' | 'json' | 'count';
}

export async function tail(topics: readonly string[], options: TailOptions): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const scan = await LogScan.open(topics, options);
  const countMax = options.count ?? Number.POSITIVE_INFINITY;
  const shownOf = new Map(scan.topics.map((topic) => [topic, 0]));
  let shown = 0;
  try {
    const show = shower(scan, options.format);
    for await (const { decoded } of scan.records(stop.signal)) {
      if (stop.signal.aborted) break;
      shown++;
      shownOf.set(decoded.topic, shownOf.get(decoded.topic)! + 1);
      const text = show(decoded);
      if (text !== '' && !process.stdout.write(text)) await drained();
      if (shown >= countMax) break;
    }
    if (options.format === 'count') {
      for (const [topic, count] of shownOf) process.stdout.write(`${count}\t${topic}\n`);
    }
    process.stderr.write(summary(scan, shown, options));
  } finally {
    stop.abort();
    await scan.close();
  }
  return EXIT_OK;
}

type Show = (decoded: DecodedRecord) => string;

/** People read the names of use cases; in JSON their ids stay, so that lines can be fed again. */
function shower({ known }: LogScan, format: TailOptions['format']): Show {
  if (format === 'count') return () => '';
  if (format === 'json') return jsonLine;
  const dim = process.stdout.isTTY ? (text: string) => `\u001b[2m${text}\u001b[0m` : String;
  return (decoded) => prettyLines(withNames(decoded, known), dim);
}

function withNames(decoded: DecodedRecord, known: LogScan['known']): DecodedRecord {
  const { value } = decoded;
  if (typeof value !== 'object' || value === null) return decoded;
  const { useCase } = value as { useCase?: unknown };
  const name = typeof useCase === 'string' ? known.useCaseOf(useCase) : undefined;
  return name === undefined ? decoded : { ...decoded, value: { ...value, useCase: name } };
}

/** So that an empty topic and a `--where` that is never true can be told apart. */
function summary({ read, unjudged }: LogScan, shown: number, options: TailOptions): string {
  const { from, to, where } = options;
  const unknown =
    unjudged === 0 ? '' : `${unjudged} records have no such fields, so --where left them out.\n`;
  const number = (count: number) => count.toLocaleString('en-US');
  if (read === 0) {
    const since = from === 'start' ? '' : ` from ${from} on`;
    return `# no records${since}${to === undefined ? '' : ` before ${to}`}\n${unknown}`;
  }
  if (shown === 0 && where !== undefined) {
    return `# none of ${number(read)} records is what --where asks for\n${unknown}`;
  }
  return `# ${number(shown)} of ${number(read)} records that were read\n${unknown}`;
}

function drained(): Promise<void> {
  return new Promise((resolve) => process.stdout.once('drain', () => resolve()));
}
