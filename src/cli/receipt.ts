/** `openseal receipt`: fetches a receipt, or completes one that was only sealed when it was given out. */
import type { Command } from 'commander'
import { isSameRecord, parseReceipt, receiptIndex } from '../core/receipt.ts'
import { type Client, createClient } from './client.ts'
import { addCommand, EXIT_SEALED, readIndex, UsageError, withLedger } from './command.ts'
import { FileError } from './hash-file.ts'
import { print, printJson } from './output.ts'
import { readIfThere, readThere, receiptPath, replaceFile, writeReceipt } from './receipt-file.ts'

type Options = { ledger: string; json?: boolean; upgrade?: string; out?: string }

/** Adds the command. */
export function addReceipt(program: Command, setExit: (code: number) => void): void {
  const example = 'openseal receipt 42 --out decision.pdf.receipt.json\nopenseal receipt --upgrade decision.pdf'
  withLedger(addCommand(program, 'receipt [index]', 'fetch a receipt, or complete one that was only sealed', example))
    .option('--upgrade <file>', 'a document with its receipt beside it, a receipt, or a package with its receipts')
    .option('--out <file>', 'write the receipt to a file instead of printing it')
    .action(async (index: string | undefined, options: Options) => {
      if ((index === undefined) === (options.upgrade === undefined)) throw new UsageError('give either an index or --upgrade FILE')
      const client = createClient(options.ledger)
      setExit(index === undefined ? await upgrade(client, options.upgrade!, options) : await fetchOne(client, readIndex(index), options))
    })
}

async function fetchOne(client: Client, index: number, options: Options): Promise<number> {
  const text = await client.readText(`/v1/records/${index}/receipt`)
  if (options.out === undefined) {
    process.stdout.write(text)
    return 0
  }
  await writeReceipt(options.out, text)
  if (options.json) printJson({ index, receipt: options.out })
  else print(`Receipt of index ${index}: ${options.out}`)
  return 0
}

async function upgrade(client: Client, file: string, options: Options): Promise<number> {
  const path = await findReceipt(file)
  const text = await readThere(path)
  const lines = path.endsWith('.ndjson') ? text.split('\n').filter(line => line !== '') : [text]
  const upgraded: string[] = []
  let anchored = 0
  for (const line of lines) {
    const { receipt, isAnchored } = await complete(client, line)
    upgraded.push(receipt)
    if (isAnchored) anchored++
  }
  const next = upgraded.map(line => `${line.trimEnd()}\n`).join('')
  if (next !== text) await replaceFile(path, next)
  const open = lines.length - anchored
  if (options.json) printJson({ receipt: path, anchored, sealed: open })
  else if (open === 0) print(`${lines.length === 1 ? 'The receipt is' : `All ${lines.length} receipts are`} anchored: ${path}`)
  else
    print(
      `${open === lines.length ? 'The chain does not vouch for it yet' : `${anchored} anchored, ${open} still waiting for the chain`}: ${path}`,
    )
  return open === 0 ? 0 : EXIT_SEALED
}

async function findReceipt(file: string): Promise<string> {
  if (/\.receipt\.json$|\.receipts\.ndjson$/.test(file)) return file
  for (const path of [receiptPath(file), `${file}.receipts.ndjson`]) if ((await readIfThere(path)) !== undefined) return path
  throw new FileError(
    'FILE_NOT_FOUND',
    `there is no receipt beside ${file}. Fetch it with: openseal receipt INDEX --out ${receiptPath(file)}`,
  )
}

/** The anchored form of a receipt, where the ledger has one of the very same statement. */
async function complete(client: Client, text: string): Promise<{ receipt: string; isAnchored: boolean }> {
  const before = parseReceipt(text)
  if (before.anchors.length > 0) return { receipt: text, isAnchored: true }
  const fresh = await client.readText(`/v1/records/${receiptIndex(before)}/receipt`)
  const after = parseReceipt(fresh)
  if (!isSameRecord(before, after)) {
    throw new FileError(
      'RECEIPT_OTHER',
      `the ledger's record ${receiptIndex(before)} is another one: this receipt is of another ledger, or damaged`,
    )
  }
  return after.anchors.length > 0 ? { receipt: fresh, isAnchored: true } : { receipt: text, isAnchored: false }
}
