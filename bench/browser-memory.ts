/**
 * How much memory the verify page needs for a large file, and how long it takes: the offline
 * verifier in a real Chromium, by what Linux says of its processes. `--write` writes
 * docs/results/browser-memory.md.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { writeResults } from '../scripts/results.ts'
import { parsePolicy } from '../src/core/policy.ts'
import { createSigner, formatVkey } from '../src/core/tlog/note.ts'
import { loadAssets } from '../src/web/assets.ts'
import { makeOfflineVerifier } from '../src/web/offline.ts'
import { launchBrowser } from '../test/web/browser.ts'

const MIB = 1024 * 1024
const SIZES_MIB = [1, 300, 1024]
const MARK = '--openseal-bench'

const folder = await mkdtemp(join(tmpdir(), 'openseal-bench-'))
try {
  const page = pathToFileURL(await writePage()).href
  const rows = ['| file | time | renderer’s peak | JavaScript heap afterwards |', '| --- | ---: | ---: | ---: |']
  for (const sizeMib of SIZES_MIB) {
    const { seconds, peakMib, heapMib } = await measure(page, await writeLarge(sizeMib))
    console.log(`${sizeMib} MiB: ${seconds.toFixed(1)} s, renderer's peak ${peakMib} MiB, JavaScript heap ${heapMib} MiB`)
    rows.push(`| ${sizeMib} MiB | ${seconds.toFixed(1)} s | ${peakMib} MiB | ${heapMib} MiB |`)
  }
  if (process.argv.includes('--write'))
    writeResults('browser-memory', {
      title: 'The offline verifier and large files',
      command: 'npm run bench:browser -- --write',
      about: 'Files of random bytes, given to the offline verifier in Chromium. The peak is the high-water mark of the renderer (`VmHWM`).',
      body: rows.join('\n'),
    })
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function writePage(): Promise<string> {
  const { offlineScript } = await loadAssets()
  const origin = 'openseal.example/bench'
  const policy = parsePolicy({
    type: 'openseal/policy@v1',
    origin,
    logKeys: [{ vkey: formatVkey(createSigner(origin, new Uint8Array(32)).vkey) }],
    anchors: [],
  })
  const path = join(folder, 'verifier.html')
  await writeFile(path, makeOfflineVerifier({ policy, endpoints: [], scriptText: offlineScript }).text)
  return path
}

async function writeLarge(sizeMib: number): Promise<string> {
  const path = join(folder, `${sizeMib}.bin`)
  const file = await open(path, 'w')
  const part = randomBytes(MIB)
  for (let written = 0; written < sizeMib; written++) await file.write(part)
  await file.close()
  return path
}

async function measure(page: string, path: string) {
  const browser = await launchBrowser([MARK])
  try {
    const tab = await browser.newPage()
    await tab.goto(page)
    await tab.waitForSelector('#files', { state: 'attached' })
    const startedMs = performance.now()
    await tab.setInputFiles('#files', path)
    await tab.waitForSelector('#results[data-done]', { state: 'attached', timeout: 300_000 })
    const seconds = (performance.now() - startedMs) / 1000
    const heap = await tab.evaluate(() => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize)
    return { seconds, peakMib: await peakOfRenderers(), heapMib: Math.round(heap / MIB) }
  } finally {
    await browser.close()
  }
}

/**
 * The largest high-water mark (VmHWM) among the renderers below the browser that carries our mark.
 */
async function peakOfRenderers(): Promise<number> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const processes = await Promise.all(
    pids.map(async pid => ({
      pid,
      command: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      status: await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
    })),
  )
  const parents = new Map(processes.map(({ pid, status }) => [pid, /^PPid:\s*(\d+)/m.exec(status)?.[1]]))
  const ours = new Set(processes.filter(({ command }) => command.includes(MARK)).map(({ pid }) => pid))
  const isOurs = (pid: string | undefined): boolean => pid !== undefined && (ours.has(pid) || isOurs(parents.get(pid)))
  const renderers = processes.filter(({ pid, command }) => command.includes('--type=renderer') && isOurs(pid))
  return Math.max(...renderers.map(({ status }) => Math.round(Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1024)))
}
