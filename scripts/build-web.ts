/** Bundles the browser's code into build/web, so that a start need not. */
import { buildAssets } from '../src/web/assets.ts'

console.log(await buildAssets())
