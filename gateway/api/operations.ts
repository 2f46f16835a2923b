/** All operations of the gateway: what `docs/reference/openapi.json` is made of. */
import * as devices from './device-operations.ts';
import type { Operation } from './operation.ts';
import * as operators from './operator-operations.ts';
import * as producers from './producer-operations.ts';

export const OPERATIONS: readonly Operation[] = [
  ...Object.values(producers),
  ...Object.values(devices),
  ...Object.values(operators),
];
