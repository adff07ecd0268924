import { errorMessage, oneOf, oneOfIgnoringCase, type ConfigDef, type ConfigValue, type Validator } from 'penstock/api'

import { jodaFormat } from '../layout/joda-format.ts'
import { isTimeZone } from '../layout/zone-offset.ts'
import { connector, s3, storage } from '../../s3-store/config/grouped-key.ts'

const packageName = 'io.confluent.connect.storage.partitioner'

/** Class names of partitioners. */
export const partitioners = {
  partition: `${packageName}.DefaultPartitioner`,
  fields: `${packageName}.FieldPartitioner`,
  time: `${packageName}.TimeBasedPartitioner`,
  hour: `${packageName}.HourlyPartitioner`,
  day: `${packageName}.DailyPartitioner`,
} as const

const extractorClass = `${partitioners.time}$`

/** The names of the sources of a record's time. */
export const extractors = {
  wallclock: ['Wallclock', `${extractorClass}WallclockTimestampExtractor`],
  record: ['Record', `${extractorClass}RecordTimestampExtractor`],
  field: ['RecordField', `${extractorClass}RecordFieldTimestampExtractor`],
} as const

const timeZone: Validator = Object.assign(
  (_key: string, value: ConfigValue): string | null =>
    value === '' || (typeof value === 'string' && isTimeZone(value.trim()))
      ? null
      : 'It must be the name of a time zone, such as Europe/Berlin',
  { describe: 'a time zone' },
)

const pathFormat: Validator = Object.assign(
  (_key: string, value: ConfigValue): string | null => {
    try {
      jodaFormat(String(value ?? ''), '', 'UTC')
      return null
    } catch (error) {
      return errorMessage(error)
    }
  },
  { describe: "a pattern of Joda's DateTimeFormat" },
)

/** The options that decide in which directory the object of a record is. */
export const partitionerOptions = {
  'partitioner.class': storage(
    'CLASS',
    'The directories of objects: DefaultPartitioner by Kafka partition, FieldPartitioner by fields of the value, TimeBasedPartitioner, HourlyPartitioner and DailyPartitioner by the time of the record.',
    {
      importance: 'HIGH',
      defaultValue: partitioners.partition,
      validator: oneOf(...Object.values(partitioners)),
      recommended: Object.values(partitioners),
    },
  ),
  'partition.field.name': storage(
    'LIST',
    'The fields of FieldPartitioner: integers, strings and booleans. Names with dots between them lead into nested structs and maps.',
    { importance: 'MEDIUM', defaultValue: [] },
  ),
  'partition.duration.ms': storage('LONG', 'The length of an interval of TimeBasedPartitioner.', {
    importance: 'MEDIUM',
    defaultValue: -1,
  }),
  'path.format': storage(
    'STRING',
    "The directory of TimeBasedPartitioner: a pattern of Joda's DateTimeFormat for the start of the interval, such as 'year'=YYYY/'month'=MM/'day'=dd.",
    { importance: 'MEDIUM', defaultValue: '', validator: pathFormat },
  ),
  locale: storage(
    'STRING',
    'The language of names of months and days in directories, such as de; English when empty.',
    {
      importance: 'MEDIUM',
      defaultValue: '',
    },
  ),
  timezone: storage(
    'STRING',
    'The time zone of rotate.schedule.interval.ms, where UTC is the default, and of directories by time, which need one.',
    { importance: 'MEDIUM', defaultValue: '', validator: timeZone },
  ),
  'timestamp.extractor': storage(
    'STRING',
    'The time of a record, for directories by time and rotate.interval.ms: Wallclock is its arrival in the task, Record is its timestamp in the topic, RecordField is timestamp.field of its value.',
    {
      importance: 'MEDIUM',
      defaultValue: 'Wallclock',
      validator: oneOf(...extractors.wallclock, ...extractors.record, ...extractors.field),
    },
  ),
  'timestamp.field': storage(
    'STRING',
    'The field of RecordField: ms of the epoch, a date or timestamp of Connect or Debezium, or a text in ISO 8601, which is UTC without a zone. Names with dots between them lead into nested structs and maps.',
    { importance: 'MEDIUM', defaultValue: 'timestamp' },
  ),
  'rotate.file.on.partition.change': connector(
    'BOOLEAN',
    'Whether a record for another directory than the one before it ends the objects, where directories are by time and rotate.interval.ms is set. Where times are not in order, it makes many small objects.',
    { importance: 'LOW', defaultValue: true },
  ),
  'partitioner.max.open.files': connector(
    'INT',
    'The number of directories of a partition that have open objects; -1: no limit. All of them end before there are more.',
    { importance: 'LOW', defaultValue: -1 },
  ),
  's3.schema.partition.affix.type': s3(
    'STRING',
    'Whether directories begin (PREFIX) or end (SUFFIX) with the name of the schema of values: schema_name=com.acme.Order.',
    { importance: 'LOW', defaultValue: 'NONE', validator: oneOfIgnoringCase('NONE', 'PREFIX', 'SUFFIX') },
  ),
} as const satisfies ConfigDef
