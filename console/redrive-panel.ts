/**
 * Sends dead letters back after a mend: says first how many it would be, and what is left out, and
 * sends when that is confirmed.
 */
import type { RedriveAnswer } from './answers.ts';
import { tell } from './api.ts';
import { el, fill } from './elements.ts';
import { failure } from './parts.ts';
import { longCount } from './words.ts';

/** Letters from a time on, of one code and one topic. */
export interface Letters {
  readonly from: number;
  readonly code: string;
  readonly origin: string;
}

export interface RedrivePanel {
  readonly element: HTMLElement;
  look(letters: Letters): Promise<void>;
  leave(): void;
}

export function redrivePanel(): RedrivePanel {
  // What has the focus is the panel, not its button: a key pressed twice sends nothing.
  const element = el('section', { class: 'redrive', tabindex: -1, 'aria-live': 'polite' });
  const leave = () => {
    element.hidden = true;
    fill(element);
  };
  const say = (letters: Letters, ...children: readonly Node[]) => {
    const { code, origin } = letters;
    element.hidden = false;
    fill(element, el('h2', {}, `${code} of ${origin}`), ...children);
    element.focus();
  };
  const asked = async (letters: Letters, upTo?: string) => {
    const word = upTo === undefined ? 'Looking…' : 'Sending…';
    say(letters, el('p', { class: 'nothing' }, word));
    try {
      const body = upTo === undefined ? letters : { ...letters, upTo };
      const answer = await tell<RedriveAnswer>('redrive', body);
      const send = () => void asked(letters, answer.upTo);
      say(letters, ...told(letters, answer, { send, leave }));
    } catch (error) {
      say(letters, failure(error), button('Close', leave, 'second'));
    }
  };
  leave();
  return { element, look: (letters) => asked(letters), leave };
}

function told(
  { origin }: Letters,
  answer: RedriveAnswer,
  { send, leave }: { send(): void; leave(): void },
): Node[] {
  const { toSend, sent } = answer;
  const left = leftOut(answer);
  const rest = left === '' ? [] : [el('p', { class: 'nothing' }, left)];
  if (sent !== null) {
    const words = `${letters(sent)} sent back to ${origin}. They stay listed here; none goes twice.`;
    return [el('p', {}, words), ...rest, button('Close', leave, 'second')];
  }
  if (toSend === 0) {
    return [el('p', {}, 'None is left to send.'), ...rest, button('Close', leave, 'second')];
  }
  return [
    el('p', {}, `${letters(toSend)} would be sent back to ${origin}. Nothing was yet.`),
    ...rest,
    button(`Send ${longCount(toSend)} back`, send),
    button('Leave them', leave, 'second'),
  ];
}

const letters = (n: number) => `${longCount(n)} dead letter${n === 1 ? '' : 's'}`;

function leftOut({ alreadySent, changed }: RedriveAnswer): string {
  const parts = [
    ...(alreadySent === 0 ? [] : [`${longCount(alreadySent)} were sent back before`]),
    ...(changed === 0 ? [] : [`${longCount(changed)} hold what a step had made, not what came`]),
  ];
  return parts.length === 0 ? '' : `Left out: ${parts.join('; ')}.`;
}

function button(words: string, click: () => void, kind?: string): HTMLElement {
  return el('button', { type: 'button', class: kind, click }, words);
}
