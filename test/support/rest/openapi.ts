import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

interface MediaType {
  readonly schema: object
}
interface Response_ {
  readonly $ref?: string
  readonly content?: Readonly<Record<string, MediaType>>
}
interface Operation {
  readonly operationId: string
  readonly responses: Readonly<Record<string, Response_>>
}
type PathItem = Readonly<Record<string, Operation>>

interface Document {
  readonly paths: Readonly<Record<string, PathItem>>
  readonly components: { readonly responses: Readonly<Record<string, Response_>> }
}

const document = parse(readFileSync(new URL('../../../openapi.yaml', import.meta.url), 'utf8')) as Document
const methods = ['get', 'post', 'put', 'patch', 'delete']
const ajv = new Ajv2020({ strict: false, allErrors: true })
ajv.addSchema(document, 'openapi')
const validators = new Map<object, ValidateFunction>()

/** Every operation of the contract: `GET /connectors/{connector} getConnector`. */
export function contractOperations(): readonly string[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      return operation === undefined ? [] : [`${method.toUpperCase()} ${path} ${operation.operationId}`]
    }),
  )
}

/** How a response violates openapi.yaml; empty when it conforms. */
export function contractProblems(
  method: string,
  path: string,
  response: { readonly status: number; readonly contentType: string | null; readonly body: string },
): readonly string[] {
  const operation = operationOf(method, path)
  const described =
    operation === null ? document.components.responses['Error'] : responseOf(operation, String(response.status))
  if (described === undefined) return [`${method} ${path}: status ${response.status} is not described`]
  const type = response.contentType?.split(';')[0] ?? null
  if (described.content === undefined) return response.body === '' ? [] : [`${method} ${path}: has a body`]
  const media = type === null ? undefined : described.content[type]
  if (media === undefined) return [`${method} ${path}: ${response.status} is ${type}`]
  if (type === null || !/[/+]json$/.test(type)) return []
  const validate = validatorOf(media.schema)
  if (validate(JSON.parse(response.body))) return []
  return [`${method} ${path}: ${response.status} ${ajv.errorsText(validate.errors)}`]
}

function operationOf(method: string, path: string): Operation | null {
  const segments =
    path
      .split('?')[0]
      ?.replace(/(?<=.)\/$/, '')
      .split('/') ?? []
  for (const [template, item] of Object.entries(document.paths)) {
    const parts = template.split('/')
    const fits =
      parts.length === segments.length && parts.every((part, i) => part.startsWith('{') || part === segments[i])
    if (fits) return item[method.toLowerCase()] ?? null
  }
  return null
}

function responseOf(operation: Operation, status: string): Response_ | undefined {
  const response = operation.responses[status] ?? operation.responses['default']
  if (response?.$ref === undefined) return response
  return document.components.responses[response.$ref.split('/').at(-1) ?? '']
}

function validatorOf(schema: object): ValidateFunction {
  let validate = validators.get(schema)
  if (validate === undefined) {
    validate = ajv.compile(withAbsoluteRefs(schema))
    validators.set(schema, validate)
  }
  return validate
}

/** Makes `#/components/…` refer to the whole document. */
function withAbsoluteRefs(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')) as object
}
