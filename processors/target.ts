import { DEVICE_CLASSES } from '../core/device.ts';
import { optionalPath, TEXT } from '../core/path-options.ts';
import { defineEach, someOf } from '../core/spec.ts';
import { PASSED } from '../core/verdict.ts';

const CHOICES = {
  all: 'Every class.',
  mobile: 'Phones.',
  tablet: 'Tablets.',
  tv: 'Television sets.',
  stick: 'Streaming sticks.',
  'set-top': 'Set-top boxes.',
  web: 'Browsers.',
} as const;

/** The bits of DEVICE_CLASSES that a list of classes stands for. */
export function classMaskOf(classes: readonly (keyof typeof CHOICES)[]): number {
  let mask = 0;
  for (const name of classes) {
    mask |= name === 'all' ? (1 << DEVICE_CLASSES.length) - 1 : 1 << DEVICE_CLASSES.indexOf(name);
  }
  return mask;
}

/** RENO's targeted delivery: says which devices a notification is for; `fan_out` finds them. */
export const target = defineEach({
  type: 'target',
  summary: 'Say which classes of device a notification is for, and which device is spared.',
  description:
    'It only marks the record; `fan_out` reads the mark. A later `target` replaces an earlier one. ' +
    'A null or absent `except` spares none. Without a `target` all devices of the member are told.',
  config: {
    classes: someOf('The classes of device that are told.', CHOICES, ['all']),
    except: optionalPath(
      'Where the id of the device that caused the event is: it is not told.',
      TEXT,
    ),
  },
  marksFor: 'fan_out',
  warns({ classes }) {
    const isMore = classes.includes('all') && classes.length > 1;
    const why = 'names all beside others, which are among them';
    return isMore ? [{ option: 'classes', kind: 'no_effect', why }] : [];
  },
  example: '- target: { classes: [tv, mobile, tablet], except: value.deviceId }',
  open({ classes, except }) {
    const classMask = classMaskOf(classes);
    return (record) => {
      record.setTarget(classMask, except);
      return PASSED;
    };
  },
});
