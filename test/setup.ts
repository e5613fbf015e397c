/** Loaded before every test: a rejection that nobody awaits fails the run. */
process.on('unhandledRejection', reason => {
  throw reason
})
