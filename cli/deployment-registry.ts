/** The section of a deployment config that says where schemas are kept, and who we are there. */
import type { Section } from '../compiler/section.ts';
import { type SettingReader, sslOf } from './deployment-parts.ts';

export interface RegistrySettings {
  readonly url: string;
  readonly auth: { readonly username: string; readonly password: string } | undefined;
  /** Undefined: an https address is believed by the machine's list. */
  readonly ssl:
    | { readonly ca: string | undefined; readonly rejectUnauthorized: boolean }
    | undefined;
}

/** `beside`: from a path as it is written to one from the config's own folder. */
export function registryOf(
  read: SettingReader,
  section: Section,
  log: 'embedded' | 'kafka',
  beside: (path: string) => string,
): RegistrySettings | null {
  const registry = section.section('registry')?.only(['url', 'username', 'password', 'ssl']);
  if (log === 'kafka' && registry === undefined && !section.has('registry')) {
    const write = 'registry: { url: "http://registry:8081" }';
    read.lacks(section, 'registry', 'log.kind is kafka', write);
  }
  if (log === 'embedded' && section.has('registry')) {
    const place = section.entry('registry')!.keySpan;
    read.bad(place, 'registry is for log.kind kafka; the embedded log keeps its schemas itself.');
  }
  if (registry === undefined) return null;
  const url = read.url(registry, 'url', true);
  tellCredentials(read, registry);
  const auth = authOf(read, registry);
  const ssl = sslOf(read, registry, beside);
  if (ssl !== false && url?.startsWith('http:')) {
    const what = `${registry.subject}: ssl is set, but url is an http address.`;
    read.bad(registry.entry('ssl')!.keySpan, what, 'Write url: "https://…", or leave ssl out.');
  }
  return url === undefined ? null : { url, auth, ssl: ssl === false ? undefined : ssl };
}

/** Both or neither: one alone is a variable that was forgotten. */
function authOf(read: SettingReader, registry: Section): RegistrySettings['auth'] {
  const username = registry.text('username')?.value;
  const password = registry.has('password') ? read.secret(registry, 'password') : undefined;
  if (registry.has('username') && !registry.has('password')) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
    const write = 'password: "${REGISTRY_PASSWORD}"';
    read.lacks(registry, 'password', 'there is a username', write);
  }
  if (registry.has('password') && !registry.has('username')) {
    read.lacks(registry, 'username', 'there is a password', 'username: carillon');
  }
  return username === undefined || password === undefined ? undefined : { username, password };
}

/** An address that is the environment's own may hold them; one in the file is read by anybody. */
function tellCredentials(read: SettingReader, registry: Section): void {
  const scalar = registry.scalar('url');
  if (scalar === undefined || scalar.expanded || !/\/\/[^/]*@/.test(String(scalar.value))) return;
  read.report.error(
    'CAR309',
    registry.entry('url')!.keySpan,
    `${registry.subject}: url holds a user or password, in the file itself.`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
    'Write them beside it: username: carillon, password: "${REGISTRY_PASSWORD}".',
  );
}
