/** Where is a device, what waits for it, and what became of what it was to be told. */
import type { DeviceAnswer, InboxAnswer, Milestone } from './answers.ts';
import { ask } from './api.ts';
import { el, fill, table } from './elements.ts';
import { failure, sinceField } from './parts.ts';
import type { View } from './view.ts';
import { compact, time } from './words.ts';

export function deviceView(id: string | null, go: (id: string) => void): View {
  const found = el('div', { 'aria-live': 'polite' });
  const input = el('input', {
    id: 'device',
    name: 'device',
    required: true,
    maxlength: 256,
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'tv-1, or a member: m-1',
    value: id ?? '',
  });
  const { field, agoMs } = sinceField();
  const look = async () => {
    const wanted = input.value.trim();
    if (wanted === '') return;
    go(wanted);
    fill(found, el('p', { class: 'nothing' }, 'Looking…'));
    try {
      const path = `devices/${encodeURIComponent(wanted)}`;
      fill(found, ...shown(await ask<DeviceAnswer>(path, { ago: String(agoMs()) }), chosen));
    } catch (error) {
      fill(found, failure(error));
    }
  };
  const chosen = (deviceId: string) => {
    input.value = deviceId;
    void look();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void look();
  };
  const form = el(
    'form',
    { submit },
    el('label', { for: 'device' }, 'Device or member'),
    input,
    field,
    el('button', {}, 'Look'),
  );
  if (id !== null) void look();
  return { element: el('div', {}, form, found) };
}

function shown(answer: DeviceAnswer, choose: (id: string) => void): Node[] {
  const { id, device, memberDevices, inbox, history, unread } = answer;
  const parts: (Node | null)[] = [
    el('h2', {}, id),
    unread.length === 0
      ? null
      : el('p', { class: 'warning' }, `There was no time to read all of ${unread.join(', ')}.`),
    device === null ? memberOf(answer, choose) : facts(answer, device),
    inbox === null ? null : inboxTable(inbox),
    device === null && memberDevices.length > 0 ? null : historyTable(history),
  ];
  return parts.filter((part) => part !== null);
}

function memberOf({ memberDevices }: DeviceAnswer, choose: (id: string) => void): Node {
  if (memberDevices.length === 0) {
    return el('p', { class: 'nothing' }, 'No device and no member has this id.');
  }
  const button = (deviceId: string) =>
    el('button', { type: 'button', class: 'link', click: () => choose(deviceId) }, deviceId);
  return table(
    'Devices of this member',
    [
      { head: 'device', cell: ({ deviceId }) => button(deviceId) },
      { head: 'class', cell: (row) => row.class },
    ],
    memberDevices,
    '',
  );
}

function facts({ presence }: DeviceAnswer, device: NonNullable<DeviceAnswer['device']>): Node {
  const where =
    presence === null
      ? 'offline'
      : `online since ${time(presence.connectedAt)}, at the gateway “${presence.gatewayId}”`;
  const rows: [string, string][] = [
    ['where', where],
    ['status', String(device.status)],
    ['member', String(device.memberId)],
    ['epoch', String(device.epoch)],
    ['class', [device.class, device.platform, device.app].filter(Boolean).join(', ')],
    ['locale', String(device.locale)],
    ['transports', transportsOf(device.transports)],
    ['changed', time(Number(device.updatedAt))],
  ];
  return el(
    'dl',
    {},
    ...rows.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value || '–')]),
  );
}

function transportsOf(list: unknown): string {
  if (!Array.isArray(list) || list.length === 0) return 'none';
  return list.map(({ kind }: { kind: string }) => kind).join(', then ');
}

function inboxTable({ rows, more }: InboxAnswer): Node {
  const caption = `Inbox: ${rows.length}${more ? ' and more' : ''} that it has not acknowledged`;
  return table(
    caption,
    [
      { head: 'priority', cell: ({ priority }) => priority },
      { head: 'number', number: true, cell: ({ sequence }) => sequence },
      { head: 'use case', whole: true, cell: ({ useCase }) => useCase },
      { head: 'born', whole: true, cell: ({ born }) => time(born) },
      {
        head: 'until',
        whole: true,
        cell: ({ deadline }) => (deadline === 0 ? '' : time(deadline)),
      },
      { head: 'event', cell: ({ event }) => el('code', {}, compact(event)) },
      { head: 'id', whole: true, cell: ({ id }) => el('code', {}, id) },
    ],
    rows,
    'Its inbox has nothing that it has not acknowledged.',
  );
}

function historyTable(history: readonly Milestone[]): Node {
  return table(
    'What became of its notifications, newest first',
    [
      { head: 'time (UTC)', whole: true, cell: ({ at }) => time(at) },
      {
        head: 'what',
        cell: ({ what, ambiguous }) => (ambiguous ? `${what} (may have been delivered)` : what),
      },
      { head: 'by', cell: ({ by }) => by },
      { head: 'more', cell: ({ more }) => more },
      {
        head: 'notification',
        whole: true,
        cell: ({ notificationId }) => el('code', {}, notificationId),
      },
    ],
    [...history].reverse(),
    'It was told nothing in this time.',
  );
}
