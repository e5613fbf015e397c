/** Counts the packages, releases and projects of a file, and says at its end what the file is. */
import { isJsonObject, type Json } from '../../core/json.ts'
import { OcdsError } from './error.ts'

/** The lists of a package whose elements get statements, or hold what does. */
export type ListName = 'releases' | 'records' | 'projects'

/**
 * The file around its releases. `json-lines` and `json-list` hold any number of packages, records,
 * releases and projects, one after the other or in an array. Projects are those of OC4IDS.
 */
export type Envelope = {
  readonly shape: 'release-package' | 'record-package' | 'project-package' | 'bare-release' | 'bare-project' | 'json-lines' | 'json-list'
  /**
   * The members around the releases of a single package or release: strings, numbers and booleans
   * as they are, releases and records as {}, other arrays and objects as 0.
   */
  readonly members: { readonly [member: string]: Json }
  /** Elements of a package's lists, or of the file's own list, of any other kind. */
  readonly strangers: number
}

type Members = Envelope['members']

const PACKAGES = { releases: 'release-package', records: 'record-package', projects: 'project-package' } as const
const PROJECT_ID = /^oc4ids-/

/** Creates a tally. */
export function createTally() {
  let isList = false
  let ended = 0
  let recognised = 0
  let strangers = 0
  let last: Pick<Envelope, 'shape' | 'members'> | undefined
  /** Elements that are not objects are neither releases nor records. */
  const countStrangers = (list: Json | undefined) => {
    if (Array.isArray(list)) strangers += list.filter(element => !isJsonObject(element)).length
  }
  return {
    /** Begins an object or an array of its own. Returns whether one may begin here. */
    begin(isArray: boolean): boolean {
      if (isList || (isArray && ended > 0)) return false
      isList = isArray
      return true
    },
    isBegun: () => isList || ended > 0,
    countStrangers,
    countStrangersIn(members: Members): void {
      for (const name of Object.keys(PACKAGES)) countStrangers(members[name])
    },
    /** Ends an object with these members. Returns what it is, if it is no package. */
    end(members: Members, seen: ListName | undefined): 'release' | 'project' | undefined {
      const bare = seen === undefined ? kindOfBare(members) : undefined
      ended++
      last = { shape: seen === undefined ? `bare-${bare ?? 'release'}` : PACKAGES[seen], members }
      if (seen === undefined && bare === undefined) strangers++
      else recognised++
      return bare
    },
    /** The kind of the file; undefined if nothing ended. Throws OcdsError OCDS_SHAPE. */
    finish(): Envelope | undefined {
      if (ended === 0 && !isList) return undefined
      if (last === undefined || recognised === 0)
        throw new OcdsError(
          'OCDS_SHAPE',
          'the file is not a release package, a record package or a release: it has no releases, no records and no ocid',
        )
      if (isList || ended > 1) return { shape: isList ? 'json-list' : 'json-lines', members: {}, strangers }
      return { ...last, strangers }
    },
  }
}

function kindOfBare({ ocid, id }: Members): 'release' | 'project' | undefined {
  if (ocid !== undefined) return 'release'
  return typeof id === 'string' && PROJECT_ID.test(id) ? 'project' : undefined
}
