/**
 * Whether what is registered for a topic can still be read: asked of the fields that the topology
 * reads. What is read by nothing keeps nobody from starting.
 */
import { CarillonError, type Diagnostic } from '../core/error.ts';
import { ERROR_TABLE } from '../core/error-table.ts';
import { type AvroType, branchName, type RecordType } from './avro-type.ts';
import { resolve, UnresolvableError } from './value-reader.ts';

export interface ReadQuestion {
  readonly topic: string;
  /** The schema that was registered last. */
  readonly writer: AvroType;
  readonly reader: RecordType;
  /** Top-level fields that are read; undefined: all. */
  readonly reads: readonly string[] | undefined;
  /** Where the reader's schema stands. */
  readonly file: string;
}

type Answer = { readonly isTotal: boolean } | { readonly why: string };

/** Throws CAR422 when no value can be read; gives a CAR423 for each field of which some cannot. */
export function checkReadable(question: ReadQuestion): Diagnostic[] {
  const { topic, writer, reader, reads, file } = question;
  const read = reader.fields.filter(({ name }) => reads === undefined || reads.includes(name));
  const whole = readable(writer, reader, read);
  if ('why' in whole) throw unreadable(question, whole.why);
  const warnings: Diagnostic[] = [];
  for (const field of reader.fields) {
    const answer = readable(writer, reader, [field]);
    const isRead = read.includes(field);
    if (!('why' in answer) && (answer.isTotal || !isRead)) continue;
    const cannot =
      'why' in answer
        ? `field "${field.name}" cannot be read; nothing reads it`
        : `field "${field.name}" cannot be read of all values; those it cannot become dead letters`;
    warnings.push({
      code: 'CAR423',
      level: 'warning',
      what: `topic ${topic}: of what was written with ${branchName(writer)}, ${cannot}.`,
      where: { file },
      mend: ERROR_TABLE.CAR423.mend,
    });
  }
  return warnings;
}

function readable(writer: AvroType, reader: RecordType, fields: RecordType['fields']): Answer {
  try {
    return resolve(writer, { ...reader, fields });
  } catch (error) {
    if (error instanceof UnresolvableError) return { why: error.message };
    throw error;
  }
}

function unreadable({ topic, writer, reader, file }: ReadQuestion, why: string): CarillonError {
  // Without a field only the names are compared.
  const byName = readable(writer, reader, []);
  const field = reader.fields.find((of) => 'why' in readable(writer, reader, [of]));
  const because =
    'why' in byName
      ? ', because their names differ'
      : field === undefined
        ? ''
        : `, because of field "${field.name}": ${why.replace(/^field "[^"]*": /, '')}`;
  const what =
    `topic ${topic}: what was written with ${branchName(writer)} cannot be read with ` +
    `${reader.name}${because}.`;
  return new CarillonError('CAR422', what, { where: { file } });
}
