/** A message that is being built. Its fields are lines of text. */
export interface MessageNode {
  readonly name: string
  readonly fields: string[]
  readonly oneofs: { readonly name: string; readonly fields: readonly string[] }[]
  readonly messages: MessageNode[]
  readonly enums: { readonly name: string; readonly symbols: readonly string[] }[]
}

interface ProtoFileNode {
  readonly packageName: string | null
  readonly imports: readonly string[]
  readonly message: MessageNode
}

/** Returns a file with one message as Confluent's `ProtobufSchema` writes it. */
export function fileText({ packageName, imports, message }: ProtoFileNode): string {
  const head = `syntax = "proto3";\n${packageName === null ? '' : `package ${packageName};\n`}`
  const lines = imports.map((file) => `import "${file}";\n`).join('')
  return `${head}${lines === '' ? '' : `\n${lines}`}\n${messageText(message)}`
}

function messageText({ name, fields, oneofs, messages, enums }: MessageNode): string {
  const types = [...messages.map(messageText), ...enums.map((each) => block('enum', each.name, each.symbols))]
  const parts = [fields, oneofs.map((each) => block('oneof', each.name, each.fields)), types]
  return block(
    'message',
    name,
    parts.filter((part) => part.length > 0).map((part) => part.map(indented).join('')),
    '',
  )
}

function block(kind: string, name: string, lines: readonly string[], indent = '  '): string {
  if (lines.length === 0) return `${kind} ${name} {}\n`
  const body = indent === '' ? lines.join('\n') : lines.map(indented).join('')
  return `${kind} ${name} {\n${body}}\n`
}

/** Also empty lines are indented. */
function indented(text: string): string {
  return text.replace(/\n$/, '').replaceAll(/^/gm, '  ').concat('\n')
}
