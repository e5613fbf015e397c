/** The fees of a transaction per gas, in wei. Pure, and `bigint` only. */

/** The most that it pays in total, and the part of that for the block's builder. */
export type Fees = { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }

/** A suggestion, limited to the ceiling. */
export function underCeiling(fees: Fees, ceiling: Fees): Fees {
  const maxFeePerGas = least(fees.maxFeePerGas, ceiling.maxFeePerGas)
  return { maxFeePerGas, maxPriorityFeePerGas: least(least(fees.maxPriorityFeePerGas, ceiling.maxPriorityFeePerGas), maxFeePerGas) }
}

/**
 * The fees of a replacement: what the chain asks now, and at least 10 % more than the last on both
 * fields, rounded up, because nodes refuse less. Undefined if that is above the ceiling: then the
 * old transaction is sent again and an alarm is raised.
 */
export function bumpFees(last: Fees, suggested: Fees, ceiling: Fees): Fees | undefined {
  const leastTip = raised(last.maxPriorityFeePerGas)
  const leastFee = most(raised(last.maxFeePerGas), leastTip)
  if (leastFee > ceiling.maxFeePerGas || leastTip > ceiling.maxPriorityFeePerGas) return undefined
  const maxPriorityFeePerGas = least(most(leastTip, suggested.maxPriorityFeePerGas), ceiling.maxPriorityFeePerGas)
  const maxFeePerGas = least(most(most(leastFee, suggested.maxFeePerGas), maxPriorityFeePerGas), ceiling.maxFeePerGas)
  return { maxFeePerGas, maxPriorityFeePerGas: least(maxPriorityFeePerGas, maxFeePerGas) }
}

/** 10 % more, rounded up, and at least 1 wei. */
function raised(wei: bigint): bigint {
  return wei === 0n ? 1n : (wei * 110n + 99n) / 100n
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
