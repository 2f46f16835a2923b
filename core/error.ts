/**
 * What goes wrong, in four parts: what, where, how to mend it, and a code of the error table. Exit
 * codes: 0, 1 errors, 2 usage.
 */
import { ERROR_TABLE, type ErrorCode } from './error-table.ts';

export interface Place {
  /** A file, with 1-based line and column, when the error is in a text. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** How many characters the caret underlines. */
  readonly length?: number;
  /** At run time: `viewing-activity/dedup`, `events.plan-change/3@1042`, or a setting's name. */
  readonly at?: string;
}

export interface Diagnostic {
  readonly code: ErrorCode;
  readonly level: 'error' | 'warning';
  readonly what: string;
  readonly where: Place;
  readonly mend: string;
}

export class CarillonError extends Error implements Diagnostic {
  readonly code: ErrorCode;
  readonly level = 'error';
  readonly what: string;
  readonly where: Place;
  readonly mend: string;
  /** A fact of the error, not a policy: the same call may succeed later. */
  readonly retryable: boolean;

  constructor(
    code: ErrorCode,
    what: string,
    options: { where?: Place; mend?: string; retryable?: boolean; cause?: unknown } = {},
  ) {
    super(`${code} ${ERROR_TABLE[code].slug}: ${what}`, { cause: options.cause });
    this.name = 'CarillonError';
    this.code = code;
    this.what = what;
    this.where = options.where ?? {};
    this.mend = options.mend ?? ERROR_TABLE[code].mend;
    this.retryable = options.retryable ?? false;
  }
}

/** Many errors of one text, told together. */
export class CarillonErrors extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(`${diagnostics.length} error(s), first: ${diagnostics[0]?.what ?? ''}`);
    this.name = 'CarillonErrors';
    this.diagnostics = diagnostics;
  }
}
