import { describe, expect, it } from 'vitest'
import { keyColumnRules, customKey } from '../../../../connectors/postgres-source/schema/key-column-rule.ts'
import { isLiteral, patterns, splitList } from '../../../../connectors/postgres-source/schema/name-pattern.ts'
import { TableFilter } from '../../../../connectors/postgres-source/schema/table-filter.ts'

describe('filters of tables and columns', () => {
  const lists = {
    schemaInclude: [],
    schemaExclude: [],
    tableInclude: [],
    tableExclude: [],
    columnInclude: [],
    columnExclude: [],
    ignoreBuiltin: true,
  }
  const table = (name: string) => {
    const [schema = '', rest = ''] = name.split('.')
    return { schema, name: rest }
  }

  it('match whole names in any case', () => {
    const filter = new TableFilter({ ...lists, tableInclude: patterns('k', 'public.ord.*, S\\.x') })
    expect(['public.orders', 'PUBLIC.ORD', 's.x', 'public.xorders', 's.xy'].map((name) => filter.includesTable(table(name)))).toEqual([
      true, true, true, false, false,
    ]) // prettier-ignore
  })

  it('exclude what the lists exclude, and system tables', () => {
    const filter = new TableFilter({ ...lists, tableExclude: patterns('k', 'a.b'), schemaExclude: patterns('k', 'c') })
    expect(['a.b', 'c.d', 'a.c', 'pg_catalog.x', 'public.spatial_ref_sys'].map((name) => filter.includesTable(table(name)))).toEqual([
      false, false, true, false, false,
    ]) // prettier-ignore
    const columns = new TableFilter({ ...lists, columnExclude: patterns('k', 'a\\.b\\.(x|y)') })
    expect(['x', 'y', 'z'].map((column) => columns.includesColumn(table('a.b'), column))).toEqual([false, false, true])
  })

  it('order tables by the pattern that matches them, then by name', () => {
    const filter = new TableFilter({ ...lists, tableInclude: patterns('k', 'p.z,p.*') })
    expect(filter.order(['p.b', 'p.z', 'p.a'].map(table)).map(({ name }) => name)).toEqual(['z', 'a', 'b'])
  })

  it('support commas inside patterns, and recognize patterns that match one name', () => {
    expect(splitList('a\\,b, c')).toEqual(['a,b', 'c'])
    expect(patterns('k', 'public.orders,public\\.x,public.o.*').map(isLiteral)).toEqual([true, true, false])
    expect(() => patterns('table.include.list', '(')).toThrow('table.include.list')
  })

  it('define custom keys', () => {
    const rules = keyColumnRules('public.c_nopk:a;public.(x|y):b,c')
    expect(customKey(rules, table('public.y'))).toEqual(['b', 'c'])
    expect(customKey(rules, table('public.z'))).toBeNull()
    expect(() => keyColumnRules('public.t')).toThrow('message.key.columns')
  })
})
