/** `openseal serve`: the service. */
import type { Command } from 'commander'

/** Adds the command. */
export function addServe(_program: Command): void {}
