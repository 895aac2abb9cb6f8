/** What a person can put right; `message` is the sentence that the page shows. Any other error is a bug of ours. */
export class Problem extends Error {}

/** A frame did not fit into memory. The engine is of no more use then; a new one with a smaller frame is. */
export class OutOfMemory extends Problem {}
