/** Which frame belongs where: source frames in order, and the places between them that a factor asks for. */

/** Places between two frames are counted in eighths, so that what factor 2 made serves 4 and 8, too. */
const PARTS = 8;

export class SlowMotion {
  /** `frames` are ImageData at `times` in seconds; `factor` is 2, 4 or 8 and may be changed. */
  constructor(frames, times, factor) {
    Object.assign(this, { frames, times, factor });
    this.made = new Map();
  }

  /** How many pictures there are: all source frames, and factor - 1 between each two. */
  get length() {
    return (this.frames.length - 1) * this.factor + 1;
  }

  /** The pair, as the index of its first frame, and the place between its two frames: 0 is the first of them. */
  place(index) {
    const pair = Math.floor(index / this.factor);
    return { pair, tau: (index % this.factor) / this.factor };
  }

  /** `source`, `made`, or `missing` while it is not made yet. */
  kind(index) {
    const { pair, tau } = this.place(index);
    if (tau === 0) return "source";
    return this.made.has(key(pair, tau)) ? "made" : "missing";
  }

  /** What is shown at `index`: the frame itself, or the source frame before it while it is missing. */
  picture(index) {
    const { pair, tau } = this.place(index);
    return (tau && this.made.get(key(pair, tau))) || this.frames[pair];
  }

  add(index, frame) {
    const { pair, tau } = this.place(index);
    this.made.set(key(pair, tau), frame);
  }

  missing() {
    return Array.from({ length: this.length }, (_, index) => index).filter((index) => this.kind(index) === "missing");
  }

  /** Seconds from the first frame, at the speed of the source. */
  seconds(index) {
    const { pair, tau } = this.place(index);
    const start = this.times[pair];
    return start + (tau ? tau * (this.times[pair + 1] - start) : 0) - this.times[0];
  }

  /** Seconds at which picture `length` would come: the last one is shown as long as the one before it. */
  get end() {
    return 2 * this.seconds(this.length - 1) - this.seconds(this.length - 2);
  }

  /** The last index whose time is not after `seconds`. */
  at(seconds) {
    let index = 0;
    while (index + 1 < this.length && this.seconds(index + 1) <= seconds) index++;
    return index;
  }
}

const key = (pair, tau) => pair * PARTS + tau * PARTS;
