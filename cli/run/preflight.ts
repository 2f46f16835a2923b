/**
 * What the deployment's values name is looked at before anything is opened: files that are not
 * there, certificates that have expired, settings of push services that are none. So a process that
 * cannot run with them has read and written nothing.
 */
import { existsSync } from 'node:fs';
import type { Plan, SinkPlan } from '../../compiler/plan.ts';
import { apnsSettings } from '../../connectors/apns/settings.ts';
import { checkSettings } from '../../connectors/cassandra/settings.ts';
import { fcmSettings } from '../../connectors/fcm/settings.ts';
import { webhookSettings } from '../../connectors/webhook/settings.ts';
import { systemClock } from '../../core/clock.ts';
import { CarillonError, CarillonErrors } from '../../core/error.ts';
import type { Deployment } from '../deployment.ts';
import { trustOf } from '../deployment-auth.ts';
import { kafkaOptionsOf } from '../kafka-options.ts';
import { shownPath } from '../load-topology.ts';
import { registryOptionsOf } from '../registry-options.ts';
import { trustIn } from '../trust-file.ts';
import { connectorSettings } from './connector-settings.ts';
import { PORT_ROLES, type Roles, sinkRole } from './roles.ts';
import { readTls } from './tls.ts';

export interface Preflight {
  readonly deployment: Deployment;
  readonly plan: Pick<Plan, 'sinks'>;
  /** Of this process. */
  readonly roles: Roles;
  /** Settings beside the deployment's (the sample world's stand-ins). */
  readonly connectors: Deployment['connectors'] | undefined;
  readonly folder: string;
  /** The machine's clock when it is left out. */
  readonly nowMs?: number;
}

/** By the connector of a sink; sinks of one's own say themselves what they need. */
const READERS: {
  readonly [type: string]: (
    sink: SinkPlan,
    values: { readonly [name: string]: unknown },
  ) => unknown;
} = {
  fcm: (_sink, values) => fcmSettings(values),
  apns: (_sink, values) => apnsSettings(values),
  webhook: ({ config }, values) => webhookSettings(config as never, values),
};

/**
 * Throws all that is wrong: CAR733, CAR735, CAR902, CAR903, CAR625, CAR660, CAR665, CAR682, CAR686.
 */
export function preflight(of: Preflight): void {
  const { deployment, plan, roles, connectors, folder, nowMs = systemClock.now() } = of;
  const { http, auth, log, registry, inbox } = deployment;
  const errors = new Map<string, CarillonError>();
  const look = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      errors.set(`${error.code} ${error.what}`, error);
    }
  };
  const trusted = (at: string, file: string | null) => {
    if (file !== null && existsSync(file)) look(() => trustIn(at, file, nowMs));
  };
  if (log.kind === 'kafka') look(() => kafkaOptionsOf(log, undefined, nowMs));
  if (registry !== null) look(() => registryOptionsOf(registry, nowMs));
  if (inbox.kind === 'cassandra') {
    const { ssl = false } = inbox.settings;
    look(() => checkSettings(inbox.settings));
    if (ssl !== false) trusted('inbox.ssl.ca', ssl.ca ?? null);
  }
  trusted('http.internal_tls.ca', http.internalTls?.ca ?? null);
  if (PORT_ROLES.some((role) => roles.has(role))) {
    look(() => http.tls !== null && readTls('http.tls', http.tls, nowMs));
    look(() => trustOf(auth));
    look(() => auth.module !== null && mustBeThere(auth.module, folder));
  }
  look(() => http.internalTls !== null && readTls('http.internal_tls', http.internalTls, nowMs));
  for (const sink of plan.sinks) {
    if (!sink.lane.priorities.some((one) => roles.has(sinkRole(sink, one)))) continue;
    const { type } = sink.spec;
    look(() => {
      const settings = connectorSettings(sink, deployment.connectors);
      READERS[type]?.(sink, { ...settings, ...connectors?.[type] });
    });
  }
  const [first] = errors.values();
  if (first === undefined) return;
  throw errors.size === 1 ? first : new CarillonErrors([...errors.values()]);
}

function mustBeThere(file: string, folder: string): void {
  if (existsSync(file)) return;
  const where = { file: shownPath(file, folder) };
  throw new CarillonError('CAR902', 'auth.module: there is no such file.', { where });
}
