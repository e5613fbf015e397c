/**
 * The process that checks a form, in an installed package, bundled by `scripts/build.ts`. There
 * Node may be as old as 20.
 */
import '../src/web/check-process.ts'
