/**
 * Draws the site's images from the mark, by Chromium: the preview that social networks show of a
 * link, and the icon of a telephone's home screen. Run it when the mark changes: `npm run images`.
 */
import { writeFile } from 'node:fs/promises'
import { html, trusted } from '../src/html.ts'
import { en } from '../src/messages/en.ts'
import { drawMark } from '../src/web/icons.ts'
import { launchBrowser } from '../test/web/browser.ts'

const FOLDER = new URL('../src/web/images/', import.meta.url)

const browser = await launchBrowser()
try {
  const preview = html`<style>body{margin:0;width:1200px;height:630px;background:#0b3540;color:#fff;display:flex;align-items:center;gap:70px;padding:0 90px;box-sizing:border-box;border-bottom:24px solid #f2b34c;font-family:"DejaVu Serif",Georgia,serif}
svg{width:300px;height:300px;flex:none}h1{font-size:84px;margin:0}p{font-size:38px;margin:24px 0 0;color:#c9dde1;line-height:1.4}</style>
${trusted(drawMark('light'))}<div><h1>${en['site.name']}</h1><p>${en['site.tagline']}</p></div>`
  await draw('social.png', preview.safe, 1200, 630)
  const icon = html`<style>body{margin:0;background:#0b3540}svg{display:block;width:180px;height:180px}</style>${trusted(drawMark('dark'))}`
  await draw('touch-icon.png', icon.safe, 180, 180)
} finally {
  await browser.close()
}

async function draw(name: string, content: string, width: number, height: number): Promise<void> {
  const page = await browser.newPage({ viewport: { width, height } })
  await page.setContent(content)
  await writeFile(new URL(name, FOLDER), await page.screenshot({ type: 'png' }))
  await page.close()
}
