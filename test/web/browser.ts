/** A real Chromium for tests, from npm. */
import chromium from '@sparticuz/chromium'
import { type Browser, chromium as playwright } from 'playwright-core'

const OFFLINE_SAFE = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--force-prefers-reduced-motion',
  // Drawing by an emulated graphics card takes a third of the browser's own time.
  '--disable-gpu',
]

// One process for all crashes when a context closes, and rules between sites are what some tests
// are about.
const UNWANTED = [
  ...['--single-process', '--no-zygote', '--disable-web-security', '--allow-running-insecure-content'],
  ...['--ignore-gpu-blocklist', '--in-process-gpu', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
]

/** Launches Chromium, with further arguments if there are any. */
export async function launchBrowser(more: readonly string[] = []): Promise<Browser> {
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args.filter(arg => !UNWANTED.includes(arg)), ...OFFLINE_SAFE, ...more],
    headless: true,
  })
}
