/**
 * All error codes, once: 1xx text, 2xx graph, 3xx options, 4xx schemas, 5xx records, 6xx
 * connectors, 7xx gateway, 8xx state, 9xx commands and deployment. A code is never used again for
 * something else; each has a page in docs/errors and is raised by a test.
 */
import { AGGREGATE_ERRORS } from './aggregate-errors.ts';
import { CLOCK_ERRORS } from './clock-errors.ts';
import { COMMAND_ERRORS } from './command-errors.ts';
import { CONNECTOR_ERRORS } from './connector-errors.ts';
import { EDIT_ERRORS } from './edit-errors.ts';
import type { ErrorEntry } from './error-entry.ts';
import { GATEWAY_ERRORS } from './gateway-errors.ts';
import { OPTION_ERRORS } from './option-errors.ts';
import { OWN_ERRORS } from './own-errors.ts';
import { RECORD_ERRORS } from './record-errors.ts';
import { STATE_ERRORS } from './state-errors.ts';
import { TOPOLOGY_ERRORS } from './topology-errors.ts';

export type ErrorCode =
  | keyof typeof TOPOLOGY_ERRORS
  | keyof typeof AGGREGATE_ERRORS
  | keyof typeof OPTION_ERRORS
  | keyof typeof CLOCK_ERRORS
  | keyof typeof RECORD_ERRORS
  | keyof typeof EDIT_ERRORS
  | keyof typeof CONNECTOR_ERRORS
  | keyof typeof GATEWAY_ERRORS
  | keyof typeof OWN_ERRORS
  | keyof typeof STATE_ERRORS
  | keyof typeof COMMAND_ERRORS;

export const ERROR_TABLE: { readonly [code in ErrorCode]: ErrorEntry } = {
  ...TOPOLOGY_ERRORS,
  ...AGGREGATE_ERRORS,
  ...OPTION_ERRORS,
  ...CLOCK_ERRORS,
  ...RECORD_ERRORS,
  ...EDIT_ERRORS,
  ...CONNECTOR_ERRORS,
  ...GATEWAY_ERRORS,
  ...OWN_ERRORS,
  ...STATE_ERRORS,
  ...COMMAND_ERRORS,
};
