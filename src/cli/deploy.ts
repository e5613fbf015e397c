/** `openseal deploy`: puts the contract on a chain. */
import type { Command } from 'commander'

/** Adds the command. */
export function addDeploy(_program: Command): void {}
