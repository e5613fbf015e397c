/**
 * Loaded into the service (`node --import`): a clock that jumps, back and forth, every time that it
 * is asked after a while.
 */
const JUMPS_MS = [0, 86_400_000, -86_400_000, 3_600_000, -400 * 86_400_000, 3_000, -5_000]
const EVERY_MS = 50

const realNow = Date.now
let jump = 0
let jumpedMs = realNow()

Date.now = () => {
  const nowMs = realNow()
  if (nowMs - jumpedMs > EVERY_MS) {
    jumpedMs = nowMs
    jump = (jump + 1) % JUMPS_MS.length
  }
  return nowMs + JUMPS_MS[jump]!
}
