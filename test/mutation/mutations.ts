import { parseSync } from 'oxc-parser'

import { isNode, type SyntaxNode } from '../tidy/source-file.ts'

/** One change of one place of a file. */
export interface Mutation {
  /** Where the replaced text begins and ends, in UTF-16 units. */
  readonly start: number
  readonly end: number
  readonly replacement: string
  /** What the change is, in a few words. */
  readonly kind: string
}

const comparisons: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
}
const logical: Readonly<Record<string, string>> = { '&&': '||', '||': '&&' }
const arithmetic: Readonly<Record<string, string>> = { '-': '+', '*': '/', '/': '*' }

/** Calls that only tell an operator or a test something: what they say is not behaviour that a mutation should test. */
const told = /^(?:this\.)?#?(?:\w+\.)*#?(?:logger|log|meters|#meters|#logger)\.|^(?:failPoint|assert)\b/

/** All mutations of a TypeScript source, in the order of their places. Types, imports and log lines are left alone. */
export function mutationsOf(text: string): readonly Mutation[] {
  const found: Mutation[] = []
  const { program } = parseSync('source.ts', text)
  visit(program as unknown as SyntaxNode, null, (node, parent) => found.push(...ofNode(text, node, parent)))
  const unique = new Map(found.map((mutation) => [keyOf(mutation), mutation]))
  return [...unique.values()].filter((mutation) => parses(apply(text, mutation))).toSorted((a, b) => a.start - b.start)
}

/** The source with the mutation. */
export function apply(text: string, { start, end, replacement }: Mutation): string {
  return text.slice(0, start) + replacement + text.slice(end)
}

function keyOf({ start, end, replacement }: Mutation): string {
  return `${start} ${end} ${replacement}`
}

function parses(text: string): boolean {
  return parseSync('source.ts', text).errors.length === 0
}

function visit(
  node: SyntaxNode,
  parent: SyntaxNode | null,
  onNode: (node: SyntaxNode, parent: SyntaxNode | null) => void,
): void {
  if (isLeftAlone(node)) return
  onNode(node, parent)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, node, onNode)
  }
}

function isLeftAlone(node: SyntaxNode): boolean {
  // `as` and `satisfies` hold an expression; all other TypeScript nodes are types.
  if (/^TS(?!AsExpression|SatisfiesExpression|ParameterProperty)/.test(node.type)) return true
  return node.type === 'ImportDeclaration' || node.type === 'ExportAllDeclaration'
}

function ofNode(text: string, node: SyntaxNode, parent: SyntaxNode | null): Mutation[] {
  switch (node.type) {
    case 'IfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'ConditionalExpression':
      return ofCondition(text, node['test'])
    case 'BinaryExpression':
      return [...ofOperator(text, node, { ...comparisons, ...arithmetic }), ...ofSum(text, node)]
    case 'LogicalExpression':
      return ofOperator(text, node, logical)
    case 'Literal':
      return ofLiteral(node, parent)
    case 'ExpressionStatement':
      return ofStatement(text, node)
    case 'ContinueStatement':
    case 'BreakStatement':
    case 'ThrowStatement':
      return [{ start: node.start, end: node.end, replacement: ';', kind: 'statement removed' }]
    case 'ReturnStatement':
      return node['argument'] === null || parent?.type === 'SwitchCase'
        ? [{ start: node.start, end: node.end, replacement: ';', kind: 'return removed' }]
        : []
    case 'MethodDefinition':
    case 'FunctionDeclaration':
      return ofFunction(node.type === 'MethodDefinition' ? node['value'] : node)
    default:
      return []
  }
}

function ofCondition(text: string, test: unknown): Mutation[] {
  if (!isNode(test)) return []
  // A single comparison has its own mutations, the negated one among them; other conditions are negated as a whole.
  const isEquality = test.type === 'BinaryExpression' && /[!=]==/.test(String(test['operator']))
  if (isEquality) return []
  const { start, end } = test
  return [{ start, end, replacement: `!(${text.slice(start, end)})`, kind: 'condition negated' }]
}

function ofOperator(text: string, node: SyntaxNode, table: Readonly<Record<string, string>>): Mutation[] {
  const operator = String(node['operator'])
  const other = table[operator]
  const { left, right } = node
  if (other === undefined || !isNode(left) || !isNode(right)) return []
  const at = text.indexOf(operator, left.end)
  if (at < 0 || at >= right.start) return []
  return [{ start: at, end: at + operator.length, replacement: other, kind: `${operator} → ${other}` }]
}

/** `+` may join texts: only a sum with a number is changed. */
function ofSum(text: string, node: SyntaxNode): Mutation[] {
  const { left, right } = node
  const isSum = [left, right].some(
    (side) => isNode(side) && side.type === 'Literal' && typeof side['value'] === 'number',
  )
  return isSum ? ofOperator(text, node, { '+': '-' }) : []
}

function ofLiteral(node: SyntaxNode, parent: SyntaxNode | null): Mutation[] {
  const { start, end, value } = node
  if (typeof value === 'boolean') return [{ start, end, replacement: String(!value), kind: `${value} → ${!value}` }]
  if (typeof value !== 'number' && typeof value !== 'bigint') return []
  // The key of a property is a name.
  if (parent?.type === 'Property' && parent['key'] === node) return []
  const replacement = typeof value === 'bigint' ? `${value + 1n}n` : String(value + 1)
  return [{ start, end, replacement, kind: 'constant + 1' }]
}

function ofStatement(text: string, node: SyntaxNode): Mutation[] {
  const { start, end, expression } = node
  if (!isNode(expression) || typeof node['directive'] === 'string') return []
  const awaited = expression.type === 'AwaitExpression' ? expression['argument'] : null
  const call = isNode(awaited) ? awaited : expression
  if (told.test(text.slice(call.start, call.end)) || isSuper(call)) return []
  const removed: Mutation = { start, end, replacement: ';', kind: 'statement removed' }
  if (!isNode(awaited)) return [removed]
  return [removed, { start: expression.start, end: awaited.start, replacement: 'void ', kind: 'await dropped' }]
}

function isSuper(call: SyntaxNode): boolean {
  const callee = call['callee']
  return isNode(callee) && callee.type === 'Super'
}

/** A function that returns nothing does nothing. */
function ofFunction(value: unknown): Mutation[] {
  const body = isNode(value) ? value['body'] : null
  if (!isNode(body) || body.type !== 'BlockStatement' || (body['body'] as readonly unknown[]).length < 2) return []
  if (returnsValue(body)) return []
  return [{ start: body.start, end: body.end, replacement: '{}', kind: 'function emptied' }]
}

function returnsValue(node: SyntaxNode): boolean {
  if (node.type === 'ReturnStatement') return node['argument'] !== null
  if (/Function/.test(node.type)) return false
  return Object.values(node).some((value) =>
    (Array.isArray(value) ? value : [value]).some((child) => isNode(child) && returnsValue(child)),
  )
}
