/**
 * Which transport has a notification next, when one could not reach the device. The use case says
 * so (`reach:` of its lane): `first_reachable` hands it on down the device's own list, `first` and
 * `all` do not.
 */
import type { Plan } from '../../compiler/plan.ts';
import type { Device, Transport } from '../../core/device.ts';
import type { DeviceNotification } from '../../core/notification.ts';

/** By use case: the transports that it allows and a sink delivers by, if it hands on. */
export type Reaches = ReadonlyMap<string, readonly Transport[]>;

export function reachesOf(plan: Plan): Reaches {
  const reaches = new Map<string, readonly Transport[]>();
  for (const { useCase, to } of plan.subTopologies.flatMap(({ streams }) => streams)) {
    if (to.kind !== 'lane' || to.reach !== 'first_reachable') continue;
    // A lane that no sink delivers from would be the end of it, in silence.
    const delivers = (transport: Transport) =>
      plan.sinks.some(
        (sink) =>
          sink.lane.name === to.lane.name &&
          sink.spec.keeps !== true &&
          (sink.transport === transport || sink.transport === 'all'),
      );
    reaches.set(useCase, to.transports.filter(delivers));
  }
  return reaches;
}

/**
 * The next in the device's list that the use case allows and that was not tried; undefined: none.
 * The inbox is none: it has every notification from its first lane.
 */
export function nextTransport(
  reaches: Reaches,
  notification: DeviceNotification,
  device: Device | undefined,
  tried: readonly Transport[],
): Transport | undefined {
  const allowed = reaches.get(notification.useCase);
  if (allowed === undefined || device === undefined) return undefined;
  // Who it belongs to now is for a sink to say; a notification that has moved goes nowhere.
  if (device.epoch !== notification.epoch || device.status !== 'ACTIVE') return undefined;
  return device.transports.find(
    ({ kind }) => kind !== 'inbox' && allowed.includes(kind) && !tried.includes(kind),
  )?.kind;
}
