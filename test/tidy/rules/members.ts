import {
  isCode,
  isNode,
  isProduct,
  parse,
  walk,
  type SourceFile,
  type SyntaxNode,
  type Violation,
} from '../source-file.ts'

/** A benchmark uses the product as another program would. */
const isUser = (file: SourceFile): boolean => isProduct(file) || (isCode(file) && file.path.startsWith('bench/'))

interface Member {
  readonly path: string
  readonly className: string
  readonly name: string
}

/**
 * A public member of a class is used by product code: knip does not look at class members. Uses are found by name, whatever the
 * object, so that a member with a common name may be unused and not found; one that is reported is unused for certain.
 */
export function members(files: readonly SourceFile[]): Violation[] {
  const declared: Member[] = []
  const used = new Set<string>()
  for (const file of files.filter(isUser)) {
    walk(parse(file).program, (node, parent) => {
      if (node.type === 'ClassBody' && isProduct(file)) declared.push(...membersOf(file.path, node, parent))
      for (const name of namesUsed(node)) used.add(name)
    })
  }
  return declared
    .filter(({ name }) => !used.has(name))
    .map(({ path, className, name }) => ({
      rule: 'members',
      path,
      message: `${className}.${name} is used by tests at most`,
    }))
}

function membersOf(path: string, body: SyntaxNode, parent: SyntaxNode | null): readonly Member[] {
  const className = nameOf(parent?.['id']) ?? 'a class'
  return (body['body'] as readonly SyntaxNode[]).flatMap((node) => {
    // A base class calls what a subclass overrides.
    const isCalled = node['computed'] === true || node['override'] === true
    const name = isCalled ? null : nameOf(node['key'])
    return name === null || name === 'constructor' ? [] : [{ path, className, name }]
  })
}

function namesUsed(node: SyntaxNode): readonly string[] {
  if (node.type === 'MemberExpression') return nameList(node['property'])
  if (node.type === 'ObjectPattern')
    return (node['properties'] as readonly SyntaxNode[]).flatMap((property) => nameList(property['key']))
  return []
}

const nameList = (value: unknown): readonly string[] => [nameOf(value)].filter((name) => name !== null)

const nameOf = (value: unknown): string | null =>
  isNode(value) && value.type === 'Identifier' ? String(value['name']) : null
