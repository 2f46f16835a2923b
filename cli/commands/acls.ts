/**
 * `carillon topics acls`: what each role must be allowed to do on Kafka, as commands or as data.
 */
import { resolve } from 'node:path';
import { CarillonError } from '../../core/error.ts';
import { nearest } from '../../core/nearest.ts';
import { accessOf, aclCommands, type RoleAccess, userOf } from '../access.ts';
import { readDeployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { eventTypesOf } from '../run/topology.ts';
import { EXIT_OK } from '../show-error.ts';

export interface AclsOptions {
  readonly deployment?: string;
  readonly role?: string;
  readonly format: 'pretty' | 'json';
}

/** What stands in the commands of a deployment that is not on Kafka yet. */
const SOME_BROKER = ['kafka:9092'];

export async function acls(file: string | undefined, options: AclsOptions): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  const loaded = await loadTopology(deployment, {
    folder,
    env: process.env,
    file: file === undefined ? undefined : resolve(folder, file),
  });
  const { log } = deployment;
  const [clientId, brokers] =
    log.kind === 'kafka' ? [log.clientId, log.brokers] : ['carillon', SOME_BROKER];
  const events = [...eventTypesOf(loaded).values()].map(({ topic }) => topic);
  const { topology } = loaded.plan;
  const all = accessOf(loaded.plan, { clientId, events });
  const chosen = options.role === undefined ? all : [theRole(all, options.role)];
  const user = (role: string) => userOf(topology, role);
  if (options.format === 'json') {
    const plain = chosen.map((one) => ({ user: user(one.role), ...one }));
    process.stdout.write(`${JSON.stringify(plain, null, 2)}\n`);
    return EXIT_OK;
  }
  for (const one of chosen) {
    const commands = aclCommands(one, { user: user(one.role), brokers });
    process.stdout.write(`# ${one.role}: ${one.what}\n${commands.join('\n')}\n\n`);
  }
  return EXIT_OK;
}

function theRole(all: readonly RoleAccess[], wanted: string): RoleAccess {
  const found = all.find(({ role }) => role === wanted);
  if (found !== undefined) return found;
  const roles = all.map(({ role }) => role);
  const near = nearest(wanted, roles);
  throw new CarillonError('CAR942', `"${wanted}" is not a role of this topology.`, {
    where: { at: '--role' },
    mend: near === undefined ? `roles: ${roles.join(', ')}` : `did you mean "${near}"?`,
  });
}
