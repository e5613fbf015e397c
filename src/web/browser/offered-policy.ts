/**
 * A policy that was dropped on the verify page. The page asks whether to use it: it may come from
 * the sender of the files, and it decides what is green.
 */
import { OpenSealError } from '../../core/errors.ts'
import { isolate, type Say } from '../../messages/say.ts'
import { sayBadPolicy } from '../../messages/verdict.ts'
import type { GivenPolicy } from '../../verifier/index.ts'
import { renderPolicy } from '../result.ts'
import { find } from './find.ts'
import { notice, tell } from './notices.ts'

/** Creates the question. `onUse` is called when the reader agrees. */
export function createOfferedPolicy(say: () => Say, onUse: (policy: GivenPolicy) => void) {
  let offered: GivenPolicy | undefined
  const show = (given: GivenPolicy | undefined): void => {
    offered = given
    find('#policy-part').hidden = given === undefined
    find('#policy-text').innerHTML = given === undefined ? '' : renderPolicy(say(), given).safe
  }
  return {
    /** Asks about a policy. If it cannot be read, says so. */
    ask(readPolicy: (name: string, text: string) => GivenPolicy, name: string, text: string): void {
      try {
        show(readPolicy(name, text))
        tell(say()('verify.policyAsk', { name: isolate(name) }))
      } catch (error) {
        if (!(error instanceof OpenSealError)) throw error
        notice(sayBadPolicy(say(), name, error.code))
      }
    },
    /** Asks no more. */
    drop: () => show(undefined),
    /** Listens to the answer, and asks again if the page was drawn anew. */
    listen(): void {
      find('#policy-use').addEventListener('click', () => {
        const policy = offered
        if (policy === undefined) return
        show(undefined)
        notice(say()('verify.policyUsed', { name: isolate(policy.source.name) }))
        onUse(policy)
      })
      find('#policy-leave').addEventListener('click', () => {
        show(undefined)
        find('#files').focus()
      })
      show(offered)
    },
  }
}
