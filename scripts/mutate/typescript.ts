/** Mutants of a TypeScript file: one small change each, found in its syntax tree. */

import * as ts from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'

/** A change of a file's text: the original text at [from, to), and the text in the mutant. */
export type Mutant = {
  readonly file: string
  readonly line: number
  readonly from: number
  readonly to: number
  readonly before: string
  readonly after: string
}

type Node = {
  kind: number
  pos: number
  end: number
  parent: Node
  getStart(source: unknown): number
  forEachChild(visit: (child: Node) => void): void
}

const { SyntaxKind } = ts

/** The replacement of each operator. */
const OPERATORS: { readonly [operator: string]: readonly string[] } = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '+=': ['-='],
  '-=': ['+='],
}

/** Kinds whose text says nothing at run time, or names things only. */
const SILENT = new Set([
  SyntaxKind.ImportDeclaration,
  SyntaxKind.ExportDeclaration,
  SyntaxKind.TypeAliasDeclaration,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.TypeLiteral,
  SyntaxKind.FunctionType,
  SyntaxKind.UnionType,
  SyntaxKind.LiteralType,
  SyntaxKind.AsExpression,
])

/** All mutants of files, in the order of their text. `root` is the project's folder. */
export function mutantsOf(root: string, files: readonly string[], read: (file: string) => string): Mutant[] {
  const api = new API({ cwd: root })
  try {
    const project = api.updateSnapshot({ openProjects: [`${root}/tsconfig.json`] }).getProjects()[0]
    return files.flatMap(file => {
      const source = project?.program.getSourceFile(`${root}/${file}`) as unknown as Node | undefined
      if (source === undefined) throw new Error(`bug: ${file} was not read`)
      return mutantsIn(file, source, read(file))
    })
  } finally {
    api.close()
  }
}

function mutantsIn(file: string, source: Node, text: string): Mutant[] {
  const found: Mutant[] = []
  const start = (node: Node) => node.getStart(source)
  const change = (node: Node, after: string) => {
    const [from, to] = [start(node), node.end]
    const line = text.slice(0, from).split('\n').length
    found.push({ file, line, from, to, before: text.slice(from, to), after })
  }
  const visit = (node: Node): void => {
    if (SILENT.has(node.kind)) {
      // The value under `as` runs, its type does not.
      if (node.kind === SyntaxKind.AsExpression) visit((node as Node & { expression: Node }).expression)
      return
    }
    if (isMessage(node)) return
    mutate(node, text, change, start)
    node.forEachChild(visit)
  }
  source.forEachChild(visit)
  return found
}

/** The wording of an error, which no test fixes because callers branch on the code. */
function isMessage(node: Node): boolean {
  const parent = node.parent as Node & { arguments?: readonly Node[]; expression?: Node & { text?: string } }
  const makesError =
    parent?.kind === SyntaxKind.NewExpression || (parent?.kind === SyntaxKind.CallExpression && parent.expression?.text === 'malformed')
  if (!makesError) return false
  const isText = [SyntaxKind.StringLiteral, SyntaxKind.TemplateExpression, SyntaxKind.NoSubstitutionTemplateLiteral].includes(node.kind)
  const position = parent.arguments?.findIndex(argument => argument.pos === node.pos) ?? -1
  return isText && (position > 0 || (parent.arguments?.length ?? 0) === 1)
}

function mutate(node: Node, text: string, change: (node: Node, after: string) => void, start: (node: Node) => number): void {
  const own = text.slice(start(node), node.end)
  const part = (name: string) => (node as unknown as { [name: string]: Node })[name]!
  const changes: { readonly [kind: number]: () => void } = {
    [SyntaxKind.BinaryExpression]() {
      const operator = part('operatorToken')
      for (const other of OPERATORS[text.slice(start(operator), operator.end)] ?? []) change(operator, other)
    },
    [SyntaxKind.TrueKeyword]: () => change(node, 'false'),
    [SyntaxKind.FalseKeyword]: () => change(node, 'true'),
    [SyntaxKind.NumericLiteral]: () => change(node, `(${own} + 1)`),
    [SyntaxKind.StringLiteral]() {
      if (own.length > 2 && !isKey(node)) change(node, "''")
    },
    [SyntaxKind.RegularExpressionLiteral]() {
      if (own.startsWith('/^')) change(node, own.replace('/^', '/'))
      if (/\$\/[a-z]*$/.test(own)) change(node, own.replace(/\$(\/[a-z]*)$/, '$1'))
    },
    [SyntaxKind.PrefixUnaryExpression]() {
      if (own.startsWith('!')) change(node, own.slice(1))
    },
    [SyntaxKind.IfStatement]() {
      for (const other of ['true', 'false']) change(part('expression'), other)
    },
    [SyntaxKind.WhileStatement]: () => change(part('expression'), 'false'),
    [SyntaxKind.ConditionalExpression]() {
      for (const other of ['true', 'false']) change(part('condition'), other)
    },
    [SyntaxKind.ExpressionStatement]: () => change(node, ';'),
    [SyntaxKind.ArrayLiteralExpression]() {
      if (own.length > 2) change(node, '[]')
    },
    [SyntaxKind.Block]() {
      if (node.parent.kind === SyntaxKind.FunctionDeclaration && own.length > 4) change(node, '{}')
    },
  }
  changes[node.kind]?.()
}

/** A property's name, not its value. */
function isKey(node: Node): boolean {
  return node.parent?.kind === SyntaxKind.PropertyAssignment && (node.parent as Node & { name: Node }).name.pos === node.pos
}
