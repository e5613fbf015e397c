/** The part of cli-progress that is used here. The package has no types of its own. */
declare module 'cli-progress' {
  export class SingleBar {
    constructor(options: {
      format: string
      stream?: NodeJS.WritableStream
      hideCursor?: boolean
      clearOnComplete?: boolean
      barCompleteChar?: string
      barIncompleteChar?: string
    })
    start(total: number, value: number): void
    update(value: number): void
    setTotal(total: number): void
    stop(): void
  }
}
