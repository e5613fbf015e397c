/**
 * The process behind `openCommands`: runs command after command, each with its own folder,
 * environment and input, and reports what a process of its own would have written and returned.
 */
import { Readable } from 'node:stream'
import { main } from '../../src/cli/main.ts'
import type { Ran } from './commands.ts'

/** A command to run. The answer has the same `id`. */
export type Asked = {
  readonly id: number
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly input: string
}
export type Answered = Ran & { readonly id: number }

/** Functions that commands register, to run when their process ends. */
const ENDINGS = ['exit', 'SIGINT', 'SIGTERM'] as const

let last = Promise.resolve()
process.on('message', (asked: Asked) => {
  last = last.then(async () => void process.send!({ id: asked.id, ...(await run(asked)) } satisfies Answered))
})
process.on('disconnect', () => process.exit())

async function run({ args, cwd, env, input }: Asked): Promise<Ran> {
  const [umask, idle] = [process.umask(), process.getActiveResourcesInfo().join()]
  const before = new Set(ENDINGS.flatMap(event => process.listeners(event as 'exit')))
  process.chdir(cwd)
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, env)
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(input)], { objectMode: false }), configurable: true })
  const [out, err] = [capture(process.stdout), capture(process.stderr)]
  try {
    const code = await main(args)
    // A process ends when nothing keeps its event loop going, so a command is over only then.
    while (process.getActiveResourcesInfo().join() !== idle) await new Promise(resolve => setTimeout(resolve, 1).unref())
    for (const event of ENDINGS)
      for (const listener of process.listeners(event as 'exit'))
        if (!before.has(listener)) {
          process.off(event, listener)
          if (event === 'exit') listener(code)
        }
    return { code, out: out.end(), err: err.end() }
  } finally {
    process.umask(umask)
  }
}

/** Keeps what is written to a stream from now on, until `end` returns it. */
function capture(stream: NodeJS.WriteStream): { end(): string } {
  const chunks: Uint8Array[] = []
  const { write } = stream
  stream.write = (chunk: string | Uint8Array, ...more: unknown[]) => {
    chunks.push(Buffer.from(chunk as string))
    const done = more.find(each => typeof each === 'function')
    if (done) process.nextTick(done as () => void)
    return true
  }
  return {
    end: () => {
      stream.write = write
      return Buffer.concat(chunks).toString()
    },
  }
}
