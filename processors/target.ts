import { ALL_CLASSES } from '../core/device-classes.ts';
import { deviceClasses } from '../core/more-options.ts';
import { optionalPath, TEXT } from '../core/path-options.ts';
import { defineEach } from '../core/spec.ts';
import { PASSED } from '../core/verdict.ts';

/** RENO's targeted delivery: says which devices a notification is for; `fan_out` finds them. */
export const target = defineEach({
  type: 'target',
  summary: 'Say which classes of device a notification is for, and which device is spared.',
  description:
    'It only marks the record; `fan_out` reads the mark. A later `target` replaces an earlier one. ' +
    'A null or absent `except` spares none. Without a `target` all devices of the member are told. ' +
    "The classes are the topology's (`device_classes:`); without that RENO's: mobile, tablet, tv, " +
    'stick, set-top, web. `all` stands for every class, also for one that is added later.',
  config: {
    classes: deviceClasses('The classes of device that are told, or `all`.', [ALL_CLASSES]),
    except: optionalPath(
      'Where the id of the device that caused the event is: it is not told.',
      TEXT,
    ),
  },
  marksFor: 'fan_out',
  warns({ classes }) {
    const isMore = classes.includes(ALL_CLASSES) && classes.length > 1;
    const why = 'names all beside others, which are among them';
    return isMore ? [{ option: 'classes', kind: 'no_effect', why }] : [];
  },
  example: '- target: { classes: [tv, mobile, tablet], except: value.deviceId }',
  open({ classes, except }, context) {
    const classMask = context.deviceClasses.maskOf(classes);
    return (record) => {
      record.setTarget(classMask, except);
      return PASSED;
    };
  },
});
