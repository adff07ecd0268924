import { expect, it } from 'vitest'

import { maskedTaskConfig } from '../../../../src/rest/masking/password-mask.ts'

it('values that a connector computes for a task hide its passwords, and those that it copies stay', () => {
  const connector = {
    password: 'postgres',
    'sub.password': 'postgres-2',
    'ref.password': '${file:/etc/p:k}',
    'short.password': 'abc',
    dbname: 'postgres',
  }
  const task = {
    ...connector,
    url: 'pg://u:postgres@h/postgres-2',
    alphabet: 'abcdef',
    'task.password': '${file:/etc/p:k}',
    dbname: 'postgres',
    'other.dbname': 'x-postgres',
  }
  expect(maskedTaskConfig(task, connector, (key) => key.includes('password'))).toEqual({
    password: '********',
    'sub.password': '********',
    'ref.password': '${file:/etc/p:k}',
    'short.password': '********',
    dbname: 'postgres',
    url: 'pg://u:********@h/********',
    alphabet: 'abcdef',
    'task.password': '${file:/etc/p:k}',
    'other.dbname': 'x-********',
  })
})
