import { clocks } from './clocks.ts';
import { derived } from './derived.ts';
import { paces } from './paces.ts';
import { pairs } from './pairs.ts';
import { reminders } from './reminders.ts';
import { shapes } from './shapes.ts';
import { smoke } from './smoke.ts';
import { windows } from './windows.ts';
import type { World } from './world.ts';

export const WORLDS: readonly World[] = [
  shapes,
  windows,
  pairs,
  derived,
  paces,
  clocks,
  reminders,
  smoke,
];
