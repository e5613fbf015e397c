/**
 * The script of the offline verifier. It asks no ledger, and contains its languages, its frame and
 * the checks.
 */
import * as checking from './checking.ts'
import * as keeping from './keeping.ts'
import * as frame from './offline-frame.ts'
import { openArchive } from './open-archive.ts'
import { startPage } from './verify-page.ts'

void startPage({ frame, load: async () => ({ ...checking, openArchive }), keep: async () => keeping })
