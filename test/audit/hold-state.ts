/** Holds an audit's state until it is killed. Arguments: the folder, the origin. */
import { openAuditState } from '../../src/audit/state.ts'

const [folder = '', origin = ''] = process.argv.slice(2)
const state = await openAuditState(folder, origin)
process.send?.({ seen: state.seen.length })
setInterval(() => {}, 60_000)
