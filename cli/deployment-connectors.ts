/**
 * `connectors` of a deployment config: the settings of push services, and of sinks of one's own.
 */
import { emptyMend, headOf, isTold, kindOf, type Section } from '../compiler/section.ts';
import type { Tree } from '../compiler/tree.ts';
import {
  CONNECTOR_SETTINGS,
  type SettingEntry,
  type SettingTable,
} from '../connectors/setting-tables.ts';
import { httpsOriginOf, isPem } from '../connectors/sink-settings.ts';
import type { SettingReader } from './deployment-parts.ts';

/** Of a call to a provider: longer is a mistake of the unit. */
const DURATION_MS_MAX = 3_600_000;

type Settings = { readonly [setting: string]: unknown };

export interface ConnectorScope {
  readonly read: SettingReader;
  /** From a path as it is written to one from the config's own folder. */
  readonly beside: (path: string) => string;
  /** Sinks of one's own have settings too; their names are known when their modules are loaded. */
  readonly hasOwn: boolean;
}

export function connectorsOf(
  scope: ConnectorScope,
  section: Section | undefined,
): { readonly [connector: string]: Settings } {
  const connectors: Record<string, Settings> = {};
  const ours = Object.keys(CONNECTOR_SETTINGS);
  if (!scope.hasOwn) section?.only(ours);
  for (const { key, value } of section?.entries ?? []) {
    const known = Object.hasOwn(CONNECTOR_SETTINGS, key) ? CONNECTOR_SETTINGS[key] : undefined;
    if (known === undefined && !scope.hasOwn) continue;
    const settings = section!.section(key);
    if (settings === undefined) continue;
    if (known === undefined) tellEmpty(scope.read, `deployment, connectors, ${key}`, value);
    connectors[key] =
      known === undefined ? (plain(value) as Settings) : settingsOf(scope, settings, known);
  }
  return connectors;
}

function settingsOf(
  scope: ConnectorScope,
  section: Section,
  { table, byApp }: { readonly table: SettingTable; readonly byApp: boolean },
): Settings {
  section.only([...Object.keys(table), ...(byApp ? ['apps'] : [])]);
  const settings: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(table)) {
    if (section.has(key)) settings[key] = READERS[entry.kind](scope, section, key, entry);
  }
  if (byApp && section.has('apps')) settings.apps = appsOf(scope, section, table);
  return settings;
}

/** What no app of a sink has is told when the sinks are known (CAR686). */
function appsOf(scope: ConnectorScope, section: Section, table: SettingTable): Settings {
  const apps = section.section('apps');
  const byApp: Record<string, Settings> = {};
  for (const { key } of apps?.entries ?? []) {
    const settings = apps!.section(key);
    if (settings !== undefined) byApp[key] = settingsOf(scope, settings, { table, byApp: false });
  }
  return byApp;
}

type Read = (scope: ConnectorScope, section: Section, key: string, entry: SettingEntry) => unknown;

const READERS: { readonly [K in SettingEntry['kind']]: Read } = {
  text: (_scope, section, key) => section.text(key)?.value,
  duration: ({ read }, section, key) => read.duration(section, key, DURATION_MS_MAX),
  count: ({ read }, section, key, { max }) =>
    read.count(section, key, 1, 1, max ?? Number.MAX_SAFE_INTEGER),
  flag: ({ read }, section, key) => read.flag(section, key, false),
  origin: ({ read }, section, key) => {
    const placed = section.text(key);
    if (placed === undefined) return undefined;
    const origin = httpsOriginOf(placed.value);
    if (origin !== undefined) return origin;
    const what = `${section.subject}: ${key} is no https address without a path.`;
    return read.bad(placed.span, what, `Write e.g. ${key}: "https://localhost:8443".`);
  },
  pem: ({ beside }, section, key) => {
    const text = section.text(key)?.value;
    return text === undefined || isPem(text) ? text : beside(text);
  },
  account: ({ read, beside }, section, key) => {
    const tree = section.tree(key)!;
    if (tree.kind === 'map') {
      tellEmpty(read, `${section.subject}: ${key}`, tree);
      return plain(tree);
    }
    const path = section.text(key)?.value;
    return path === undefined ? undefined : beside(path);
  },
  ranges: ({ read }, section, key) => read.texts(section, key),
};

/** A setting whose variable gives nothing would be taken for one that was left out. */
function tellEmpty(read: SettingReader, subject: string, tree: Tree): void {
  if (tree.kind === 'list') for (const item of tree.items) tellEmpty(read, subject, item);
  if (tree.kind === 'map') {
    for (const { key, value } of tree.entries) tellEmpty(read, `${subject}: ${key}`, value);
  }
  const mend = emptyMend(tree);
  if (mend === undefined || isTold(tree)) return;
  read.bad(headOf(tree), `${subject} is ${kindOf(tree)}.`, mend);
}

function plain(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plain);
  return Object.fromEntries(tree.entries.map(({ key, value }) => [key, plain(value)]));
}
