/**
 * The catalog of processors: the only list of them. A topology names a step by its `type`; the cli
 * hands this map to the compiler.
 */
import type { StepSpec } from '../core/spec.ts';
import { aggregate } from './aggregate.ts';
import { coalesce } from './coalesce.ts';
import { dedup } from './dedup.ts';
import { digest } from './digest.ts';
import { eachRow } from './each-row.ts';
import { fanOut } from './fan-out.ts';
import { filter } from './filter.ts';
import { flatMap } from './flat-map.ts';
import { foldDevices } from './fold-devices.ts';
import { foldPresence } from './fold-presence.ts';
import { gateOnline } from './gate-online.ts';
import { gateStaleness } from './gate-staleness.ts';
import { join } from './join.ts';
import { joinStreams } from './join-streams.ts';
import { map } from './map.ts';
import { ownToken } from './own-token.ts';
import { peek } from './peek.ts';
import { preferences } from './preferences.ts';
import { quietHours } from './quiet-hours.ts';
import { registerDevice } from './register-device.ts';
import { rekey } from './rekey.ts';
import { remind } from './remind.ts';
import { sample } from './sample.ts';
import { target } from './target.ts';
import { throttle } from './throttle.ts';

const all: readonly StepSpec[] = [
  aggregate,
  coalesce,
  dedup,
  digest,
  eachRow,
  fanOut,
  filter,
  flatMap,
  foldDevices,
  foldPresence,
  gateOnline,
  gateStaleness,
  join,
  joinStreams,
  map,
  ownToken,
  peek,
  preferences,
  quietHours,
  registerDevice,
  rekey,
  remind,
  sample,
  target,
  throttle,
];

export const steps: ReadonlyMap<string, StepSpec> = new Map(all.map((spec) => [spec.type, spec]));
