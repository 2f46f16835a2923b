/**
 * The tables that every topology with lanes has: where their rows lie, and by what they are keyed.
 */
export interface EngineTable {
  readonly topic: string;
  readonly schema: string;
  /** The field that the key repeats. */
  readonly key: string;
}

export const OWNERS: EngineTable = {
  topic: 'tables.device-owners',
  schema: 'Device',
  key: 'deviceId',
};
export const DEVICES: EngineTable = {
  topic: 'tables.devices',
  schema: 'MemberDevices',
  key: 'memberId',
};
export const PRESENCE: EngineTable = {
  topic: 'tables.presence',
  schema: 'Presence',
  key: 'deviceId',
};
export const GATEWAYS: EngineTable = {
  topic: 'tables.gateways',
  schema: 'Gateway',
  key: 'gatewayId',
};
/** Only where a use case is to be acknowledged (`guarantee: acked`). */
export const ACKNOWLEDGEMENTS: EngineTable = {
  topic: 'tables.acknowledgements',
  schema: 'Acknowledgement',
  key: 'deviceId',
};

const ALL = [OWNERS, DEVICES, PRESENCE, GATEWAYS, ACKNOWLEDGEMENTS];

/** The one whose rows have that schema. */
export function engineTableOf(schema: string): EngineTable | undefined {
  return ALL.find((table) => table.schema === schema);
}

/** It fills the topic by itself. */
export function isEngineTopic(topic: string): boolean {
  return ALL.some((table) => table.topic === topic);
}
