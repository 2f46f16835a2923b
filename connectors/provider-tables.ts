/**
 * The push providers' rules as text: for a terminal, and as a page of the reference. It comes from
 * the rows that decide, so it cannot say anything else.
 */
import { APNS_RULES } from './apns/rules.ts';
import { FCM_RULES } from './fcm/rules.ts';
import type { ProviderRule } from './provider-rules.ts';
import { APNS_SETTINGS, FCM_SETTINGS } from './setting-tables.ts';

interface Provider {
  readonly name: string;
  readonly rules: readonly ProviderRule[];
  /** The default of the deployment's `retry_floor`. */
  readonly floor: string;
}

const PROVIDERS: readonly Provider[] = [
  { name: 'fcm', rules: FCM_RULES, floor: FCM_SETTINGS.retry_floor.fallback },
  { name: 'apns', rules: APNS_RULES, floor: APNS_SETTINGS.retry_floor.fallback },
];
const HEADS = ['status', 'says', 'then', 'first pause', 'who waits', 'token', 'because'] as const;
const DETAILS = {
  token_field: 'the token’s field',
  request_field: 'a field',
  device_quota: 'device quota',
} as const;
const WAITERS = {
  device: 'the device',
  record: 'this one; many: the lane',
  lane: 'the lane',
} as const;
const FATES = { retry: 'retry', refuse: 'refused', dead_letter: 'dead letter' } as const;
const TOKENS = { stays: 'stays', dies: 'dies', older: 'dies if older than said' } as const;

/** `carillon explain providers`. */
export function providersText(): string {
  return PROVIDERS.map((provider) => {
    const rows = [
      HEADS as readonly string[],
      ...provider.rules.map((rule) => cells(rule, provider)),
    ];
    const widths = HEADS.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
    const line = (row: readonly string[]) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd();
    return `${provider.name}\n${rows.map((row) => `  ${line(row)}\n`).join('')}`;
  }).join('\n');
}

export function providersPage(): string {
  const lines = [
    '# What the push providers answer',
    '',
    'Generated from the rows that decide by `npm run generate`; do not edit. The first row that fits',
    'decides. A pause doubles with each try, up to 10 minutes, and spreads by up to a quarter; one that',
    'the provider names (`Retry-After`) is kept in its place, a second at least and an hour at most; one',
    'that is no time, or not ahead, is none. (a): the message may have been delivered, and the repeat',
    'carries the same id.',
  ];
  for (const provider of PROVIDERS) {
    lines.push('', `## ${provider.name}`, '', row(HEADS), row(HEADS.map(() => '---')));
    for (const rule of provider.rules) lines.push(row(cells(rule, provider)));
  }
  return `${lines.join('\n')}\n`;
}

const row = (of: readonly string[]): string => `| ${of.join(' | ')} |`;

function cells(rule: ProviderRule, { floor }: Provider): readonly string[] {
  const { status, reasons, detail, fate, scope = 'record', ambiguous, token, doc } = rule;
  const isRetry = fate === 'retry';
  const said = [reasons?.map((one) => one || 'nothing').join(', '), detail && DETAILS[detail]];
  const { waitMs = 'floor' } = rule;
  return [
    typeof status === 'number' ? String(status) : statusText(status),
    said.filter(Boolean).join(', ') || 'anything',
    `${FATES[fate]}${ambiguous === true ? ' (a)' : ''}`,
    isRetry ? (waitMs === 'floor' ? `${floor} (retry_floor)` : `${waitMs / 1_000}s`) : '',
    isRetry ? WAITERS[scope] : '',
    TOKENS[token],
    doc,
  ];
}

function statusText([first, last]: readonly [number, number]): string {
  if (first === 0) return 'else';
  return first === last ? String(first) : `${first}–${last}`;
}
