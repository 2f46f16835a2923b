/**
 * Which parts of the pipeline a process runs: `streams/critical`, `sink/fcm/low`, `gateway`,
 * `ingest`, `devices`, `console`; a shorter name stands for all below it (`streams`, `sink/fcm`),
 * `all` for everything.
 */
import type { Plan, SinkPlan } from '../../compiler/plan.ts';
import { CarillonError } from '../../core/error.ts';
import { nearest } from '../../core/nearest.ts';
import type { Priority } from '../../core/priority.ts';

export interface Roles {
  readonly all: readonly string[];
  has(role: string): boolean;
}

export function rolesOf(plan: Plan): string[] {
  const roles = new Set<string>(['gateway', 'ingest', 'console']);
  for (const { role } of plan.subTopologies) roles.add(role);
  for (const sink of plan.sinks) {
    for (const priority of sink.lane.priorities) roles.add(sinkRole(sink, priority));
  }
  return [...roles];
}

export function sinkRole({ name, lane }: SinkPlan, priority: Priority): string {
  return `sink/${name}/${lane.order.nameOf(priority)}`;
}

/** Throws CAR942 for a role that the topology does not have. */
export function chooseRoles(plan: Plan, wanted: readonly string[]): Roles {
  const known = rolesOf(plan);
  const chosen = new Set<string>();
  for (const role of wanted) {
    const found = role === 'all' ? known : known.filter((one) => below(one, role));
    if (found.length === 0) {
      const near = nearest(role, [...known, 'all', 'streams', 'devices']);
      throw new CarillonError('CAR942', `"${role}" is not a role of this topology.`, {
        where: { at: '--role' },
        mend: near === undefined ? `roles: all, ${known.join(', ')}` : `did you mean "${near}"?`,
      });
    }
    for (const one of found) chosen.add(one);
  }
  return { all: [...chosen], has: (role) => chosen.has(role) };
}

function below(role: string, chosen: string): boolean {
  return role === chosen || role.startsWith(`${chosen}/`);
}

/** Connectors that write to the embedded file itself: their sinks run where the file is open. */
const FILE_SINKS: readonly string[] = ['inbox'];

/** The page is on the internal port of whoever has one of these. */
export const PORT_ROLES: readonly string[] = ['gateway', 'ingest', 'console'];

/**
 * The roles of an embedded process by thread: what is synchronous on the file, and what has
 * sockets.
 */
export function splitRoles(plan: Plan): { worker: string[]; main: string[] } {
  const fileSinks = plan.sinks.filter((sink) => FILE_SINKS.includes(sink.spec.type));
  const worker: string[] = [];
  const main: string[] = [];
  for (const role of rolesOf(plan)) {
    const isSink = role.startsWith('sink/');
    const onFile = fileSinks.some((sink) => below(role, `sink/${sink.name}`));
    const hasSockets = PORT_ROLES.includes(role) || (isSink && !onFile);
    (hasSockets ? main : worker).push(role);
  }
  return { worker, main };
}
