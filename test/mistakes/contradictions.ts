/**
 * Conditions that no record meets, or that each does: CAR247 and CAR246, and those that are right.
 */
import { type Edit, edited, type Row } from './base.ts';

const WHERE = '\'value.kind != "STARTED"\'';

const CONDITIONS: readonly (readonly [where: string, ...told: readonly string[]])[] = [
  ['value.positionSeconds > 5 && value.positionSeconds < 3', 'CAR247'],
  ['value.positionSeconds > 5 && value.positionSeconds < 6', 'CAR247'],
  ['value.positionSeconds < 5 || value.positionSeconds > 3', 'CAR246'],
  ['5 > value.positionSeconds && 7 < value.positionSeconds', 'CAR247'],
  ['!(value.positionSeconds > 5) && value.positionSeconds > 7', 'CAR247'],
  ['value.positionSeconds == 5 && value.positionSeconds > 6', 'CAR247'],
  ['value.positionSeconds in [1, 2] && value.positionSeconds > 2', 'CAR247'],
  [
    'value.positionSeconds > 5 && (value.positionSeconds < 3 || value.positionSeconds == 4)',
    'CAR247',
  ],
  ['value.positionSeconds > 5 ? value.positionSeconds < 3 : value.positionSeconds > 7', 'CAR247'],
  [
    'value.positionSeconds > value.occurredAt && value.positionSeconds < value.occurredAt',
    'CAR247',
  ],
  ['value.titleId == "a" && value.titleId != "a"', 'CAR247'],
  ['value.titleId == "a" || value.titleId != "a"', 'CAR246'],
  ['value.titleId < "a" && value.titleId > "b"', 'CAR247'],
  ['value.titleId == "" && size(value.titleId) > 0', 'CAR247'],
  ['value.titleId.startsWith("a") && value.titleId.startsWith("b")', 'CAR247'],
  ['value.titleId.endsWith("a") && !value.titleId.endsWith("a")', 'CAR247'],
  ['size(value.titleId) > 5 && size(value.titleId) < 6', 'CAR247'],
  ['value.kind in ["STARTED"] && value.kind == "STOPPED"', 'CAR247'],
  ['value.kind.startsWith("Z")', 'CAR247'],
  ['value.deviceId != null && value.deviceId == null', 'CAR247'],
  ['value.deviceId == value.positionSeconds', 'CAR247'],
  ['key == value.memberId && key != value.memberId', 'CAR247'],
  ['timestamp > 5 && timestamp < 3', 'CAR247'],
  ['value.titleId == "a" || (value.positionSeconds > 5 && value.positionSeconds < 3)', 'CAR246'],
  ['value.positionSeconds % value.occurredAt > 3'],
  ['value.positionSeconds % 5 > 4', 'CAR247'],
  ['value.positionSeconds % 5 > 3'],
  ['value.positionSeconds >= 5 && value.positionSeconds <= 5'],
  ['value.positionSeconds > 5 && value.positionSeconds < 7'],
  ['value.titleId.startsWith("a") && value.titleId.startsWith("ab")'],
  ['value.positionSeconds < 3 || value.positionSeconds > 5'],
];

export const CONTRADICTIONS: readonly Row[] = edited(
  CONDITIONS.map(([where, ...told]): Edit => [where, WHERE, `'${where}'`, ...told]),
);
