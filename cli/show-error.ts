/**
 * How a command ends when something is wrong: four parts on standard error, never a stack trace.
 */
import { render } from '../compiler/render.ts';
import { CarillonError, CarillonErrors, type Diagnostic } from '../core/error.ts';

export const EXIT_OK = 0;
export const EXIT_ERRORS = 1;
export const EXIT_USAGE = 2;

export interface Shown {
  readonly text: string;
  readonly exitCode: number;
}

/**
 * `texts`: the files that diagnostics point into. Whatever is not an error of ours is told as
 * CAR914 with its message; its stack only with `trace`.
 */
export function showError(
  error: unknown,
  options: { texts?: ReadonlyMap<string, string>; trace?: boolean } = {},
): Shown {
  const diagnostics = diagnosticsOf(error);
  const texts = options.texts ?? textsOf(error) ?? new Map<string, string>();
  let text = render(diagnostics, texts);
  if (options.trace === true) text += `\n${traceOf(error)}\n`;
  const usage = diagnostics.some(({ code }) => code === 'CAR900' || code === 'CAR910');
  return { text, exitCode: usage ? EXIT_USAGE : EXIT_ERRORS };
}

/** Errors of a file whose text is at hand, so that they are shown with their lines. */
export class FileErrors extends CarillonErrors {
  readonly texts: ReadonlyMap<string, string>;

  constructor(diagnostics: readonly Diagnostic[], texts: ReadonlyMap<string, string>) {
    super(diagnostics);
    this.texts = texts;
  }
}

function textsOf(error: unknown): ReadonlyMap<string, string> | undefined {
  return error instanceof FileErrors ? error.texts : undefined;
}

function diagnosticsOf(error: unknown): readonly Diagnostic[] {
  if (error instanceof CarillonErrors) return error.diagnostics;
  if (error instanceof CarillonError) return [error];
  const what = error instanceof Error ? error.message : String(error);
  return [new CarillonError('CAR914', `${firstLine(what)}`)];
}

function firstLine(text: string): string {
  const line = text.split('\n')[0]!.trim();
  return line === '' ? 'no message.' : line;
}

function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${traceOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
