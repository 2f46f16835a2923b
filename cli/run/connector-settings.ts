/** The deployment's settings of a sink: its connector's, and over them those of its app. */
import type { SinkPlan } from '../../compiler/plan.ts';
import { CarillonError } from '../../core/error.ts';

interface Settings {
  readonly [setting: string]: unknown;
}

/** Throws CAR686 for settings of an app that are none, or of an app that no sink has. */
export function connectorSettings(
  { spec: { type, byApp }, apps }: Pick<SinkPlan, 'spec' | 'apps'>,
  connectors: { readonly [connector: string]: Settings },
): Settings {
  const { [type]: all = {} } = connectors;
  if (byApp !== true || all.apps === undefined) return all;
  const { apps: written, ...shared } = all;
  if (!isMap(written)) throw wrong(`connectors.${type}.apps`, 'is not a mapping from apps');
  const known = [apps?.own ?? null, ...(apps?.others ?? [])];
  for (const [app, settings] of Object.entries(written)) {
    const at = `connectors.${type}.apps.${app}`;
    if (!known.includes(app)) throw wrong(at, 'is of an app that no sink has');
    if (!isMap(settings)) throw wrong(at, 'is not a mapping of settings');
  }
  const own = apps?.own ?? null;
  return own === null ? shared : { ...shared, ...(written[own] as Settings | undefined) };
}

function isMap(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(at: string, what: string): CarillonError {
  return new CarillonError('CAR686', `Setting "${at}" ${what}.`, { where: { at } });
}
