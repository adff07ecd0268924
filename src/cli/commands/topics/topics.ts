import type { Group, Verb } from '../../command/command.ts'
import type { Cell } from '../../output/table.ts'
import { counted, grouped } from '../../output/text.ts'
import { PenstockApi } from '../../rest-client/penstock-api.ts'
import { tailTopic } from './tail.ts'

const list: Verb = {
  usage: 'list',
  summary: 'List the topics, with how many records they have and which connectors use them',
  detail: 'In a compacted topic, and with transactions, there are fewer records than offsets.',
  options: [{ flags: '--internal', summary: 'also topics of the brokers and of the workers' }],
  examples: [['topics list', 'the topics of your connectors']],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const all = await new PenstockApi(await session.rest()).topics()
    const topics = all.filter(({ internal }) => given.flag('internal') || !internal)
    out.result(topics, () => {
      if (topics.length === 0) return ['There are no topics.']
      const rows = topics.map(({ name, partitions, records, connectors }) => [
        name,
        String(partitions),
        records === null ? '?' : grouped(records),
        connectors.join(', '),
      ])
      const columns = [
        { title: 'TOPIC', narrow: 'cut' },
        { title: 'PARTITIONS', align: 'right' },
        { title: 'RECORDS', align: 'right' },
        { title: 'CONNECTORS', narrow: 'cut' },
      ] as const
      return out.table(columns, rows)
    })
  },
}

const describe: Verb = {
  usage: 'describe TOPIC',
  summary: 'Show the partitions, offsets and configs of a topic',
  options: [{ flags: '--all', summary: 'also configs that are defaults' }],
  examples: [['topics describe shop.public.orders', 'where its records are, and how long they are kept']],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const topic = await new PenstockApi(await session.rest()).topic(given.word(0))
    const number = (value: number | null): string => (value === null ? '?' : String(value))
    out.result(topic, () => {
      const partitions = topic.partitions.map(({ partition, leader, replicas, start, end }): readonly Cell[] => [
        String(partition),
        leader === null ? { text: 'none', style: 'red' } : String(leader),
        replicas.join(', '),
        number(start),
        number(end),
      ])
      const titles = ['PARTITION', 'LEADER', 'REPLICAS', 'START', 'END'].map((title) => ({
        title,
        align: 'right' as const,
      }))
      const configs = Object.entries(topic.configs).filter(([, { override }]) => given.flag('all') || override)
      const users = topic.connectors.length === 0 ? 'no connector uses it' : `used by ${topic.connectors.join(', ')}`
      return [
        `${out.paint('bold', topic.name)}  ${topic.records === null ? '' : `${counted(topic.records, 'record')}, `}${users}`,
        '',
        ...out.table(titles, partitions),
        ...(configs.length === 0 ? [] : ['', ...out.pairs(configs.map(([name, { value }]) => [name, value ?? '']))]),
      ]
    })
  },
}

export const topics: Group = {
  name: 'topics',
  summary: 'list topics, and follow their records',
  verbs: [list, describe, tailTopic],
}
